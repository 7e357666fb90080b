"""Sizes in integers only: how a valid-convolution network changes them, and where tiles may lie (paper: Fig. 1, Fig. 2).

A network of valid convolutions needs ``context`` px of image around its output::

        ┌───────────── input tile ─────────────┐
        │  context                             │
        │         ┌── output tile ──┐          │
        │         │                 │          │   input = output + 2 * context
        │         └─────────────────┘          │
        └──────────────────────────────────────┘

Its max-poolings sample the image on a grid of ``phase = 2**depth`` px, along each axis of space. If the input shifts by a
multiple of the phase, the output shifts with it and is otherwise unchanged; any other shift changes the output. So output tiles
agree with one pass over the whole image if, and only if, their origins lie on one common phase grid. The paper's output tile of
388 px (572 px of input) is not a multiple of 16: we use 384 px of it, and the seams vanish exactly.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int64

from unseam.errors import SizeError


@dataclass(frozen=True)
class Geometry:
    """How a valid network changes the length of an image axis.

    It is the same along rows and columns. Along the planes of a volume it differs where levels are flat.

    Attributes
    ----------
    context
        Pixels that the network needs beyond each side of its output. The poolings share windows of one phase, so a single
        output pixel may see ``phase - 1`` px further than that on one side.
    phase
        Shift of the input, px, that only shifts the output: 2 for each max-pooling along the axis.
    min_input
        Smallest admissible input, px; every admissible one is ``min_input + k * phase``.
    """

    context: int
    phase: int
    min_input: int

    @property
    def min_output(self) -> int:
        return self.min_input - 2 * self.context

    def doubled(self) -> "Geometry":
        """Return the geometry of the same network behind a layer that reads 2x2 px as one."""
        return Geometry(2 * self.context, 2 * self.phase, 2 * self.min_input)

    def is_admissible(self, length: int) -> bool:
        """Whether an input of this length passes every pooling with an even size."""
        return length >= self.min_input and (length - self.min_input) % self.phase == 0

    def output_for(self, length: int) -> int:
        """Return the length of the output. Raises SizeError with the nearest lengths if the input is not admissible."""
        if not self.is_admissible(length):
            below, above = self.nearest(length)
            either = f"{below} or {above}" if below != above else f"{above}"
            raise SizeError(
                f"An input of {length} px cannot pass this network: each 2x2 max-pooling needs an even size and the output "
                f"must not be empty. Admissible are {self.min_input} px plus multiples of {self.phase} px; nearest: {either}."
            )
        return length - 2 * self.context

    def nearest(self, length: int) -> tuple[int, int]:
        """Return the admissible inputs around a length: the largest not above it, the smallest not below it."""
        steps = max(0, length - self.min_input) // self.phase
        below = self.min_input + steps * self.phase
        above = below if below >= length else below + self.phase
        return below, above

    def input_for_output(self, length: int) -> int:
        """Return the smallest admissible input whose output has at least ``length`` px."""
        return self.nearest(length + 2 * self.context)[1]


def path_geometry(depth: int, lost_in_double_convolution: int, lost_in_up_step: int, flat_levels: int = 0) -> Geometry:
    """Compute the geometry of a contracting and an expansive path by walking both from the bottom outwards.

    Parameters
    ----------
    depth
        Number of max-poolings.
    lost_in_double_convolution
        Pixels of length lost at each level of the contracting path (two 3x3 valid convolutions: 4).
    lost_in_up_step
        Pixels of length lost at each step of the expansive path after doubling (4 in the paper).
    flat_levels
        Number of levels, from the image down, that are flat along this axis: kernels and poolings have a length of 1 there.

    Source: paper, Fig. 1: 572 -> 388 is ``path_geometry(4, 4, 4)`` with 28 px at the bottom.

    >>> path_geometry(2, 4, 4), path_geometry(2, 4, 4, flat_levels=1)
    (Geometry(context=20, phase=4, min_input=44), Geometry(context=8, phase=2, min_input=18))
    """
    is_flat = [level < flat_levels for level in range(depth)]

    def input_of(bottom: int) -> int:
        length = bottom + lost_in_double_convolution
        for flat in reversed(is_flat):
            length = length if flat else 2 * length + lost_in_double_convolution
        return length

    def outputs_of(bottom: int) -> list[int]:
        lengths = [bottom]
        for flat in reversed(is_flat):
            lengths.append(lengths[-1] if flat else 2 * lengths[-1] - lost_in_up_step)
        return lengths

    bottom = next(n for n in range(1, 64) if min(outputs_of(n)) >= 1)
    smallest, phase = input_of(bottom), 2 ** is_flat.count(False)
    return Geometry(context=(smallest - outputs_of(bottom)[-1]) // 2, phase=phase, min_input=smallest)


@dataclass(frozen=True)
class AxisTiles:
    """Equal tiles along one axis of an image, with origins on the image's own phase grid.

    Attributes
    ----------
    length
        Length of the image along this axis, px.
    input_tile, output_tile
        Admissible length of the input, and of its output, px.
    stride
        Used pixels of each output tile, from its origin; a multiple of the phase unless one tile covers the whole axis.
    origins
        Image coordinate of the first output pixel of each tile.
    """

    length: int
    input_tile: int
    output_tile: int
    stride: int
    origins: tuple[int, ...]

    def used(self, origin: int) -> int:
        """Return the used pixels of the tile at ``origin``: the stride, or less at the end of the axis."""
        return min(self.stride, self.length - origin)


def lay_tiles(length: int, geometry: Geometry, max_input_tile: int) -> AxisTiles:
    """Cover an axis with the fewest equal tiles up to the given size, each as small as their number allows.

    Parameters
    ----------
    length
        Length of the image along this axis, px; at least 1.
    geometry
        Geometry of the network.
    max_input_tile
        Largest input tile, px; rounded down to an admissible one.

    Raises
    ------
    SizeError
        If the image is empty, or if the largest tile leaves less than one whole phase of output.

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
            f"Tiles of {max_input_tile} px are too small for this network, which needs {2 * context} px of context. "
            f"Give at least {needed} px."
        )
    num_tiles = -(-length // max_stride)
    stride = -(-length // (num_tiles * phase)) * phase
    input_tile = geometry.input_for_output(stride)
    origins = tuple(range(0, length, stride))
    assert all(b - a == stride for a, b in pairwise(origins))
    return AxisTiles(length, input_tile, input_tile - 2 * context, stride, origins)


def mirrored_range(start: int, stop: int, length: int) -> Int64[np.ndarray, "count"]:
    """Return the axis indices for coordinates ``start..stop-1``, mirrored about the centres of the first and last pixel.

    The border pixel is not repeated: ``dcb|abcd|cba``, not ``cba|abcd|dcb``. Images shorter than the context are mirrored
    repeatedly. An axis of one pixel repeats it.

    Source: paper, section 2 and Fig. 2: missing input data is extrapolated by mirroring.

    Examples
    --------
    >>> mirrored_range(-3, 7, 4).tolist()
    [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    """
    indices = np.arange(start, stop, dtype=np.int64)
    last = length - 1
    return last - np.abs(indices % (2 * last) - last) if last > 0 else np.zeros_like(indices)
