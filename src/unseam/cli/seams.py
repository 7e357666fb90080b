"""``unseam seams``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def seams(
    model: Path,
    image: Path,
    /,
    *,
    tile: Annotated[tuple[int, ...], Parameter(name="--tile", negative=())] = (),
    float32: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show that the result does not depend on the tiles: one image by several tile sizes, and the largest difference.

    Parameters
    ----------
    model
        Run folder or model file.
    image
        An image; of a stack, the first plane is taken, and of a large one its upper left 1500 x 1500 px.
    tile
        Largest input tiles to try, px; without it, up to three sizes, from small to half of one pass over the image.
    float32
        Compute as prediction does, instead of in float64. A sum may be added up in another order in a tile of another size:
        about 1e-15 is left of that in float64, about 1e-6 in float32.
    """
    from unseam.inference.seams import compare_tiles, one_pass
    from unseam.io import read_image
    from unseam.model import Model

    plane = read_image(image).planes()[0][:1500, :1500]
    loaded = Model.load(model, device="cpu")
    size = one_pass(loaded.net, *plane.shape[:2])
    number_format = "float32" if float32 else "float64"
    print(f"{plane.shape[1]} x {plane.shape[0]} px, {number_format}, one pass: input tile {size} x {size}")
    worst = 0.0
    for result in compare_tiles(loaded.net, loaded.info.head, loaded.normalised(plane), tile, double=not float32):
        print(
            f"input tile {result.input_tile[0]:5d} x {result.input_tile[1]:<5d} {result.num_tiles:4d} tile(s)   "
            f"largest difference to one pass {result.difference:.3g}   pixels of another class {result.num_changed}"
        )
        worst = max(worst, result.difference)
    limit = 1e-4 if float32 else 1e-12
    verdict = "rounding alone: no seams" if worst <= limit else f"more than rounding ({limit:g}): please report it"
    print(f"largest difference of a probability: {worst:.3g}, {verdict}")
