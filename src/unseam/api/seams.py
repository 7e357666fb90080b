"""The seam check of one image by a model: several tile sizes against one pass over the whole image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.inference.seams import Comparison, compare_tiles, one_pass
from unseam.io import read_image
from unseam.model import Model

_LONGEST_SIDE = 1500


@dataclass(frozen=True)
class SeamCheck:
    """A seam check.

    Attributes
    ----------
    height, width
        Of the part of the image that is compared, px.
    whole
        Length of the one input tile that covers it, px.
    comparisons
        One tile size after the other, each computed when it is asked for.
    """

    height: int
    width: int
    whole: int
    comparisons: Iterator[Comparison]


def check_seams(
    model: str | Path, image: str | Path, tile_sizes: Sequence[int] = (), *, double: bool = True
) -> SeamCheck:
    """Compare tile sizes on an image; of a stack the first plane is taken, of a large image its upper left 1500 x 1500 px.

    Parameters
    ----------
    model
        Model file or run folder.
    image
        Image file.
    tile_sizes
        Input tiles to try, px; empty: up to three sizes.
    double
        Compute in float64 instead of float32, so that hardly any rounding is left.

    Raises
    ------
    SizeError
        If a tile is too small for the network.
    ImageReadError, ModelFileError, DataError
        If the files cannot be read, or do not fit together.
    """
    plane = read_image(image).planes()[0][:_LONGEST_SIDE, :_LONGEST_SIDE]
    loaded = Model.load(model, device="cpu")
    height, width = plane.shape[:2]
    comparisons = compare_tiles(loaded.net, loaded.normalised(plane), tile_sizes, double=double)
    return SeamCheck(height, width, one_pass(loaded.net, height, width), comparisons)
