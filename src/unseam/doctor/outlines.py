"""Find masks that contain the outlines of objects instead of the objects."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool
from scipy import ndimage
from skimage.measure import euler_number, label

from unseam.data.grey_facts import SPECK_PX
from unseam.doctor.finding import Finding, shorten_list
from unseam.doctor.item import Labelled, unit

_THICK = 0.1  # share of the foreground at least three pixels from its edge: lines have less
_RINGS = 0.8  # share of the pieces
_FEWEST = 3
_EXAMINED = 200  # pieces per image


def check_outlines(labelled: Sequence[Labelled]) -> list[Finding]:
    """Check whether most pieces of the foreground are thin rings. A network of membranes is one piece with many holes."""
    counts = [_rings(one.foreground) for one in labelled]
    rings, pieces = (sum(count[i] for count in counts) for i in (0, 1))
    if pieces < _FEWEST or rings < _RINGS * pieces:
        return []
    guilty = [one for one, (number, _) in zip(labelled, counts, strict=True) if number]
    return [
        Finding(
            "outlines only",
            "hurts",
            f"{rings:,} of {pieces:,} pieces of the foreground are thin rings, "
            f"{shorten_list(len(guilty), len(labelled), unit([one.item for one in labelled]))}: outlines of objects",
            tuple(one.item.in_mask for one in guilty),
            "the network learns to draw outlines, and learns the inside of objects as background",
            "if you mean the objects, fill the outlines (in Fiji: Process > Binary > Fill Holes)",
        )
    ]


def _rings(foreground: Bool[np.ndarray, "height width"]) -> tuple[int, int]:
    """Return the numbers of thin pieces with one hole and of all pieces; (0, all) if the foreground is thick."""
    pieces = label(foreground, connectivity=2)
    areas = np.bincount(pieces.ravel())[1:]
    numbers = np.flatnonzero(areas > SPECK_PX) + 1
    deep = ndimage.binary_erosion(foreground, np.ones((3, 3)), iterations=2)
    if not numbers.size or deep.sum() > _THICK * foreground.sum():
        return 0, int(numbers.size)
    boxes = ndimage.find_objects(pieces)
    numbers = numbers[:_EXAMINED]
    has_one_hole = [euler_number(pieces[boxes[n - 1]] == n, connectivity=2) == 0 for n in numbers]
    return int(sum(has_one_hole)), int(numbers.size)
