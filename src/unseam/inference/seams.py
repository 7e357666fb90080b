"""The check behind ``unseam seams``: predict an image with several tile sizes and compare with one pass over the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from unseam.engines import TorchEngine, average_engines, geometries_of
from unseam.heads import Head
from unseam.inference import Averaging
from unseam.inference.averaging import averaged
from unseam.inference.fitting import smallest_tile
from unseam.inference.predict import Predictor
from unseam.inference.tiles import plan_tiles
from unseam.nets import members_of


@dataclass(frozen=True)
class SeamLine:
    """The comparison of one tile size with one pass."""

    input_tile: tuple[int, ...]  # (rows, columns) of the tiles that were laid, px; of a volume planes before
    num_tiles: int
    difference: float  # largest absolute difference of a probability
    num_changed: int  # pixels whose likeliest class differs


def single_tile_length(net: nn.Module, *lengths: int) -> int:
    """Return the length, px, of the one input tile that covers an image: the reference of the comparison."""
    return max(geometry.input_for_output(max(lengths)) for geometry in geometries_of(net))


def compare_tiles(
    net: nn.Module,
    head: Head,
    image: Float[np.ndarray, "channel *space"],
    tile_sizes: Sequence[int] = (),
    *,
    double: bool = True,
    average: Averaging = "none",
) -> Iterator[SeamLine]:
    """Predict a normalised image with each tile size and compare with one pass over the whole mirrored image.

    Of ``average`` only flips are looked at, which are taken tile by tile; rotations turn the whole image.

    Raises `SizeError` if a tile is too small for the network.
    """
    dtype = torch.float64 if double else torch.float32
    engine = average_engines([TorchEngine(part, "cpu", dtype) for part in members_of(net.to(dtype))], head.mean_logits)
    engine = averaged(engine, average, head)
    try:
        normalised = image.astype(np.float64 if double else np.float32)
        lengths, geometries = normalised.shape[1:], geometries_of(engine)
        whole, smallest = single_tile_length(net, *lengths), max(map(smallest_tile, geometries))
        tried = {smallest + 3 * geometries[-1].phase, (smallest + whole) // 3, (smallest + whole) // 2}
        sizes = tile_sizes or sorted(size for size in tried if smallest <= size < whole) or [smallest]
        reference = Predictor(engine, whole, head=head).probabilities(normalised)
        for size in sizes:
            plan = plan_tiles(lengths, geometries, size)
            result = Predictor(engine, size, head=head).probabilities(normalised)
            yield SeamLine(
                plan.input_tile,
                len(plan),
                float(np.abs(result - reference).max()),
                int(np.count_nonzero(head.classes(result) != head.classes(reference))),
            )
    finally:
        net.to(torch.float32)
