"""The largest tiles that fit into an amount of memory."""

from unseam.engines import TellsMemory
from unseam.errors import MemoryShortError
from unseam.geometry import Geometry
from unseam.inference.tiles import TilePlan
from unseam.machine.memory import format_bytes

_AFTERWARDS = 32
"""Bytes a pixel for what is made of probabilities, while an engine keeps its memory: 26 for objects, measured, and classes."""


def smallest_tile(geometry: Geometry) -> int:
    """Length of the smallest input tile that gives one whole phase of output, px."""
    return geometry.input_for_output(geometry.phase)


def largest_tile_within(limit: int, now: int, engine: TellsMemory, plan: TilePlan, num_channels: int) -> TilePlan:
    """The plan with the largest tiles whose worst moment stays within a limit; the plan itself if it does.

    What the engine keeps of other sizes is given back where that is needed.

    Parameters
    ----------
    limit
        Most bytes that this process may hold.
    now
        Bytes that it holds, the image among them.
    engine
        With its geometry and classes; says what tiles take.
    plan
        With the largest tiles that are wanted.
    num_channels
        Of the image.

    Raises
    ------
    MemoryShortError
        If the smallest tile does not fit; names the bytes that it needs.
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
        low, high = 0, len(sizes)  # the first of sizes that does not fit
        while low < high:
            middle = (low + high) // 2
            fits = peak(plan.with_tiles(geometry, sizes[middle])) <= limit
            low, high = (middle + 1, high) if fits else (low, middle)
        fitting = plan.with_tiles(geometry, sizes[max(0, low - 1)])
        if low == 0:
            raise MemoryShortError(
                f"{format_bytes(limit)} of memory may be used by this process; it needs {format_bytes(peak(fitting))} for "
                f"{plan.columns.length} x {plan.rows.length} px, even with the smallest tiles. Allow that much, run fewer "
                "workers, or cut the image into parts."
            )
    if kept and now + bytes_to_come(engine, fitting, num_channels, num_classes) > limit:
        engine.release()
    return fitting


def bytes_to_come(engine: TellsMemory, plan: TilePlan, num_channels: int, num_classes: int) -> int:
    """Most bytes that prediction adds to what is held: results, one tile on its way, and the engine."""
    rows, columns = plan.rows, plan.columns
    num_pixels = rows.length * columns.length
    engine_takes = engine.footprint((num_channels, rows.input_tile, columns.input_tile))
    tile = 4 * num_channels * rows.input_tile * columns.input_tile
    logits = 4 * num_classes * rows.output_tile * columns.output_tile
    while_computing = engine_takes.total + tile + 4 * logits  # logits, less their largest, exponentials, the sum
    return 4 * num_classes * num_pixels + max(while_computing, engine_takes.kept + _AFTERWARDS * num_pixels)
