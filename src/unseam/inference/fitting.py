"""The largest tiles that fit into an amount of memory."""

import math
from collections.abc import Callable, Sequence

from unseam.engines import TellsMemory, geometries_of
from unseam.errors import MemoryShortError
from unseam.geometry import AxisTiles, Geometry, lay_tiles
from unseam.inference.tiles import TilePlan
from unseam.machine.memory import format_bytes

_AFTERWARDS = 32
"""Bytes per pixel for classes and objects, made while the engine still keeps its memory; 26 measured for objects."""

_VOLUME_BYTES = 2**30
"""Memory of the maps of one tile of a volume, at most. The halo is then a small part of the tile: larger ones save little."""


def smallest_tile(geometry: Geometry) -> int:
    """Return the length, px, of the smallest input tile whose output is one whole phase."""
    return geometry.input_for_output(geometry.phase)


def usual_tiles(engine: TellsMemory, plan: TilePlan, num_channels: int) -> TilePlan:
    """Return the plan for an image; for a volume one with tiles whose maps take at most a gigabyte."""
    if len(plan.axes) == 2:
        return plan

    def fits(candidate: TilePlan) -> bool:
        return engine.footprint((num_channels, *candidate.input_tile)).total <= _VOLUME_BYTES

    return plan if fits(plan) else _largest(plan, geometries_of(engine), fits)[0]


def largest_tile_within(limit: int, now: int, engine: TellsMemory, plan: TilePlan, num_channels: int) -> TilePlan:
    """Return the plan, or one with the largest tiles whose peak stays within ``limit`` bytes of this process.

    ``now`` are the bytes that the process holds, the image included. The engine releases what it keeps of other sizes if that
    is needed. Raises `MemoryShortError` if the smallest tile does not fit.
    """
    kept, num_classes = engine.kept_bytes, engine.num_classes

    def peak(candidate: TilePlan) -> int:
        return max(0, now - kept) + bytes_to_come(engine, candidate, num_channels, num_classes)

    fitting = plan
    if peak(plan) > limit:
        fitting, does_fit = _largest(plan, geometries_of(engine), lambda candidate: peak(candidate) <= limit)
        if not does_fit:
            raise MemoryShortError(
                f"An image of {plan.size} px needs {format_bytes(peak(fitting))} of memory even "
                f"with the smallest tiles, and this process may use {format_bytes(limit)}. Allow that much, run fewer workers, "
                "or cut the image into parts."
            )
    if kept and now + bytes_to_come(engine, fitting, num_channels, num_classes) > limit:
        engine.release()
    return fitting


def bytes_to_come(engine: TellsMemory, plan: TilePlan, num_channels: int, num_classes: int) -> int:
    """Return the most bytes that prediction adds to those held now: the result, one tile and its logits, and the engine."""
    num_pixels = math.prod(plan.lengths)
    engine_bytes = engine.footprint((num_channels, *plan.input_tile))
    tile = 4 * num_channels * math.prod(plan.input_tile)
    logits = 4 * num_classes * math.prod(axis.output_tile for axis in plan.axes)
    while_computing = engine_bytes.total + tile + 4 * logits  # logits, logits minus the largest, exponentials, their sum
    return 4 * num_classes * num_pixels + max(while_computing, engine_bytes.kept + _AFTERWARDS * num_pixels)


def _largest(plan: TilePlan, geometries: Sequence[Geometry], fits: Callable[[TilePlan], bool]) -> tuple[TilePlan, bool]:
    """Return the plan with the largest tiles that fit, and whether any fits; if none does, that with the smallest tiles."""
    sizes = _squares(plan, geometries[0]) if len(plan.axes) == 2 else _boxes(plan, geometries)
    low, high = 0, len(sizes)  # bisect for the first size that does not fit
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(plan.with_tiles(geometries, sizes[middle])) else (low, middle)
    return plan.with_tiles(geometries, sizes[max(0, low - 1)]), low > 0


def _squares(plan: TilePlan, geometry: Geometry) -> Sequence[int]:
    """Return the sides of square tiles, up to those of the plan."""
    smallest = smallest_tile(geometry)
    num_steps = max(0, (max(plan.input_tile) - smallest) // geometry.phase)
    return range(smallest, smallest + num_steps * geometry.phase + 1, geometry.phase)


def _boxes(plan: TilePlan, geometries: Sequence[Geometry]) -> Sequence[tuple[int, ...]]:
    """Return sizes of tiles of a volume, from the smallest to those of the plan.

    The halo of a small cube is many times its output, and a volume is seldom a cube. So from one size to the next that axis
    grows which saves most input voxels, all tiles together, for each voxel by which a tile grows.
    """
    choices = [_tiles_of_axis(axis, geometry) for axis, geometry in zip(plan.axes, geometries, strict=True)]
    at = [0] * len(choices)
    sizes = [_size(choices, at)]
    while True:
        moves = []
        for axis, tiles in enumerate(choices):
            if at[axis] + 1 < len(tiles):
                after = [number + (axis == other) for other, number in enumerate(at)]
                saved = _work(choices, at) - _work(choices, after)
                grown = math.prod(_size(choices, after)) - math.prod(_size(choices, at))
                moves.append((saved / grown, after))
        if not moves:
            return sizes
        at = max(moves)[1]
        sizes.append(_size(choices, at))


def _tiles_of_axis(plan: AxisTiles, geometry: Geometry) -> list[AxisTiles]:
    """Return ways to lay tiles over an axis, each with larger ones than the way before, up to those of the plan."""
    found: list[AxisTiles] = []
    for size in range(smallest_tile(geometry), plan.input_tile + 1, geometry.phase):
        tiles = lay_tiles(plan.length, geometry, size)
        if not found or tiles.input_tile > found[-1].input_tile:
            found.append(tiles)
    return found or [plan]


def _size(choices: Sequence[Sequence[AxisTiles]], at: Sequence[int]) -> tuple[int, ...]:
    return tuple(tiles[number].input_tile for tiles, number in zip(choices, at, strict=True))


def _work(choices: Sequence[Sequence[AxisTiles]], at: Sequence[int]) -> int:
    """Return the input voxels of all tiles together."""
    chosen = [tiles[number] for tiles, number in zip(choices, at, strict=True)]
    return math.prod(len(axis.origins) * axis.input_tile for axis in chosen)
