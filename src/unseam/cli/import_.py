"""``unseam import``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def import_(file: Path, /, *, out: Annotated[Path, Parameter(negative=())], scale: float | None = None) -> bool:
    """Take over the network that the authors of the paper trained for Caffe, as a model that predicts and trains further.

    Parameters
    ----------
    file
        .caffemodel or .caffemodel.h5 of their release (phseg_v5). The latter needs pip install 'unseam[hdf5]'.
    out
        Folder for the model. Nothing in it is overwritten.
    scale
        Divide images by this grey value, for example 255 for 8-bit images. The file does not hold the scale of the training.
        Default: the images already lie between 0 and 1.
    """
    from unseam.api.importing import import_caffe

    model = import_caffe(file, out, scale=scale, device="cpu")
    net, source = model.info.net, model.info.training.imported
    assert source is not None
    num_weights = sum(weight.numel() for weight in model.net.parameters())
    print(f"the authors' network of 2015: {num_weights:,} weights, {net.in_channels} channel(s), {net.num_classes} classes")
    for note in source.notes:
        print(f"note: {note}")
    print(f"model: {out / 'model.safetensors'}")
    print(f"next:  unseam predict {out} IMAGES --out OUT")
    return True
