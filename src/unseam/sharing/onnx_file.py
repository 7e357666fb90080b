"""Exported networks as ONNX.

onnx, onnxscript and onnxruntime are an extra (``pip install 'unseam[onnx]'``). Only this file imports them.
"""

import logging
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from unseam.errors import SettingsError
from unseam.sharing.plain_form import PlainForm
from unseam.sharing.torch_files import Runner

OPSET = 18
"""The lowest that PyTorch writes, so the one that most programs read."""

_LARGEST = 1_900_000_000
"""Bytes of weights; a file of ONNX is one message of at most 2 GiB, with the graph in it."""

_NEEDED = ("onnx", "onnxscript", "onnxruntime")


def check_onnx() -> None:
    """Raise SettingsError if a package is missing that writes ONNX, or that reads it back."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"ONNX needs {', '.join(missing)}, which is not installed here. Run pip install 'unseam[onnx]', or export to "
            "torchscript or state-dict."
        )


def onnx_file(form: PlainForm) -> bytes:
    """Return the network as ONNX with batch, height and width of any size, from ``input`` to ``probabilities``.

    Raises SettingsError if the weights are too large for one file.
    """
    size = sum(weight.nbytes for weight in form.net.state_dict().values())
    if size > _LARGEST:
        raise SettingsError(
            f"One file of ONNX holds 2 GB, and the weights take {size:,} bytes. Export to torchscript or state-dict."
        )
    height = form.shortest + form.net.phase
    # A batch of two, and two different sides: PyTorch would take a one, or two equal numbers, for constants.
    example = torch.zeros(2, form.info.net.in_channels, height, height + form.net.phase)
    dims = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height", min=2), 3: torch.export.Dim("width", min=2)}
    with warnings.catch_warnings(), _quiet("torch.onnx"):
        warnings.simplefilter("ignore")  # of the exporter and its libraries: none concerns the result, which is compared
        program = torch.onnx.export(
            form.net,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=(dims,),
            input_names=["input"],
            output_names=["probabilities"],
            verbose=False,
        )
        assert program is not None
        proto = program.model_proto
    return _tidied(proto, form).SerializeToString()


def _tidied(proto: Any, form: PlainForm) -> Any:
    """Return the graph without the exporter's traces of our files, with names of sizes that a person understands."""
    (opset,) = (entry.version for entry in proto.opset_import if entry.domain == "")
    assert opset == OPSET, f"PyTorch wrote opset {opset}"
    for part in (*proto.graph.node, *proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del proto.graph.value_info[:]  # sizes in between, as long formulas
    del proto.graph.metadata_props[:]
    for place, name in ((2, "height"), (3, "width")):
        proto.graph.output[0].type.tensor_type.shape.dim[place].dim_param = name
    del proto.metadata_props[:]
    entry = proto.metadata_props.add()
    entry.key, entry.value = "unseam", form.facts
    return proto


def run_onnx(data: bytes) -> Runner:
    """Return what computes with such a file: ONNX Runtime, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(images: np.ndarray) -> np.ndarray:
        maps: np.ndarray = session.run(None, {"input": images})[0]
        return maps

    return run


class _quiet:  # used as a function
    """Say nothing below an error through a logger during a block."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def __enter__(self) -> None:
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
