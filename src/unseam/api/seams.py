"""The seam check of one image by a model: several tile sizes against one pass over the whole image."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from unseam.inference.seams import SeamLine, compare_tiles, one_pass
from unseam.io import read_image
from unseam.model import Model


class TileComparison(NamedTuple):
    """The compared part of the image and the one input tile that covers it, px; a comparison for each tile size."""

    height: int
    width: int
    whole: int
    comparisons: Iterator[SeamLine]


def check_seams(model: str | Path, image: str | Path, tile_sizes: Sequence[int] = (), *, double: bool = True) -> TileComparison:
    """Compare tile sizes (px; empty: up to three) on the first plane of an image, at most 1500 x 1500 px of it.

    With ``double`` the network computes in float64, so that hardly any rounding is left.

    Raises
    ------
    SizeError
        If a tile is too small for the network.
    ImageReadError, ModelFileError, DataError
        If the files cannot be read, or do not fit together.
    """
    plane = read_image(image).planes()[0][:1500, :1500]
    loaded = Model.load(model, device="cpu")
    height, width = plane.shape[:2]
    comparisons = compare_tiles(loaded.net, loaded.info.head, loaded.normalised(plane), tile_sizes, double=double)
    return TileComparison(height, width, one_pass(loaded.net, height, width), comparisons)
