"""The seam check of one image: compare several tile sizes with one pass over the whole image."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from unseam.data.read_pair import as_model_reads
from unseam.inference.seams import SeamLine, compare_tiles, single_tile_length
from unseam.io import read_image
from unseam.model import Model

_LARGEST, _LARGEST_WITH_FLIPS = 1500, 700


class TileComparison(NamedTuple):
    """Size of the compared part of the image and of the one input tile that covers it, px; one comparison per tile size."""

    height: int
    width: int
    whole: int
    comparisons: Iterator[SeamLine]


def check_seams(model: str | Path, image: str | Path, tile_sizes: Sequence[int] = (), *, double: bool = True) -> TileComparison:
    """Compare tile sizes (px; empty: up to three) on the first plane of an image.

    At most 1500 x 1500 px of it are taken, or 700 x 700 px with flips, which take eight times as long.

    With ``double`` the network computes in float64, which leaves hardly any rounding. Raises SizeError if a tile is too small
    for the network; ImageReadError, ModelFileError or DataError if the files cannot be read or do not match.
    """
    loaded = Model.load(model, device="cpu")
    side = _LARGEST_WITH_FLIPS if loaded.info.average == "flips" else _LARGEST
    plane = as_model_reads(read_image(image), loaded.info.net.in_channels).planes()[0][:side, :side]
    height, width = plane.shape[:2]
    about, image_CHW = loaded.info, loaded.normalised(plane)
    comparisons = compare_tiles(loaded.net, about.head, image_CHW, tile_sizes, double=double, average=about.average)
    return TileComparison(height, width, single_tile_length(loaded.net, height, width), comparisons)
