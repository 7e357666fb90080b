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
    """Predict one image with several tile sizes, and check that the result does not depend on the tiles.

    Parameters
    ----------
    model
        Run folder or model file.
    image
        An image. Only the first plane of a stack is used, and the upper left 1500 x 1500 px of a large image
        (700 x 700 px if the model averages over flips).
    tile
        Largest input tile to try, px; repeat for several. Default: up to three sizes, from small to half of the image.
    float32
        Compute in float32, as prediction does, instead of float64. Tiles of another size may add numbers in another order,
        which changes results by about 1e-15 in float64 and 1e-6 in float32.
    """
    from unseam.api.seams import check_seams

    check = check_seams(model, image, tile, double=not float32)
    number_format = "float32" if float32 else "float64"
    print(f"{check.width} x {check.height} px, {number_format}, one pass: input tile {check.whole} x {check.whole}")
    worst = 0.0
    for result in check.comparisons:
        print(
            f"input tile {result.input_tile[0]:5d} x {result.input_tile[1]:<5d} {result.num_tiles:4d} tile(s)   "
            f"largest difference to one pass {result.difference:.3g}   pixels of another class {result.num_changed}"
        )
        worst = max(worst, result.difference)
    limit = 1e-4 if float32 else 1e-12
    verdict = "rounding alone: no seams" if worst <= limit else f"more than rounding ({limit:g}): please report it"
    print(f"largest difference of a probability: {worst:.3g}, {verdict}")
