"""Distances to the nearest and to the second nearest object: d1 and d2 of Eq. 2.

One Euclidean transform an object would be exact and slow. Here both distances come from one separable transform that
carries, instead of the nearest object alone, the two nearest that are *different*, and that looks no further than a
``reach``, past which the answer changes nothing::

    rows (_along_rows)                    columns (_down_columns), a block of the image at a time
    for each pixel the two nearest        d1² = min over dy of  k1²(y+dy) + dy²          its object is L
    different objects of its own row      d2² = min over dy of  k(y+dy)² + dy²,  k = k1, or k2 where k1 belongs to L
    k1 <= k2, by running maxima

The second line is why two a row suffice: whatever L is, the nearest object of a row that is not L is one of that row's
two nearest. Squared distances are whole numbers, so ties are ties and nothing is rounded.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt

BLOCK_HEIGHT, BLOCK_WIDTH = 64, 512  # px; a block and its surroundings stay in a core's own cache

MAX_REACH = 32_000  # px; twice its square must leave the label bits of the wide words alone


@dataclass(frozen=True)
class TwoNearest:
    """The two nearest objects of each background pixel.

    Attributes
    ----------
    first, second
        Squared distances d1², d2² in px² between pixel centres. Both are exact where d1 + d2 <= reach; elsewhere they
        are too large rather than too small, and their roots add up to more than the reach. 0 at object pixels.
    nearest
        The object that d1 belongs to, the smaller number on a tie; the object itself at object pixels; where d1 is over
        half the reach it means nothing.
    """

    first: UInt[np.ndarray, "height width"]
    second: UInt[np.ndarray, "height width"]
    nearest: UInt[np.ndarray, "height width"]


@dataclass(frozen=True)
class _Words:
    """Integer types: ``narrow`` holds a squared distance or a label, ``wide`` the one above the bits of the other."""

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

    ``far`` px stand for "none": more than the reach.
    """

    first: UInt[np.ndarray, "padded_height width"]
    second: UInt[np.ndarray, "padded_height width"]
    label: UInt[np.ndarray, "padded_height width"]
    halo: int
    far: int
    words: _Words


def two_nearest(objects: Int[np.ndarray, "height width"], reach: float | int) -> TwoNearest:
    """Squared distances of each background pixel to its nearest and second nearest object.

    Parameters
    ----------
    objects
        0 is background, 1 and up are objects; an object may come in several pieces.
    reach
        px; the distances are exact where d1 + d2 <= reach. The time grows in proportion to it.

    Returns
    -------
    TwoNearest
        See there what holds outside the reach.

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
    most = _SMALL.no_label
    is_small = objects.max(initial=0) < most and far**2 + radius**2 <= most and width + 2 * far + radius < 1 << 16
    words = _SMALL if is_small else _LARGE
    rows = _along_rows(objects, radius, far, words)
    found = TwoNearest(*(np.zeros((height, width), words.narrow) for _ in range(3)))
    for top in range(0, height, BLOCK_HEIGHT):
        for left in range(0, width, BLOCK_WIDTH):
            _down_columns(rows, objects, found, (top, left), reach)
    return found


def _along_rows(objects: Int[np.ndarray, "height width"], radius: int, far: int, words: _Words) -> _Rows:
    """The two nearest different objects of each pixel within its own row, as far as ``radius``."""
    height, width = objects.shape
    shape = (height + 2 * radius, width)
    rows = _Rows(
        np.full(shape, far**2, words.narrow),
        np.full(shape, far**2, words.narrow),
        np.full(shape, words.no_label, words.narrow),
        radius,
        far,
        words,
    )
    bits, mask = words.label_bits, words.wide(words.no_label)
    # Empty columns part the rows, so that a strip can be shifted as one long line.
    gap = radius + 1
    columns = np.arange(far, far + width + gap, dtype=words.wide) << words.wide(bits)
    for top in range(0, height, BLOCK_HEIGHT):
        strip = objects[top : top + BLOCK_HEIGHT]
        labels = np.zeros((len(strip), width + gap), words.wide)
        labels[:, :width] = strip
        here = np.broadcast_to(columns, labels.shape).ravel()
        from_left, other_left = _last_two(here, labels.ravel(), radius, words, is_left=True)
        from_right, other_right = _last_two(here, labels.ravel(), radius, words, is_left=False)
        nearest = np.minimum(from_left, from_right)
        runner_up = np.maximum(from_left, from_right)
        runner_up[((from_left ^ from_right) & mask) == 0] = ~words.wide(0)  # the same object on both sides
        np.minimum(runner_up, np.minimum(other_left, other_right), out=runner_up)
        here_rows = slice(radius + top, radius + top + len(strip))
        for line, target in ((nearest, rows.first), (runner_up, rows.second)):
            distance = np.minimum(line >> words.wide(bits), words.wide(far)).reshape(labels.shape)[:, :width]
            np.multiply(distance, distance, out=target[here_rows], casting="unsafe")
        rows.label[here_rows] = (nearest & mask).reshape(labels.shape)[:, :width]
    return rows


def _last_two(
    columns: UInt[np.ndarray, "line"],
    labels: UInt[np.ndarray, "line"],
    radius: int,
    words: _Words,
    *,
    is_left: bool,
) -> tuple[UInt[np.ndarray, "line"], UInt[np.ndarray, "line"]]:
    """The last object on one side of each pixel, itself included, and the last one that differs from it.

    Both as ``distance << label_bits | label``. To the left the largest column is the last, to the right the smallest;
    the label rides in the low bits, turned round on the left so that the subtraction at the end turns it back.
    """
    mask = words.wide(words.no_label)
    nothing = words.wide(0) if is_left else ~words.wide(0)
    is_object = labels > 0
    line = np.where(is_object, columns | ((mask - labels) if is_left else labels), nothing)
    last = _best_within(line, radius, is_left=is_left)
    # An object pixel whose predecessor is another object: from here on, that predecessor is the last that differs.
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


def _best_within(line: UInt[np.ndarray, "line"], radius: int, *, is_left: bool) -> UInt[np.ndarray, "line"]:
    """Maximum over the ``radius`` px to the left (minimum over those to the right), the pixel itself included.

    The window doubles from step to step, so that ``radius`` 31 costs five of them.
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


def _down_columns(
    rows: _Rows,
    objects: Int[np.ndarray, "height width"],
    found: TwoNearest,
    corner: tuple[int, int],
    reach: float | int,
) -> None:
    """Combine the rows above and below each pixel of one block, and write the result into ``found``."""
    words, halo = rows.words, rows.halo
    top, left = corner
    block = (slice(top, top + BLOCK_HEIGHT), slice(left, left + BLOCK_WIDTH))
    around = (slice(top, top + BLOCK_HEIGHT + 2 * halo), block[1])
    is_object = objects[block] > 0
    height = len(is_object)
    first_rows, label_rows = rows.first[around].copy(), rows.label[around].copy()
    first, nearest = _nearest(first_rows, label_rows, height, halo, int(reach / 2), words)
    second = np.full_like(first, rows.far**2)
    # How far a pixel still has to look for d2, squared; 0 where d1 alone is out of reach already.
    to_go = np.maximum(reach - np.sqrt(first, dtype=np.float64), 0.0)
    to_go[(to_go < reach / 2 - 1e-6) | is_object] = 0.0
    look = np.ceil(to_go * to_go).astype(words.narrow)
    if look.any():
        _second(second, look, (first_rows, rows.second[around].copy(), label_rows), nearest, words)
    second[is_object] = 0
    found.first[block], found.second[block], found.nearest[block] = first, second, nearest


def _nearest(
    squares: UInt[np.ndarray, "padded_height width"],
    labels: UInt[np.ndarray, "padded_height width"],
    height: int,
    halo: int,
    radius: int,
    words: _Words,
) -> tuple[UInt[np.ndarray, "height width"], UInt[np.ndarray, "height width"]]:
    """d1² and its object for the middle ``height`` rows, from rows at most ``radius`` away (d1 <= reach / 2)."""
    bits = words.wide(words.label_bits)
    keys = (squares.astype(words.wide) << bits) | labels
    best = keys[halo : halo + height].copy()
    either = np.empty_like(best)
    for step in range(1, min(radius, halo) + 1):
        above, below = halo - step, halo + step
        np.minimum(keys[above : above + height], keys[below : below + height], out=either)
        either += words.wide(step * step) << bits
        np.minimum(best, either, out=best)
    return (best >> bits).astype(words.narrow), (best & words.wide(words.no_label)).astype(words.narrow)


def _second(
    second: UInt[np.ndarray, "height width"],
    look: UInt[np.ndarray, "height width"],
    around: tuple[
        UInt[np.ndarray, "padded_height width"],
        UInt[np.ndarray, "padded_height width"],
        UInt[np.ndarray, "padded_height width"],
    ],
    nearest: UInt[np.ndarray, "height width"],
    words: _Words,
) -> None:
    """Lower ``second`` to d2²: the best over all rows of k1² (k2² where k1 belongs to ``nearest``) + dy².

    The choice between k1 and k2 has to be made at every pixel and step, so it is made without a branch or a mask:
    ``(label ^ nearest) - 1`` wraps round to the largest number where the labels are equal and stays below ``offset``
    where they differ; the larger of it and k1² + offset, then the smaller of that and k2² + offset, is the choice.
    """
    first_rows, second_rows, labels = around
    height = len(second)
    halo = (len(labels) - height) // 2
    one, offset = words.narrow(1), words.narrow(words.no_label + 1)
    first_rows += offset
    second_rows += offset
    second += offset
    either, other = np.empty_like(second), np.empty_like(second)
    for step in range(halo + 1):
        if step % 4 == 0 and int(np.minimum(second - offset, look).max()) < step * step:
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
