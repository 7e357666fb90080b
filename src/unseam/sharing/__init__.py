"""Networks for other programs: ONNX, TorchScript, plain PyTorch, and a package for bioimage.io.

::

    Model --> plain_form --> torch_files    weights of PyTorch, TorchScript
                             onnx_file      ONNX
                             package        all three, with what bioimage.io asks for
                 |
                 +--> compared with `Model.predict` on an image, from the bytes that are about to be written

A format is a line in `FORMATS` and a function in `contents`. One form serves all: same size in and out, and the mirrored
border, the phase grid, the mean over flips and the soft-max inside. Grey values are normalised outside, because a percentile
inside would be that of a tile.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A format to export to: the ending of its file, and its text in the help."""

    suffix: str
    text: str


FORMATS = {
    "onnx": Format(".onnx", "ONNX, opset 18: ONNX Runtime, OpenVINO, deepImageJ"),
    "bioimageio": Format(".zip", "a bioimage.io package: ilastik, Fiji (deepImageJ), QuPath, BiaPy"),
    "state-dict": Format(".pt", "weights for PyTorch, with a Python file of the network beside them"),
    "torchscript": Format(".pt", "TorchScript: QuPath, deepImageJ, C++"),
}
"""The closed list."""
