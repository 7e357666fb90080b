"""The authors' trained network of 2015, from a file of Caffe: which array is which weight, and whether all of them fit.

Caffe's arrays lie in the order that PyTorch uses, its convolutions do not flip either, and its up-convolution is PyTorch's
transposed convolution. So weights are taken over as they are.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from unseam.errors import ModelFileError
from unseam.io.caffe import Layers, StoredArray, open_caffe
from unseam.nets import LAYERS_OF_RELEASE, ReleasedConfig

_FIRST, _LAST = "conv_d0a-b", "conv_u0d-score"
_ANOTHER = "so it is another network; the one that can be imported is phseg_v5 of the authors' release"
_MOST_SHOWN = 5


def load_released(path: Path, first_width: int = ReleasedConfig.first_width) -> nn.Module:
    """Return the released network with the weights of a ``.caffemodel`` or ``.caffemodel.h5``, on the CPU.

    The file decides about image channels and classes; all else must be as in the release. All shapes are compared before the
    first weight is read.

    Raises
    ------
    ModelFileError
        If the file is damaged or holds another network: it names the layers that are missing or too many, or the first one that
        does not fit, with both shapes.
    SettingsError
        If the file is HDF5 and h5py is not installed.
    """
    with open_caffe(path) as layers:
        _check_names(path, layers)
        config = ReleasedConfig(
            in_channels=_length(layers[_FIRST][0], axis=1, least=1, most=1024),
            num_classes=_length(layers[_LAST][0], axis=0, least=2, most=255),
            first_width=first_width,
        )
        with torch.device("meta"):
            net = config.build()
        shapes = {name: tuple(weight.shape) for name, weight in net.state_dict().items()}
        for name, ours in LAYERS_OF_RELEASE.items():
            _check_shapes(path, name, layers[name], (shapes[f"{ours}.weight"], shapes[f"{ours}.bias"]))
        weights: dict[str, Tensor] = {}
        for name, ours in LAYERS_OF_RELEASE.items():
            for part, array in zip(("weight", "bias"), layers[name], strict=True):
                weights[f"{ours}.{part}"] = torch.from_numpy(array.read()).reshape(shapes[f"{ours}.{part}"])
                if not bool(torch.isfinite(weights[f"{ours}.{part}"]).all()):
                    raise ModelFileError(
                        f"{path}: the {part} of the layer {name!r} holds numbers that are not finite. It is damaged."
                    )
    net.load_state_dict(weights, assign=True)
    return net.eval()


def _check_names(path: Path, layers: Layers) -> None:
    """Raise ModelFileError unless the file has the layers of the release with a weight and a bias each, and no others."""
    if not layers:
        raise ModelFileError(
            f"{path}: it holds no layer with weights. Give the .caffemodel or .caffemodel.h5 of a trained network."
        )
    missing = [name for name in LAYERS_OF_RELEASE if name not in layers]
    if missing:
        raise ModelFileError(
            f"{path}: it lacks {len(missing)} of the {len(LAYERS_OF_RELEASE)} layers ({_shown(missing)}), {_ANOTHER}."
        )
    more = [name for name in layers if name not in LAYERS_OF_RELEASE]
    if more:
        raise ModelFileError(f"{path}: it has {len(more)} more layer(s) with weights ({_shown(more)}), {_ANOTHER}.")
    for name in LAYERS_OF_RELEASE:
        if len(layers[name]) != 2:
            raise ModelFileError(
                f"{path}: the layer {name!r} has {len(layers[name])} array(s), and not a weight and a bias, {_ANOTHER}."
            )


def _check_shapes(
    path: Path, name: str, arrays: tuple[StoredArray, ...], wanted: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    """Raise ModelFileError, with both shapes, unless weight and bias fit; a bias of an older file is (1, 1, 1, n)."""
    for part, array, shape in zip(("weight", "bias"), arrays, wanted, strict=True):
        stored = array.shape
        while part == "bias" and len(stored) > 1 and stored[0] == 1:
            stored = stored[1:]
        if stored != shape:
            found = f"has the shape {array.shape[:_MOST_SHOWN]}, and the network needs {shape}"
            raise ModelFileError(f"{path}: the {part} of the layer {name!r} {found}, {_ANOTHER}.")


def _length(array: StoredArray, axis: int, least: int, most: int) -> int:
    """Return the length of an array that the file decides about; ``least`` if it cannot be, so that its shape is refused."""
    length = array.shape[axis] if len(array.shape) == 4 else least
    return length if least <= length <= most else least


def _shown(names: list[str]) -> str:
    words = ", ".join(repr(name[:100]) for name in names[:_MOST_SHOWN])
    return words if len(names) <= _MOST_SHOWN else f"{words}, ..."
