"""Pictures for a talk or a paper: overlays and error maps as images, learning curves as SVG.

The colours are those of Okabe and Ito, which colour-blind people can tell apart. Kinds of errors also differ in pattern,
objects in outlines, and the two lines of a curve in marks.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Integer, Shaped
from PIL import Image

from unseam.errors import DataError
from unseam.model import Segmentation
from unseam.report.overlay import draw_overlay, error_picture, to_display
from unseam.report.page import draw_curve
from unseam.runs.run_folder import read_history

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
