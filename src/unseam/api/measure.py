"""``measure``: label maps and images in, tables of objects, images, classes and groups out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Integer, Shaped

from unseam.data.kinds import MaskChoice, facts_of_kind, holds_instances
from unseam.errors import DataError
from unseam.io.calibration import UNKNOWN
from unseam.io.image_file import ImageFile
from unseam.io.large import LargeImage
from unseam.io.large.stored_image import StoredImage, held_image
from unseam.measuring.files import find_files, no_objects
from unseam.measuring.pieces import with_pieces
from unseam.measuring.properties import DEFAULT, KNOWN
from unseam.measuring.read_groups import read_groups
from unseam.measuring.result import Measurements
from unseam.measuring.run import OnProgress, What, measure_class_maps, measure_instance_maps
from unseam.measuring.sources import Measured, OpenSource, Units
from unseam.measuring.values import Spacing
from unseam.tables import Table

__all__ = ["DEFAULT", "KNOWN", "Measurements", "Table", "Units", "measure"]


@runtime_checkable
class Segmented(Protocol):
    """A result of :meth:`unseam.Model.predict`, without the import of PyTorch that its class needs."""

    @property
    def instances(self) -> Integer[np.ndarray, "height width"]: ...
    @property
    def classes(self) -> Integer[np.ndarray, "height width"]: ...


Map = Shaped[np.ndarray, "..."] | Segmented
Maps = Map | Sequence[Map]
Images = Shaped[np.ndarray, "..."] | Sequence[Shaped[np.ndarray, "..."]]


def measure(  # noqa: PLR0913 - the public face: each argument is a word that a user reaches for
    masks: Maps | str | Path,
    images: Images | str | Path | Sequence[str | Path] | None = None,
    *,
    classes: Images | None = None,
    holds: MaskChoice = "auto",
    pieces: bool = False,
    properties: Sequence[str] = DEFAULT,
    spacing_um: int | float | Spacing | None = None,
    units: Units = "auto",
    groups: str | Path | Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    on_progress: OnProgress = lambda *_: None,
) -> Measurements:
    """Measure objects: one row an object, one row an image, and for class maps one row a class.

    Parameters
    ----------
    masks
        Instance maps (H, W) or stacks of them (planes, H, W); a result of :meth:`unseam.Model.predict`; one or a list. Or a
        file, a folder or a store of label maps, as ``unseam predict`` writes them.
    images
        The images, for intensities: (H, W) or (H, W, C) for each map, in the same order. Or files, which pair by name.
    classes
        Class maps of the same size: each object gets the class of most of its pixels. Files and stores bring theirs along.
    holds
        What the maps hold. ``auto``: arrays hold objects, unless they are boolean; files hold what their names or else their
        numbers say.
    pieces
        Of class maps: count each connected piece of a class as an object.
    properties
        What to measure, by the names of scikit-image: :data:`unseam.api.measure.KNOWN`.
    spacing_um
        Size of a pixel (or of its row and column) in micrometres, for what states none.
    units
        ``um``: refuse images without a pixel size; ``px``: no columns in micrometres.
    groups
        The group of each image by name, or a CSV file with the columns ``image`` and ``group``.
    names
        With arrays: names of the images.
    on_progress
        Called with the name of an image, planes that are done, and planes in total.

    Returns
    -------
    Measurements
        ``objects``, ``images``, ``classes`` and ``groups``, each a :class:`unseam.Table`.

    Raises
    ------
    DataError, LabelError, ImageReadError, SettingsError
        If something cannot be measured. The message says what.

    Examples
    --------
    >>> cells = np.zeros((6, 8), int)
    >>> cells[1:4, 1:4], cells[1:5, 4:6] = 1, 2
    >>> table = measure(cells, cells * 10.0, spacing_um=0.5).objects
    >>> table["area_px"].tolist(), table["area_um2"].tolist(), table["intensity_mean"].tolist()
    ([9, 8], [2.25, 2.0], [10.0, 20.0])
    """
    spacing = (float(spacing_um), float(spacing_um)) if isinstance(spacing_um, int | float) else spacing_um
    if spacing is not None and not all(0 < side < float("inf") for side in spacing):
        raise DataError(f"The pixel size is {spacing_um}, but it must be above 0. Give it in micrometres, such as 0.65.")
    grouped = read_groups(Path(groups)) if isinstance(groups, str | Path) else groups
    what = What(tuple(properties), units, spacing, grouped)
    if isinstance(masks, str | Path):
        if names is not None or classes is not None:
            raise DataError("Got files and names= or classes=, but files bring both along. Leave them out.")
        paths = _paths(images)
        found = find_files([Path(masks)], paths, holds, pieces=pieces)
        run = measure_instance_maps if facts_of_kind(found.kind).has_objects else measure_class_maps
        result = run(found.sources, what, on_progress)
        return _with_notes(result, (found.reason, *found.notes))
    if groups is not None and names is None and isinstance(groups, str | Path):
        raise DataError("Got arrays and a file of groups, which pairs by name. Give names= as well.")
    sources = _of_arrays(masks, images, classes, names, pieces=pieces)
    first = sources[0]().labels
    if pieces or holds_instances(holds, None) or (holds == "auto" and not _is_boolean(masks)):
        return measure_instance_maps(sources, what, on_progress)
    if images is not None:
        raise no_objects(str(first.path), "binary" if _is_boolean(masks) else "classes")
    return measure_class_maps(sources, what, on_progress)


def _with_notes(result: Measurements, notes: Sequence[str]) -> Measurements:
    return replace(result, notes=(*notes, *result.notes))


def _paths(images: object) -> list[Path]:
    given = [] if images is None else [images] if isinstance(images, str | Path) else images
    if not isinstance(given, Sequence) or not all(isinstance(one, str | Path) for one in given):
        raise DataError("Got files of masks together with arrays of images. Give files on both sides, or arrays.")
    return [Path(one) for one in given]


def _is_boolean(masks: object) -> bool:
    return any(np.asarray(one).dtype == bool for one in _as_list(masks) if not isinstance(one, Segmented))


def _as_list(given: object) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]


def _of_arrays(
    masks: object, images: object, classes: object, names: Sequence[str] | None, *, pieces: bool
) -> list[OpenSource]:
    """Return how to open each map and what belongs to it; arrays are in memory, so nothing is read."""
    maps = _as_list(masks)
    others = [[None] * len(maps) if given is None else _as_list(given) for given in (images, classes)]
    if not maps or {len(maps)} != {len(one) for one in (*others, names or maps)}:
        numbers = ", ".join(str(len(one)) for one in (maps, *others, names or maps))
        raise DataError(f"Got lists of {numbers} maps, images, class maps and names. Give one of each, in the same order.")
    called = names or (["image"] if len(maps) == 1 else [f"image {number}" for number in range(len(maps))])
    return [
        partial(_source, name, one, image, class_map, pieces)
        for name, one, image, class_map in zip(called, maps, *others, strict=True)
    ]


def _source(name: str, labels: Map, image: np.ndarray | None, class_map: np.ndarray | None, pieces: bool) -> Measured:
    if isinstance(labels, Segmented):
        class_map = labels.classes if class_map is None else class_map
        labels = labels.classes if pieces else labels.instances
    held = _held(labels, name)
    classes: LargeImage | None = None if class_map is None else _held(class_map, name)
    if pieces:
        held, classes = with_pieces(held)
    return Measured(name, held, None if image is None else _held(image, name, is_image_of=held), classes)


def _held(array: np.ndarray, name: str, *, is_image_of: StoredImage | None = None) -> StoredImage:
    """Return an array as an image that is read by windows; an image may have a last axis of channels."""
    pixels = np.asarray(array)
    axes = {2: "YX", 3: "ZYX"}.get(pixels.ndim, "") if is_image_of is None else _axes_of_image(pixels, is_image_of)
    if not axes or not pixels.size:
        what = "An image has the axes of its map, and may have channels after them" if is_image_of else "A map has 2 or 3 axes"
        raise DataError(f"{name}: got an array of shape {pixels.shape}. {what}: (rows, columns) or (planes, rows, columns).")
    return held_image(ImageFile(pixels, axes, UNKNOWN, Path(name)))


def _axes_of_image(pixels: np.ndarray, labels: StoredImage) -> str:
    axes = labels.plane_axes + "YX"
    return {len(axes): axes, len(axes) + 1: axes + "C"}.get(pixels.ndim, "")
