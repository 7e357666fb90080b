"""Pictures for a talk or a paper, from Python: overlays and error maps as images, learning curves as SVG.

Colours are those of Okabe and Ito, which colour-blind people tell apart; kinds of errors differ by pattern as well, objects
by outlines, the two lines of a curve by their marks.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Integer, Shaped
from PIL import Image

from unseam.errors import DataError
from unseam.model import Segmentation
from unseam.report.overlay import draw_overlay, error_picture, to_display
from unseam.runs.run_folder import RunFolder, read_history
from unseam.training.curve import curve_svg

Map = Integer[np.ndarray, "_height _width"]


def overlay(
    image: Shaped[np.ndarray, "height width *channel"],
    segmentation: Segmentation | Map,
    *,
    objects: bool = False,
    opacity: float = 0.35,
    outlines: bool = True,
) -> Image.Image:
    """A segmentation drawn over its image: each class or object filled in a colour, and outlined.

    Parameters
    ----------
    image
        (H, W) or (H, W, C), any real type; it is stretched between its percentiles 0.5 and 99.5.
    segmentation
        What :meth:`unseam.Model.predict` gave, or a class map or an instance map (H, W) of the same size; 0 is left as it is.
    objects
        Of what ``predict`` gave, draw the objects rather than the classes.
    opacity
        Of the fills, 0 to 1.
    outlines
        Draw the border of each class or object at full strength.

    Returns
    -------
    PIL.Image.Image
        Of the size of the image; ``.save("picture.png")`` writes it.

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
    """Where a prediction is wrong: missed in blue stripes, invented in plain vermilion, mixed up in purple dots.

    Parameters
    ----------
    predicted, truth
        Class maps (255 in the truth: not annotated) or instance maps (-1), (H, W) each.
    image
        To draw it over; None: white.
    objects
        The maps hold objects: mixed up is then where an object lies in both, but the two do not match by an IoU above 0.5.
        Otherwise they hold classes, and mixed up is another class.

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
    """The learning curve of a run as the text of an SVG file: energy and validation score over steps and minutes.

    Parameters
    ----------
    run
        Run folder that ``unseam train`` wrote.

    Raises
    ------
    DataError
        If it holds no history.
    """
    folder = RunFolder(Path(run))
    records = read_history(folder.path / "history.csv")
    if not records:
        raise DataError(f"{folder.path}: there is no history.csv with a history in it. Give the folder of a training.")
    return curve_svg(
        [r.step for r in records],
        [r.energy for r in records],
        [r.score for r in records],
        f"Training of {folder.path.resolve().name}",
        "validation",
        seconds=[r.seconds for r in records],
    )


def _check_same_size(one: np.ndarray, other: np.ndarray, name: str) -> None:
    if one.shape[:2] != other.shape:
        raise DataError(
            f"The first is {' x '.join(map(str, one.shape[:2]))} px, the {name} {' x '.join(map(str, other.shape))}; both must "
            "have one size. Give those that belong together."
        )
