"""Small pictures of objects that are wrong: the place, with the true outline and the predicted one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from scipy.ndimage import binary_dilation

from unseam.report.comparison import Comparison
from unseam.report.object_errors import KINDS, ObjectError, ObjectErrorKind, object_errors
from unseam.report.overlay import ERROR_COLOURS, INVENTED, MISSED, encode_jpeg, outlines_of

MOST_SHOWN = 8
_SIDE = 180  # px of a thumbnail, about
_LEAST_SEEN = 40  # px of the image: less shows an object without its neighbours


@dataclass(frozen=True)
class Thumbnail:
    """One object that is wrong: a data URI, the file, and the row and column of its middle there."""

    picture: str
    side: int
    name: str
    row: int
    column: int
    num_pixels: int


@dataclass(frozen=True)
class WrongObjects:
    """All objects of one kind of error: how many there are, and some of the largest to look at."""

    kind: ObjectErrorKind
    num_objects: int
    shown: tuple[Thumbnail, ...]


def wrong_objects(images: tuple[Comparison, ...]) -> tuple[WrongObjects, ...]:
    """Split, merged, missed and invented objects of all images.

    Of many, the largest of each image are shown in turn: one image that is wrong all over must not hide the others.
    """
    found = [object_errors(one.predicted, one.truth) for one in images]
    kinds = []
    for kind in KINDS:
        of_kind = [
            (rank, error, one)
            for errors, one in zip(found, images, strict=True)
            for rank, error in enumerate(error for error in errors if error.kind == kind)  # the largest first
        ]
        of_kind.sort(key=lambda entry: (entry[0], -entry[1].num_pixels))
        kinds.append(WrongObjects(kind, len(of_kind), tuple(_thumbnail(*entry[1:]) for entry in of_kind[:MOST_SHOWN])))
    return tuple(kinds)


def _thumbnail(error: ObjectError, one: Comparison) -> Thumbnail:
    rows, columns = error.box
    row, column = (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2
    seen = max(_LEAST_SEEN, round(1.5 * max(rows.stop - rows.start, columns.stop - columns.start)))
    window = tuple(
        slice(max(0, min(middle - seen // 2, length - seen)), max(0, min(middle - seen // 2, length - seen)) + seen)
        for middle, length in zip((row, column), one.truth.shape, strict=True)
    )
    picture = _drawn(one, (window[0], window[1]), seen)
    return Thumbnail(encode_jpeg(picture), _SIDE, one.name, one.origin[0] + row, one.origin[1] + column, error.num_pixels)


def _drawn(one: Comparison, window: tuple[slice, slice], seen: int) -> UInt8[np.ndarray, "rows columns 3"]:
    """The window, enlarged or reduced to the size of a thumbnail, with both outlines two of its pixels wide."""
    rows, columns = one.truth[window].shape
    size = (max(1, round(columns * _SIDE / seen)), max(1, round(rows * _SIDE / seen)))
    grey = np.full((rows, columns), 128, np.uint8) if one.picture is None else one.picture[window]
    picture = np.array(Image.fromarray(grey).convert("RGB").resize(size, Image.Resampling.BILINEAR))
    down = np.arange(size[1]) * rows // size[1]
    across = np.arange(size[0]) * columns // size[0]
    for labels, colour, is_dashed in (
        (one.truth[window], ERROR_COLOURS[MISSED], False),
        (one.predicted[window], ERROR_COLOURS[INVENTED], True),
    ):
        border = binary_dilation(outlines_of(labels[np.ix_(down, across)]), np.ones((2, 2)))
        if is_dashed:
            at = np.indices(border.shape).sum(axis=0)
            border &= at % 10 < 6
        picture[border] = colour
    return picture
