"""Pictures for a talk or a paper: overlays, error maps and objects as images; learning curves and distributions as SVG.

The colours are those of Okabe and Ito, which colour-blind people can tell apart. Kinds of errors also differ in pattern,
objects in outlines, and the two lines of a curve in marks.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Integer, Shaped
from PIL import Image

from unseam.errors import DataError
from unseam.model import Segmentation
from unseam.report.distributions import distributions_svg
from unseam.report.measured_picture import ColourScale, colour_scale, draw_measured, with_scale
from unseam.report.odd_objects import EXTREMES, Extreme, choose_standouts
from unseam.report.overlay import draw_overlay, error_picture, to_display
from unseam.report.page import draw_curve
from unseam.report.sheet import draw_sheet
from unseam.runs.run_folder import read_history
from unseam.tables import Table
from unseam.training.curve import FOR_A_FILE

Map = Integer[np.ndarray, "_height _width"]


def overlay(
    image: Shaped[np.ndarray, "height width *channel"],
    segmentation: Segmentation | Map,
    *,
    objects: bool = False,
    opacity: float = 0.35,
    outlines: bool = True,
) -> Image.Image:
    """Draw a segmentation over its image: each class or object is filled with a colour and outlined.

    Parameters
    ----------
    image
        (H, W) or (H, W, C), any real type; it is stretched between its percentiles 0.5 and 99.5.
    segmentation
        The result of :meth:`unseam.Model.predict`, or a class map or instance map (H, W) of the same size. 0 is not drawn.
    objects
        Draw the objects of a result of ``predict`` instead of its classes.
    opacity
        Opacity of the fills, 0 to 1.
    outlines
        Draw the border of each class or object in full colour.

    Returns
    -------
    PIL.Image.Image
        An image of the same size; ``.save("picture.png")`` writes it.

    Raises
    ------
    DataError
        If image and segmentation differ in size.

    Examples
    --------
    >>> overlay(np.zeros((4, 6)), np.eye(4, 6, dtype=int)).size
    (6, 4)
    """
    if isinstance(segmentation, Segmentation):
        labels = segmentation.instances if objects else segmentation.class_indices
    else:
        labels = np.asarray(segmentation)
    _check_same_size(image, labels, "segmentation")
    return Image.fromarray(draw_overlay(image, labels, opacity=opacity, outlines=outlines))


def error_map(
    predicted: Map,
    truth: Map,
    image: Shaped[np.ndarray, "height width *channel"] | None = None,
    *,
    objects: bool = False,
) -> Image.Image:
    """Draw where a prediction is wrong: missed in blue stripes, invented in plain vermilion, mixed up in purple dots.

    Parameters
    ----------
    predicted, truth
        Class maps (255 in the truth: not annotated) or instance maps (-1), (H, W) each.
    image
        Background of the picture; None: white.
    objects
        True: the maps hold objects, and pixels are mixed up where two objects overlap but do not match with an IoU above 0.5.
        False: the maps hold classes, and pixels are mixed up where the classes differ.

    Raises
    ------
    DataError
        If the sizes differ.

    Examples
    --------
    >>> error_map(np.array([[0, 1]]), np.array([[0, 0]])).getpixel((0, 0))
    (255, 255, 255)
    """
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    _check_same_size(predicted, truth, "truth")
    if image is not None:
        _check_same_size(image, truth, "truth")
    picture = to_display(image) if image is not None else None
    return Image.fromarray(error_picture(predicted, truth, picture, instances=objects))


def learning_curve(run: str | Path) -> str:
    """Draw the learning curve of a run: energy and validation score over steps and minutes.

    Parameters
    ----------
    run
        Run folder of ``unseam train``.

    Returns
    -------
    str
        The text of an SVG file.

    Raises
    ------
    DataError
        If the folder holds no history.
    """
    folder = Path(run)
    records = read_history(folder / "history.csv")
    if not records:
        raise DataError(f"{folder}: there is no history.csv with records. Give the run folder of a training.")
    return draw_curve(records, f"Training of {folder.resolve().name}", "validation")


def _check_same_size(one: np.ndarray, other: np.ndarray, name: str) -> None:
    if one.shape[:2] != other.shape:
        sizes = [" x ".join(map(str, shape)) for shape in (one.shape[:2], other.shape)]
        raise DataError(
            f"The first is {sizes[0]} px, the {name} {sizes[1]} px; both must have the same size. Give a matching pair."
        )


def measured(
    image: Shaped[np.ndarray, "height width *channel"],
    instances: Map,
    table: Table,
    column: str,
    *,
    limits: tuple[float | int, float | int] | None = None,
    scale: bool = True,
) -> Image.Image:
    """Colour each object by a measurement, over its image, from violet (low) to yellow (high).

    Parameters
    ----------
    image
        (H, W) or (H, W, C), any real type.
    instances
        The instance map (H, W) that was measured; 0 is not drawn.
    table
        What :func:`unseam.measure` says about the objects of this image: columns ``id`` and ``column``.
    column
        The measurement, for example ``area_px``.
    limits
        Values of the first and the last colour; None: the percentiles 2 and 98 of the column, on a logarithmic scale if they
        span a factor of 20. Give the same ones for images that are to be compared.
    scale
        Add a bar of the colours, with its ends and the name of the column, below the picture.

    Returns
    -------
    PIL.Image.Image
        An image of the same width (at least 320 px with a bar).

    Raises
    ------
    DataError
        If image and map differ in size, or the table has no such column.

    Examples
    --------
    >>> cells = np.array([[1, 1, 0, 2]])
    >>> measured(np.zeros((1, 4)), cells, Table({"id": [1, 2], "area_px": [2, 1]}), "area_px", scale=False).size
    (4, 1)
    """
    instances = np.asarray(instances)
    _check_same_size(image, instances, "instance map")
    values = _numbers(table, column)
    colours = ColourScale(*limits) if limits else colour_scale(values)
    drawn = draw_measured(image, instances, _column(table, "id"), values, colours)
    return with_scale(drawn, column, colours) if scale else Image.fromarray(drawn)


def distributions(table: Table, column: str) -> str:
    """Draw a measurement of all objects: a row for each image, and for each group where the table has groups.

    A box reaches from quartile to quartile, with the median; each dot is an object. With groups, the row of a group holds the
    objects of its images, and a diamond for the median of each image.

    Parameters
    ----------
    table
        The objects of :func:`unseam.measure`: ``column``, and ``image`` and ``group`` where there are several.
    column
        The measurement.

    Returns
    -------
    str
        The text of an SVG file.

    Raises
    ------
    DataError
        If the table has no such column, or it holds words.

    Examples
    --------
    >>> distributions(Table({"image": ["a", "a"], "area_px": [4, 8]}), "area_px").startswith("<svg")
    True
    """
    values = _numbers(table, column)
    images = table["image"] if "image" in table else np.full(len(table), "objects", object)
    groups = dict(zip(images.tolist(), table["group"].tolist(), strict=True)) if "group" in table else {}
    return distributions_svg(values, images, column, FOR_A_FILE, groups)


def standouts(
    image: Shaped[np.ndarray, "height width *channel"],
    instances: Map,
    table: Table,
    which: Extreme = "oddest",
    *,
    number: int = 10,
) -> Image.Image:
    """Cut out the objects that are the largest, the smallest or the oddest: errors of a segmentation hide among them.

    Objects that the border of the image cuts count among the largest only. The oddest deviate most from the median in area,
    shape and grey values.

    Parameters
    ----------
    image, instances
        The image and its instance map, as they were measured.
    table
        The objects of this image, from :func:`unseam.measure`; at least ``id`` and ``area_px``.
    which
        ``largest``, ``smallest`` or ``oddest``.
    number
        How many.

    Returns
    -------
    PIL.Image.Image
        A sheet of five thumbnails in a row, each with the number of the object and why it was chosen.

    Raises
    ------
    DataError
        If image and map differ in size, or a column is missing.

    Examples
    --------
    >>> cells = np.eye(60, dtype=int)
    >>> standouts(np.zeros((60, 60)), cells, Table({"id": [1], "area_px": [60]}), "largest").size
    (184, 238)
    """
    instances = np.asarray(instances)
    _check_same_size(image, instances, "instance map")
    if which not in EXTREMES:
        raise DataError(f"which={which!r}: give one of {', '.join(EXTREMES)}.")
    ids = _column(table, "id")
    _column(table, "area_px")
    chosen = choose_standouts(table, which, number)
    return draw_sheet(instances, to_display(image), [(int(ids[one.row]), one.reason) for one in chosen])


def _column(table: Table, name: str) -> np.ndarray:
    if not len(table):  # an image without objects: such a table has no columns
        return np.zeros(0, int)
    if name not in table:
        raise DataError(f"The table has no column {name!r}; it has {', '.join(table)}. Measure it, or give one of these.")
    return np.asarray(table[name])


def _numbers(table: Table, name: str) -> np.ndarray:
    found = _column(table, name)
    if found.dtype.kind not in "biuf":
        raise DataError(f"The column {name!r} holds words. Give one with numbers, such as area_px.")
    return found.astype(np.float64)
