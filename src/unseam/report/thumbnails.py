"""Small pictures of wrong objects, each with the true and the predicted outline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8
from PIL import Image
from scipy.ndimage import binary_dilation

from unseam.report.comparison import Comparison
from unseam.report.object_errors import KINDS, ObjectError, ObjectErrorKind, object_errors
from unseam.report.overlay import ERROR_COLOURS, INVENTED, MISSED, encode_jpeg, outlines_of

MOST_SHOWN = 8
SIDE = 180  # px of a thumbnail
_SMALLEST_VIEW = 40  # px of the image; a smaller view shows an object without its neighbours


@dataclass(frozen=True)
class Thumbnail:
    """A picture of one wrong object as a data URI, and the place of its centre in the image."""

    picture: str
    side: int
    name: str
    row: int
    column: int
    num_pixels: int


@dataclass(frozen=True)
class WrongObjects:
    """The number of objects with one kind of error, and some of the largest to look at."""

    kind: ObjectErrorKind
    num_objects: int
    shown: tuple[Thumbnail, ...]


def wrong_objects(images: tuple[Comparison, ...]) -> tuple[WrongObjects, ...]:
    """Collect the split, merged, missed and invented objects of all images."""
    found = [object_errors(one.predicted, one.truth) for one in images]
    kinds = []
    for kind in KINDS:
        of_kind = [
            (rank, error, one)
            for errors, one in zip(found, images, strict=True)
            for rank, error in enumerate(error for error in errors if error.kind == kind)  # the largest first
        ]
        # By rank in the image first: otherwise one bad image with large objects would hide all other images.
        of_kind.sort(key=lambda entry: (entry[0], -entry[1].num_pixels))
        kinds.append(WrongObjects(kind, len(of_kind), tuple(_thumbnail(*entry[1:]) for entry in of_kind[:MOST_SHOWN])))
    return tuple(kinds)


def _thumbnail(error: ObjectError, one: Comparison) -> Thumbnail:
    window, view = window_round(error.box, one.truth.shape)
    grey = None if one.picture is None else one.picture[window]
    outlines = ((one.truth[window], ERROR_COLOURS[MISSED], False), (one.predicted[window], ERROR_COLOURS[INVENTED], True))
    (rows, columns), (top, left) = error.box, one.origin
    row, column = top + (rows.start + rows.stop) // 2, left + (columns.start + columns.stop) // 2
    return Thumbnail(encode_jpeg(draw_view(grey, view, outlines)), SIDE, one.name, row, column, error.num_pixels)


def window_round(box: tuple[slice, slice], shape: tuple[int, ...]) -> tuple[tuple[slice, slice], int]:
    """Return the window of an image that shows an object with its surroundings, and the side of the view in px of the image.

    At the border the window moves inwards, so that every view shows the same scale; a smaller image gives a smaller window.
    """
    view = max(_SMALLEST_VIEW, round(1.5 * max(side.stop - side.start for side in box)))
    middles = zip(((side.start + side.stop) // 2 for side in box), shape, strict=True)
    top, left = (max(0, min(middle - view // 2, length - view)) for middle, length in middles)
    return (slice(top, top + view), slice(left, left + view)), view


def draw_view(
    grey: UInt8[np.ndarray, "height width *colour"] | None,
    view: int,
    outlines: Sequence[tuple[Integer[np.ndarray, "height width"], tuple[int, int, int], bool]],
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw a window at the size of a thumbnail, with outlines two px wide of label maps: map, colour, and whether dashed."""
    rows, columns = outlines[0][0].shape
    size = (max(1, round(columns * SIDE / view)), max(1, round(rows * SIDE / view)))
    under = np.full((rows, columns), 128, np.uint8) if grey is None else grey
    picture = np.array(Image.fromarray(under).convert("RGB").resize(size, Image.Resampling.BILINEAR))
    down = np.arange(size[1]) * rows // size[1]
    across = np.arange(size[0]) * columns // size[0]
    for labels, colour, is_dashed in outlines:
        border = binary_dilation(outlines_of(labels[np.ix_(down, across)]), np.ones((2, 2)))
        if is_dashed:
            border &= np.indices(border.shape).sum(axis=0) % 10 < 6
        picture[border] = colour
    return picture
