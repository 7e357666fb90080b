"""Read a folder of images and masks: one annotated image per pair, or per plane of a stack."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.data.file_names import sequence_of
from unseam.data.kinds import LayoutKind, MaskChoice, holds_instances
from unseam.data.layout import find_pairs
from unseam.data.mask_colours import MaskColours
from unseam.data.orientations import NAMES, as_stack, check_volume, sliced
from unseam.data.pairs import Pair
from unseam.data.prepare import Annotated
from unseam.data.read_pair import read_pair
from unseam.errors import DataError
from unseam.io import ImageFile


@dataclass(frozen=True)
class AnnotatedFolder:
    """The annotated images of a folder, the classes and ignore value that the data set declares (nnU-Net's does), and the kind
    of masks that its layout always holds."""

    images: tuple[Annotated, ...]
    classes: tuple[tuple[int, str], ...] = ()
    ignore: int | None = None
    kind: LayoutKind | None = None


def read_annotated(
    folder: Path, tell: Callable[[str], None] = lambda _: None, *, masks: MaskChoice = "auto", volumes: bool = False
) -> AnnotatedFolder:
    """Read every pair of a folder in any layout of :mod:`unseam.data.layout`.

    ``tell`` is called with sentences for the user on what was found and how files were read. ``masks`` is what they hold, if
    the user said so: palettes of numbered objects may differ. With ``volumes`` each file holds a volume, which is read
    as planes of three orientations (:mod:`unseam.data.orientations`).

    Raises
    ------
    DataError
        The folder holds no pairs, or image and mask of a pair do not match, or a file is no volume of about cubic voxels.
    ImageReadError, LabelError
        A file cannot be read, or the palettes of masks contradict; names it.
    """
    found = find_pairs(folder)
    tell(f"{len(found.pairs)} annotated image(s) in {folder}: {found.layout}")
    for note in (*found.notes, *map(str, found.left_out)):
        tell(note)
    reported: set[str] = set()
    annotated: list[Annotated] = []
    read: list[tuple[Pair, ImageFile, ImageFile]] = []
    colours = MaskColours(are_objects=holds_instances(masks, found.kind))
    for pair in found.pairs:
        image, mask = read_pair(pair)
        colours.add(mask)
        read.append((pair, image, mask))
    for pair, image, file in read:
        mask = colours.settled(file)
        for note in (*image.notes, *mask.notes):
            if note not in reported:  # once, not once per image
                reported.add(note)
                tell(f"{pair.name}: {note}")
        annotated += annotated_volume(pair, image, mask) if volumes else annotated_planes(pair, image, mask)
    return AnnotatedFolder(tuple(annotated), tuple(found.classes), found.ignore, found.kind)


def annotated_planes(pair: Pair, image: ImageFile, mask: ImageFile) -> list[Annotated]:
    """Split a pair, as :func:`~unseam.data.read_pair.read_pair` returns it, into planes."""
    planes = list(zip(image.planes(), mask.planes(), strict=True))
    annotated = []
    group = pair.sequence or sequence_of(pair.name) or pair.name
    if len(planes) == 1:
        return [Annotated(pair.name, *planes[0], image.spacing_um, group, str(mask.path))]
    for plane, (pixels, labels) in enumerate(planes):
        name, mask_file = f"{pair.name} plane {plane}", f"{mask.path} plane {plane}"
        annotated.append(Annotated(name, pixels, labels, image.spacing_um, group, mask_file, pair.name, plane))
    return annotated


def annotated_volume(pair: Pair, image: ImageFile, mask: ImageFile) -> list[Annotated]:
    """Split a pair of volumes into planes of three orientations. Raises DataError if the image is no volume of cubes."""
    check_volume(image, str(pair.image))
    group = pair.sequence or sequence_of(pair.name) or pair.name
    return planes_of_volume(pair.name, as_stack(image), as_stack(mask), image.spacing_um, group, str(mask.path))


def planes_of_volume(
    name: str,
    image: Shaped[np.ndarray, "..."],
    labels: Shaped[np.ndarray, "..."],
    spacing_um: tuple[float, float] | None = None,
    group: str = "",
    mask_file: str = "",
) -> list[Annotated]:
    """Split a volume (D, H, W) or (D, H, W, C) and its mask (D, H, W) into planes of three orientations.

    Raises DataError if their sizes differ.
    """
    if labels.ndim != 3 or image.shape[:3] != labels.shape:
        raise DataError(
            f"{name}: the volume has the shape {image.shape} and its mask {labels.shape}. Both must have the same planes, rows "
            "and columns."
        )
    annotated = []
    for (axis, number, pixels), (*_, own) in zip(sliced(image), sliced(labels), strict=True):
        called = f"{NAMES[axis]} {number}"
        known = spacing_um if axis == 0 else None  # along the planes it may be another, by a little
        place = (name, number, axis)
        annotated.append(Annotated(f"{name} {called}", pixels, own, known, group or name, f"{mask_file} {called}", *place))
    return annotated
