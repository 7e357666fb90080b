"""Sizes, in integers only: what a valid-convolution network does to them, and where tiles may lie (paper: Fig. 1, Fig. 2).

A network of valid convolutions needs ``context`` px of image round every output pixel, and gives none of them back::

        ┌───────────── input tile ─────────────┐
        │  context                             │
        │         ┌── output tile ──┐          │
        │         │                 │          │   input = output + 2 * context
        │         └─────────────────┘          │
        └──────────────────────────────────────┘

Its max-poolings look at the image through a grid of ``phase = 2**depth`` px: shift the input by a multiple of the phase
and the output shifts along, unchanged; shift it by anything else and the output is another one. So output tiles agree
with one pass over the whole image if, and only if, their origins lie on one common phase grid. The paper's tile, 572 px
in and 388 px out, is not a multiple of 16; of its 388 px we use 384, and the seams vanish exactly.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int64

from unseam.errors import SizeError


@dataclass(frozen=True)
class Geometry:
    """What a valid network does to the length of an image axis; both axes alike.

    Attributes
    ----------
    context
        Pixels that the network needs beyond each side of its output. Since pixels of one phase share a tile, a single
        one of them may look ``phase - 1`` px farther than that, to one side.
    phase
        Pixels by which the input may be shifted without changing the output: 2**depth.
    min_input
        Smallest admissible input; every admissible one is ``min_input + k * phase``.
    """

    context: int
    phase: int
    min_input: int

    @property
    def min_output(self) -> int:
        """Length of the smallest output, px."""
        return self.min_input - 2 * self.context

    def is_admissible(self, length: int) -> bool:
        """Whether an input of this length passes every pooling with an even size."""
        return length >= self.min_input and (length - self.min_input) % self.phase == 0

    def output_for(self, length: int) -> int:
        """Length of the output for an admissible input.

        Raises
        ------
        SizeError
            If the length is not admissible; the message names the nearest ones.
        """
        if not self.is_admissible(length):
            below, above = self.nearest(length)
            either = f"{below} or {above}" if below != above else f"{above}"
            raise SizeError(
                f"An input of {length} px cannot pass this network: each 2x2 max-pooling must meet an even size and the "
                f"output must not be empty. Admissible are {self.min_input} px and steps of {self.phase} px from there; "
                f"nearest: {either}."
            )
        return length - 2 * self.context

    def nearest(self, length: int) -> tuple[int, int]:
        """The admissible inputs next to a length: (largest not above, smallest not below)."""
        steps = max(0, length - self.min_input) // self.phase
        below = self.min_input + steps * self.phase
        above = below if below >= length else below + self.phase
        return below, above

    def input_for_output(self, length: int) -> int:
        """Smallest admissible input whose output is at least ``length`` px."""
        return self.nearest(length + 2 * self.context)[1]


def path_geometry(depth: int, lost_in_double_convolution: int, lost_in_up_step: int) -> Geometry:
    """Geometry of a contracting and an expansive path, found by walking them from the bottom outwards.

    Parameters
    ----------
    depth
        Number of max-poolings.
    lost_in_double_convolution
        Pixels that each level of the contracting path takes from the length (two 3x3 valid convolutions: 4).
    lost_in_up_step
        Pixels that each step of the expansive path takes after doubling (4 in the paper).

    Source: paper, Fig. 1: 572 -> 388 is ``path_geometry(4, 4, 4)`` with 28 px at the bottom.
    """

    def input_of(bottom: int) -> int:
        length = bottom + lost_in_double_convolution
        for _ in range(depth):
            length = 2 * length + lost_in_double_convolution
        return length

    def outputs_of(bottom: int) -> list[int]:
        lengths = [bottom]
        for _ in range(depth):
            lengths.append(2 * lengths[-1] - lost_in_up_step)
        return lengths

    bottom = next(n for n in range(1, 64) if min(outputs_of(n)) >= 1)
    smallest = input_of(bottom)
    return Geometry(
        context=(smallest - outputs_of(bottom)[-1]) // 2,
        phase=2**depth,
        min_input=smallest,
    )


@dataclass(frozen=True)
class AxisTiles:
    """Equal tiles along one axis of an image, their origins on the image's own phase grid.

    Attributes
    ----------
    length
        Length of the image along this axis, px.
    input_tile, output_tile
        Admissible input length and the output that comes of it, px.
    stride
        Pixels of each output tile that are used, from its origin; a multiple of the phase unless one tile does it all.
    origins
        Image coordinate of the first output pixel of each tile.
    """

    length: int
    input_tile: int
    output_tile: int
    stride: int
    origins: tuple[int, ...]

    def used(self, origin: int) -> int:
        """Pixels of the tile at ``origin`` that end up in the result: the stride, less at the end of the axis."""
        return min(self.stride, self.length - origin)


def lay_tiles(length: int, geometry: Geometry, max_input_tile: int) -> AxisTiles:
    """Cover an axis with the fewest equal tiles that are no larger than asked for, as small as they can then be.

    Parameters
    ----------
    length
        Length of the image along this axis, px; at least 1.
    geometry
        Of the network.
    max_input_tile
        Largest input tile, px. Rounded down to an admissible one.

    Raises
    ------
    SizeError
        If the image is empty, or the largest tile is too small to leave one whole phase of output.

    Examples
    --------
    >>> paper = path_geometry(4, 4, 4)
    >>> tiles = lay_tiles(1000, paper, max_input_tile=572)
    >>> tiles.input_tile, tiles.stride, tiles.origins
    (524, 336, (0, 336, 672))
    """
    if length < 1:
        raise SizeError(f"The image has {length} px along one axis; it must have at least 1.")
    context, phase = geometry.context, geometry.phase
    whole = geometry.input_for_output(length)
    if whole <= max_input_tile:
        return AxisTiles(length, whole, whole - 2 * context, length, (0,))

    largest = geometry.nearest(max_input_tile)[0]
    max_stride = (largest - 2 * context) // phase * phase
    if largest > max_input_tile or max_stride < phase:
        needed = geometry.input_for_output(phase)
        raise SizeError(
            f"Tiles of {max_input_tile} px are too small for this network: {2 * context} px of them are context. "
            f"Give at least {needed} px."
        )
    num_tiles = -(-length // max_stride)
    stride = -(-length // (num_tiles * phase)) * phase
    input_tile = geometry.input_for_output(stride)
    origins = tuple(range(0, length, stride))
    assert all(b - a == stride for a, b in pairwise(origins))
    return AxisTiles(length, input_tile, input_tile - 2 * context, stride, origins)


def mirrored_range(start: int, stop: int, length: int) -> Int64[np.ndarray, "count"]:
    """Indices of an axis for coordinates ``start..stop-1``, mirrored about the centres of the first and last pixel.

    The border pixel is not repeated (``cba|abcd|dcb`` would be; ours is ``dcb|abcd|cba`` read outwards from ``a`` and
    ``d``), and images shorter than the context are mirrored again and again. An axis of one pixel repeats it.

    Source: paper, section 2 and Fig. 2: missing input data is extrapolated by mirroring.

    Examples
    --------
    >>> mirrored_range(-3, 7, 4).tolist()
    [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    """
    indices = np.arange(start, stop, dtype=np.int64)
    last = length - 1
    return last - np.abs(indices % (2 * last) - last) if last > 0 else np.zeros_like(indices)
