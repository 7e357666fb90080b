"""Distances to the nearest and to the second nearest object: d1 and d2 of Eq. 2.

One Euclidean transform per object would be exact and slow. Here one separable transform gives both distances. It carries the
two nearest *different* objects instead of the nearest one alone, and it looks no further than a ``reach``, beyond which
distances no longer matter::

    rows (_along_rows)                    columns (_down_columns), one block of the image at a time
    for each pixel the two nearest        d1² = min over dy of  k1²(y+dy) + dy²          its object is L
    different objects of its own row      d2² = min over dy of  k(y+dy)² + dy²,  k = k1, or k2 where k1 belongs to L
    k1 <= k2, by running maxima

The second line is why two objects per row suffice: whatever L is, the nearest object of a row that is not L is one of that
row's two nearest. Squared distances are whole numbers, so ties are exact and nothing is rounded.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt

BLOCK_HEIGHT, BLOCK_WIDTH = 64, 512  # px; a block and the rows around it fit into one core's cache

MAX_REACH = 32_000  # px; twice its square must stay below the label bits of the wide type

_Objects = Int[np.ndarray, "height width"]
_Plane = UInt[np.ndarray, "height width"]
_Padded = UInt[np.ndarray, "padded_height width"]
_Line = UInt[np.ndarray, "line"]


@dataclass(frozen=True)
class TwoNearest:
    """The two nearest objects of each background pixel.

    Attributes
    ----------
    first, second
        Squared distances d1², d2² in px² between pixel centres; 0 at object pixels. Both are exact where d1 + d2 <= reach.
        Elsewhere they are never too small, and d1 + d2 exceeds the reach.
    nearest
        The object at distance d1, the smaller number on a tie; the object itself at object pixels. Meaningless where d1
        exceeds half the reach.
    """

    first: _Plane
    second: _Plane
    nearest: _Plane


@dataclass(frozen=True)
class _Words:
    """Integer types: ``narrow`` holds a squared distance or a label; ``wide`` holds a distance above ``label_bits``."""

    narrow: type[np.unsignedinteger]
    wide: type[np.unsignedinteger]
    label_bits: int

    @property
    def no_label(self) -> int:
        return (1 << self.label_bits) - 1


_SMALL = _Words(np.uint16, np.uint32, 15)
_LARGE = _Words(np.uint32, np.uint64, 31)


@dataclass(frozen=True)
class _Rows:
    """k1², k2² and the label of k1 for each pixel, with ``halo`` empty rows above and below the image.

    A distance of ``far`` px means that there is no object within the reach.
    """

    first: _Padded
    second: _Padded
    label: _Padded
    halo: int
    far: int
    words: _Words


def two_nearest(objects: _Objects, reach: float | int) -> TwoNearest:
    """Compute the squared distances of each background pixel to its nearest and second nearest object.

    Parameters
    ----------
    objects
        0 is background, 1 and up are objects; an object may consist of several pieces.
    reach
        px; the distances are exact where d1 + d2 <= reach. The time grows in proportion to it.

    Examples
    --------
    >>> near = two_nearest(np.array([[1, 0, 0, 0, 2]]), reach=8)
    >>> np.sqrt(near.first).tolist(), np.sqrt(near.second).tolist()
    ([[0.0, 1.0, 2.0, 1.0, 0.0]], [[0.0, 3.0, 2.0, 3.0, 0.0]])
    """
    height, width = objects.shape
    assert 0 <= reach <= MAX_REACH, "callers bound the reach"
    far = int(reach) + 1
    radius = max(1, min(far - 2, max(height, width)))  # a background pixel has d1 >= 1, so d2 <= reach - 1
    # 16 bits are faster, but sums of squares, labels and shifted columns must all fit: an overflow would shorten a distance.
    max_label = _SMALL.no_label
    is_small = objects.max(initial=0) < max_label and far**2 + radius**2 <= max_label and width + 2 * far + radius < 1 << 16
    words = _SMALL if is_small else _LARGE
    rows = _along_rows(objects, radius, far, words)
    result = TwoNearest(*(np.zeros((height, width), words.narrow) for _ in range(3)))
    for top in range(0, height, BLOCK_HEIGHT):
        for left in range(0, width, BLOCK_WIDTH):
            _down_columns(rows, objects, result, (top, left), reach)
    return result


def _along_rows(objects: _Objects, radius: int, far: int, words: _Words) -> _Rows:
    """Find the two nearest different objects of each pixel within its own row, at most ``radius`` away."""
    height, width = objects.shape
    shape = (height + 2 * radius, width)
    first, second = np.full(shape, far**2, words.narrow), np.full(shape, far**2, words.narrow)
    rows = _Rows(first, second, np.full(shape, words.no_label, words.narrow), radius, far, words)
    bits, mask = words.label_bits, words.wide(words.no_label)
    # Empty columns separate the rows: a strip can then be shifted as one long line, and no object reaches into the next row.
    gap = radius + 1
    # Columns count from ``far``: the distance to column 0, which means "no object", is then out of reach at every pixel.
    columns = np.arange(far, far + width + gap, dtype=words.wide) << words.wide(bits)
    for top in range(0, height, BLOCK_HEIGHT):
        strip = objects[top : top + BLOCK_HEIGHT]
        labels = np.zeros((len(strip), width + gap), words.wide)
        labels[:, :width] = strip
        line_columns = np.broadcast_to(columns, labels.shape).ravel()
        from_left, other_left = _last_two(line_columns, labels.ravel(), radius, words, is_left=True)
        from_right, other_right = _last_two(line_columns, labels.ravel(), radius, words, is_left=False)
        nearest = np.minimum(from_left, from_right)
        runner_up = np.maximum(from_left, from_right)
        # One object may be nearest on both sides; it must not count as its own second nearest, or d2 comes out too small.
        runner_up[((from_left ^ from_right) & mask) == 0] = ~words.wide(0)
        np.minimum(runner_up, np.minimum(other_left, other_right), out=runner_up)
        strip_rows = slice(radius + top, radius + top + len(strip))
        for line, target in ((nearest, rows.first), (runner_up, rows.second)):
            distance = np.minimum(line >> words.wide(bits), words.wide(far)).reshape(labels.shape)[:, :width]
            np.multiply(distance, distance, out=target[strip_rows], casting="unsafe")
        rows.label[strip_rows] = (nearest & mask).reshape(labels.shape)[:, :width]
    return rows


def _last_two(columns: _Line, labels: _Line, radius: int, words: _Words, *, is_left: bool) -> tuple[_Line, _Line]:
    """Find the last object on one side of each pixel, itself included, and the last one that differs from it.

    Both results are ``distance << label_bits | label``, so one minimum compares distances and breaks ties by the smaller label.
    """
    mask = words.wide(words.no_label)
    nothing = words.wide(0) if is_left else ~words.wide(0)
    is_object = labels > 0
    # To the left the last object has the largest column, to the right the smallest. On the left the label is inverted, so that
    # the subtraction at the end restores it and never borrows from the distance bits.
    line = np.where(is_object, columns | ((mask - labels) if is_left else labels), nothing)
    last = _best_within(line, radius, is_left=is_left)
    # The last object that differs can only change at an object pixel whose predecessor is another object. Only those pixels
    # carry their predecessor, so one more running maximum replaces a search at each pixel.
    before = np.full_like(last, nothing)
    if is_left:
        before[1:] = last[:-1]
    else:
        before[:-1] = last[1:]
    is_change = is_object & (((before ^ line) & mask) != 0)
    other = _best_within(np.where(is_change, before, nothing), radius, is_left=is_left)
    if is_left:
        end = columns | mask
        return end - last, end - other
    return last - columns, other - columns


def _best_within(line: _Line, radius: int, *, is_left: bool) -> _Line:
    """Take the maximum over the ``radius`` px to the left (the minimum over those to the right), the pixel itself included.

    The window doubles in each step, so ``radius`` 31 costs five steps.
    """
    span, best = 1, line
    while span <= radius:
        step = min(span, radius + 1 - span)
        wider = best.copy()
        if is_left:
            np.maximum(best[step:], best[:-step], out=wider[step:])
        else:
            np.minimum(best[:-step], best[step:], out=wider[:-step])
        span, best = span + step, wider
    return best


def _down_columns(rows: _Rows, objects: _Objects, result: TwoNearest, corner: tuple[int, int], reach: float | int) -> None:
    """Combine the rows above and below each pixel of one block, and write the block into ``result``."""
    words, halo = rows.words, rows.halo
    top, left = corner
    block = (slice(top, top + BLOCK_HEIGHT), slice(left, left + BLOCK_WIDTH))
    around = (slice(top, top + BLOCK_HEIGHT + 2 * halo), block[1])
    is_object = objects[block] > 0
    height = len(is_object)
    first_rows, label_rows = rows.first[around].copy(), rows.label[around].copy()
    # d1 <= d2, so d1 counts only up to half the reach: half the rows are enough for it.
    first, nearest = _nearest(first_rows, label_rows, height, halo, int(reach / 2), words)
    second = np.full_like(first, rows.far**2)
    # d2 counts only up to reach - d1. Most pixels need fewer rows than the reach, and object pixels and those with d1 out of
    # reach need none. The tolerance keeps pixels with d1 of exactly half the reach, which the root may round away.
    max_second = np.maximum(reach - np.sqrt(first, dtype=np.float64), 0.0)
    max_second[(max_second < reach / 2 - 1e-6) | is_object] = 0.0
    limit = np.ceil(max_second * max_second).astype(words.narrow)
    if limit.any():
        _second(second, limit, (first_rows, rows.second[around].copy(), label_rows), nearest, words)
    second[is_object] = 0
    result.first[block], result.second[block], result.nearest[block] = first, second, nearest


def _nearest(squares: _Padded, labels: _Padded, height: int, halo: int, radius: int, words: _Words) -> tuple[_Plane, _Plane]:
    """Find d1² and its object for the middle ``height`` rows, from rows at most ``radius`` away."""
    bits = words.wide(words.label_bits)
    keys = (squares.astype(words.wide) << bits) | labels  # the label below the square: the smaller number wins a tie
    best = keys[halo : halo + height].copy()
    either = np.empty_like(best)
    for step in range(1, min(radius, halo) + 1):
        above, below = halo - step, halo + step
        np.minimum(keys[above : above + height], keys[below : below + height], out=either)
        either += words.wide(step * step) << bits
        np.minimum(best, either, out=best)
    return (best >> bits).astype(words.narrow), (best & words.wide(words.no_label)).astype(words.narrow)


def _second(second: _Plane, limit: _Plane, around: tuple[_Padded, _Padded, _Padded], nearest: _Plane, words: _Words) -> None:
    """Lower ``second`` to d2²: the minimum over all rows of k1² (k2² where k1 belongs to ``nearest``) + dy².

    ``limit`` is the largest d2² that matters at each pixel; ``around`` holds k1², k2² and the label of k1.
    """
    first_rows, second_rows, labels = around
    height = len(second)
    halo = (len(labels) - height) // 2
    # The choice between k1 and k2 falls at every pixel and step, so it is made by arithmetic; a mask would be slower.
    # (label ^ nearest) - 1 wraps round to the largest number where the labels are equal, and stays below ``offset`` where they
    # differ. Its maximum with k1² + offset, and then the minimum with k2² + offset, is the chosen square.
    one, offset = words.narrow(1), words.narrow(words.no_label + 1)
    first_rows += offset
    second_rows += offset
    second += offset
    either, other = np.empty_like(second), np.empty_like(second)
    for step in range(halo + 1):
        # Rows further away than the best distance so far, or than the limit, cannot lower any pixel. The test is not free,
        # so only every fourth step makes it.
        if step % 4 == 0 and int(np.minimum(second - offset, limit).max()) < step * step:
            break
        for top, choice in ((halo - step, either), (halo + step, other)):
            rows = slice(top, top + height)
            np.bitwise_xor(labels[rows], nearest, out=choice)
            np.subtract(choice, one, out=choice)
            np.maximum(choice, first_rows[rows], out=choice)
            np.minimum(choice, second_rows[rows], out=choice)
        np.minimum(either, other, out=either)
        either += words.narrow(step * step)
        np.minimum(second, either, out=second)
    second -= offset
