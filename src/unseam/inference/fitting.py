"""The largest tiles that fit into an amount of memory."""

from unseam.engines import TellsMemory
from unseam.errors import MemoryShortError
from unseam.geometry import Geometry
from unseam.inference.tiles import TilePlan
from unseam.machine.memory import format_bytes

_AFTERWARDS = 32
"""Bytes per pixel for classes and objects, made while the engine still keeps its memory; 26 measured for objects."""


def smallest_tile(geometry: Geometry) -> int:
    """Return the length, px, of the smallest input tile whose output is one whole phase."""
    return geometry.input_for_output(geometry.phase)


def largest_tile_within(limit: int, now: int, engine: TellsMemory, plan: TilePlan, num_channels: int) -> TilePlan:
    """Return the plan, or one with the largest tiles whose peak stays within ``limit`` bytes of this process.

    ``now`` are the bytes that the process holds, the image included. The engine releases what it keeps of other sizes if that
    is needed. Raises `MemoryShortError` if the smallest tile does not fit.
    """
    kept = engine.kept_bytes
    geometry, num_classes = engine.geometry, engine.num_classes

    def peak(candidate: TilePlan) -> int:
        return max(0, now - kept) + bytes_to_come(engine, candidate, num_channels, num_classes)

    fitting = plan
    if peak(plan) > limit:
        smallest, longest = smallest_tile(geometry), max(plan.rows.input_tile, plan.columns.input_tile)
        num_steps = max(0, (longest - smallest) // geometry.phase)
        sizes = range(smallest, smallest + num_steps * geometry.phase + 1, geometry.phase)
        low, high = 0, len(sizes)  # bisect for the first size that does not fit
        while low < high:
            middle = (low + high) // 2
            fits = peak(plan.with_tiles(geometry, sizes[middle])) <= limit
            low, high = (middle + 1, high) if fits else (low, middle)
        fitting = plan.with_tiles(geometry, sizes[max(0, low - 1)])
        if low == 0:
            raise MemoryShortError(
                f"An image of {plan.columns.length} x {plan.rows.length} px needs {format_bytes(peak(fitting))} of memory even "
                f"with the smallest tiles, and this process may use {format_bytes(limit)}. Allow that much, run fewer workers, "
                "or cut the image into parts."
            )
    if kept and now + bytes_to_come(engine, fitting, num_channels, num_classes) > limit:
        engine.release()
    return fitting


def bytes_to_come(engine: TellsMemory, plan: TilePlan, num_channels: int, num_classes: int) -> int:
    """Return the most bytes that prediction adds to those held now: the result, one tile and its logits, and the engine."""
    rows, columns = plan.rows, plan.columns
    num_pixels = rows.length * columns.length
    engine_bytes = engine.footprint((num_channels, rows.input_tile, columns.input_tile))
    tile = 4 * num_channels * rows.input_tile * columns.input_tile
    logits = 4 * num_classes * rows.output_tile * columns.output_tile
    while_computing = engine_bytes.total + tile + 4 * logits  # logits, logits minus the largest, exponentials, their sum
    return 4 * num_classes * num_pixels + max(while_computing, engine_bytes.kept + _AFTERWARDS * num_pixels)
