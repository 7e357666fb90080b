"""``unseam export``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def export(
    model: Path,
    /,
    *,
    to: Annotated[Literal["onnx", "bioimageio", "state-dict", "torchscript"], Parameter(name="--to")],
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    image: Annotated[Path | None, Parameter(name="--image")] = None,
    normalise: Annotated[Literal["image", "fixed"], Parameter(name="--normalise")] = "image",
    average: Annotated[Literal["none", "flips"] | None, Parameter(name="--average")] = None,
    licence: Annotated[str | None, Parameter(name=["--licence", "--license"])] = None,
    author: Annotated[tuple[str, ...], Parameter(name="--author", negative=())] = (),
) -> bool:
    """Write a model in a form that other programs run, and prove on an image that it gives the same.

    Example: unseam export cells/ --to bioimageio --out cells.zip --image new.tif

    What was written is read back and compared with the model: the whole image, odd sides, a batch of two. If it differs by more
    than rounding (1e-5), no file is made. onnx and bioimageio need pip install 'unseam[onnx]'.

    Parameters
    ----------
    model
        Run folder or model file.
    to
        onnx; bioimageio: a package for ilastik, Fiji (deepImageJ), QuPath and BiaPy; state-dict: weights for PyTorch, with a
        Python file that needs no unseam; torchscript.
    out
        File to write: .onnx, .zip or .pt. Nothing is overwritten.
    image
        An image like those of the training, to compare on; a package also keeps a part of it as test and sample. Of a large one
        the middle is used. Default: one that was held out in the run folder.
    normalise
        image: grey values are scaled by percentiles of the whole image, as the model does. fixed: by one range, that of the
        training images, for programs that know only a tile.
    average
        What the exported network averages over. Default: as the model. none is eight times as fast as flips.
    licence
        For a package: the licence of the weights by its SPDX name, such as CC-BY-4.0. Default: not stated.
    author
        For a package: who made the model; repeat for several.
    """
    import sys

    from unseam.api.export import export as export_model

    exported = export_model(
        model,
        out,
        to,
        image=image,
        normalise=normalise,
        average=average,
        licence=licence,
        authors=author,
        on_step=lambda sentence: print(f"- {sentence}", file=sys.stderr),
    )
    for one in exported.differences:
        print(
            f"{one.weights:12s} {one.case:13s} {one.width:5d} x {one.height:<5d} largest difference {one.largest:.1e}   "
            f"pixels of another class {100 * one.other_class:.3f} %"
        )
    for note in exported.notes:
        print(f"- {note}")
    for line in exported.loading_lines:
        print(f"  {line}")
    print(f"written: {', '.join(str(file) for file in exported.files)}")
    return True
