"""Run a network in OpenVINO: about as fast as a CPU multiplies matrices, and ready in a tenth of a second.

OpenVINO is an extra (``pip install 'unseam[openvino]'``). Only this file imports it.
"""

import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from unseam.engines.base import geometries_of, geometry_of
from unseam.engines.footprint import Footprint, bytes_as_written, bytes_of_largest_weight, bytes_until_last_read, num_weights
from unseam.engines.record import Operation, Value, Weight, record, weights_of
from unseam.errors import SettingsError
from unseam.geometry import Geometry
from unseam.machine.cores import num_cores

_KEPT = 4
"""Number of compiled sizes to keep: an image needs one, and the images of a folder often share it."""

_MAPS = 1.1
"""OpenVINO's memory for maps relative to the least possible, since it lays out all maps in advance; measured,
docs/performance.md."""

_LIBRARY_BYTES = 64 * 2**20
"""OpenVINO's code that the first tile loads, and its memory while it compiles: 48 MB measured, docs/performance.md."""


class OpenVINOEngine:
    """Runs a network in OpenVINO, compiled for each size of input tile.

    Our translation knows the operations of the U-Net and its relatives. OpenVINO's converter handles any other network and
    needs a second or two for each size of tile.

    Parameters
    ----------
    net
        With ``geometry`` and ``config``. Each size of tile uses the weights that the network has at the first such tile.
    dtype
        float32, or bfloat16 where the CPU has it.
    num_threads
        Cores to compute on; None: as many as PyTorch uses.

    Raises
    ------
    SettingsError
        If OpenVINO is not installed.
    UnknownOperationError
        If neither our translation nor OpenVINO's converter knows an operation of the network.
    """

    def __init__(self, net: nn.Module, dtype: torch.dtype = torch.float32, num_threads: int | None = None) -> None:
        assert dtype in (torch.float32, torch.bfloat16)
        self.net = net
        self.dtype = dtype
        self._core = openvino_core()
        threads = num_threads or torch.get_num_threads()
        self._settings = {
            # Named in every case: OpenVINO would otherwise choose the format itself.
            "INFERENCE_PRECISION_HINT": "bf16" if dtype == torch.bfloat16 else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            # Pinning binds threads to the first cores. Several processes with a few threads each would share the same cores,
            # which took twice the time; so threads are pinned only if this process has all cores.
            "ENABLE_CPU_PINNING": threads >= num_cores(),
        }
        self._requests: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._footprint = lru_cache(maxsize=64)(self._count)
        self._unknown = _unknown_operations(net)
        if self._unknown:
            self._convert(_smallest_tile(net))  # fails now rather than at the first tile

    @property
    def geometry(self) -> Geometry:
        return geometry_of(self.net)

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        return geometries_of(self.net)

    @property
    def num_classes(self) -> int:
        return int(self.net.config.num_classes)  # type: ignore[arg-type, union-attr]

    def __str__(self) -> str:
        how = f" (by its own converter, for {self._unknown})" if self._unknown else ""
        return f"OpenVINO{how}, {str(self.dtype).removeprefix('torch.')}, {self._settings['INFERENCE_NUM_THREADS']} threads"

    def __call__(self, tile: Float[np.ndarray, "channel *space"]) -> Float[np.ndarray, "klass *smaller"]:
        """Return the logits of one input tile, float32; the next call with a tile of the same size overwrites them."""
        if tile.shape not in self._requests:
            while len(self._requests) >= _KEPT:
                self._requests.popitem(last=False)
            self._requests[tile.shape] = self._compile(tile.shape)
        self._requests.move_to_end(tile.shape)
        request = self._requests[tile.shape]
        request.infer([np.ascontiguousarray(tile[None], dtype=np.float32)], share_inputs=True)
        return request.get_output_tensor().data[0]

    @property
    def kept_bytes(self) -> int:
        return sum(self._footprint(shape).kept for shape in self._requests)

    def footprint(self, tile_shape: tuple[int, ...]) -> Footprint:
        """Return the bytes for an input tile (C, H, W)."""
        return self._footprint(tile_shape)

    def release(self) -> None:
        self._requests.clear()

    def _count(self, tile_shape: tuple[int, ...]) -> Footprint:
        count = bytes_as_written if self._unknown else bytes_until_last_read
        maps = count(self.net, (1, *tile_shape), self.dtype)
        weights = (4 + self.dtype.itemsize) * num_weights(self.net)  # as passed to OpenVINO, and as multiplied
        kept = int(_MAPS * maps) + weights + _LIBRARY_BYTES // 2
        return Footprint(kept, _LIBRARY_BYTES // 2 + bytes_of_largest_weight(self.net, torch.float32))

    def _compile(self, shape: tuple[int, ...]) -> Any:
        model = self._convert(shape) if self._unknown else _translate(self.net, (1, *shape))
        return self._core.compile_model(model, "CPU", self._settings).create_infer_request()

    def _convert(self, shape: tuple[int, ...]) -> Any:
        """Translate the network with OpenVINO's converter, which traces it on an empty tile (C, H, W)."""
        from openvino import convert_model

        image = torch.zeros((1, *shape))
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")  # sizes become constants of the trace, which is wanted: each size has its trace
                return convert_model(self.net.eval(), example_input=image, input=[tuple(image.shape)])
        except Exception as error:  # of whatever type: PyTorch can still compute
            raise UnknownOperationError(self._unknown) from error


class UnknownOperationError(SettingsError):
    """A network with operations that OpenVINO cannot compute; ``operations`` are PyTorch's names for them."""

    def __init__(self, operations: str) -> None:
        super().__init__(
            f"The network uses {operations}, which neither our translation nor OpenVINO's converter knows. Give --engine torch."
        )
        self.operations = operations


def _unknown_operations(net: nn.Module) -> str:
    """Name the operations of a network that our translation lacks; empty if it lacks none."""
    try:
        operations = record(net, (1, *_smallest_tile(net)))
    except (RuntimeError, LookupError, AttributeError):
        return "operations that cannot be recorded"
    lacking = {operation.name for operation in operations if not _is_known(operation)}
    return " and ".join(sorted(name.removeprefix("aten.").partition(".")[0] for name in lacking))


def _is_known(operation: Operation) -> bool:
    """Return whether we can translate an operation with these arguments."""
    if operation.name == "aten.convolution.default":
        _, weight, bias, *_, output_padding, groups = operation.arguments
        is_stored = isinstance(weight, Weight) and (bias is None or isinstance(bias, Weight))
        return is_stored and groups == 1 and not any(output_padding)
    if operation.name == "aten.add.Tensor":
        return len(list(operation.inputs)) == 2 and operation.arguments[2] == 1
    reads_weights = any(isinstance(argument, Weight) for argument in operation.arguments)
    return operation.name in _TRANSLATIONS and not reads_weights


def _smallest_tile(net: nn.Module) -> tuple[int, ...]:
    """Return the shape of the smallest admissible input, channels first."""
    channels = int(net.config.in_channels)  # type: ignore[arg-type, union-attr]
    return (channels, *(geometry.min_input for geometry in geometries_of(net)))


@lru_cache(maxsize=1)
def openvino_core() -> Any:
    """Return OpenVINO's runtime, without the telemetry that its import would send."""
    telemetry = "openvino_telemetry"
    is_imported = telemetry in sys.modules
    if not is_imported:
        sys.modules[telemetry] = None  # type: ignore[assignment]  # makes its import fail, and OpenVINO then uses a stub
    try:
        from openvino import Core
    except ImportError as error:
        raise SettingsError(
            "The engine 'openvino' needs OpenVINO, which is not installed here. Run pip install 'unseam[openvino]' or give "
            "--engine torch."
        ) from error
    finally:
        if not is_imported:
            del sys.modules[telemetry]
    return Core()


def _translate(net: nn.Module, input_shape: tuple[int, ...]) -> Any:
    """Translate the recorded operations of a network into an OpenVINO model."""
    from openvino import Model, opset13

    image = opset13.parameter(list(input_shape), np.float32, name="image")
    weights = weights_of(net)
    nodes: dict[Value, Any] = {Value(0): image}

    def node_of(argument: Any) -> Any:
        if isinstance(argument, Value):
            return nodes[argument]
        if isinstance(argument, Weight):
            return weights[argument.name]
        return [node_of(part) for part in argument] if isinstance(argument, list) else argument

    for operation in record(net, input_shape):
        nodes[operation.result] = _TRANSLATIONS[operation.name](opset13, operation, *map(node_of, operation.arguments))
        if operation.is_in_place:
            nodes[next(operation.inputs)] = nodes[operation.result]
    return Model([nodes[operation.result]], [image])


def _constant(ops: Any, weight: Tensor) -> Any:
    return ops.constant(weight.float().cpu().contiguous().numpy())


def _convolution(
    ops: Any, _: Operation, x: Any, weight: Tensor, bias: Tensor | None, stride: list[int], padding: list[int], *more: Any
) -> Any:
    dilation, is_transposed = more[:2]  # _is_known refuses groups and output padding
    convolve = ops.convolution_backprop_data if is_transposed else ops.convolution
    result = convolve(x, _constant(ops, weight), strides=stride, pads_begin=padding, pads_end=padding, dilations=dilation)
    return result if bias is None else ops.add(result, _constant(ops, bias.reshape(1, -1, *[1] * (weight.dim() - 2))))


def _max_pool(ops: Any, _: Operation, x: Any, kernel: list[int], stride: list[int], *more: Any) -> Any:
    padding, dilation, is_ceil = more
    rounding = "ceil" if is_ceil else "floor"
    return ops.max_pool(x, stride, dilation, padding, padding, kernel, rounding).output(0)


def _slice(ops: Any, _: Operation, x: Any, axis: int, start: int, stop: int, step: int) -> Any:
    return ops.slice(x, *(np.array([number], np.int64) for number in (start, stop, step, axis)))


_TRANSLATIONS: dict[str, Callable[..., Any]] = {
    "aten.convolution.default": _convolution,
    "aten.alias.default": lambda ops, _, x: x,
    "aten.relu.default": lambda ops, _, x: ops.relu(x),
    "aten.relu_.default": lambda ops, _, x: ops.relu(x),
    "aten.max_pool2d_with_indices.default": _max_pool,
    "aten.max_pool3d_with_indices.default": _max_pool,
    "aten.slice.Tensor": _slice,
    "aten.cat.default": lambda ops, _, parts, axis: ops.concat(parts, axis),
    "aten.add.Tensor": lambda ops, _, x, y, alpha: ops.add(x, y),
}
"""OpenVINO's version of each PyTorch operation of the U-Net and its relatives."""


def make(net: nn.Module, device: str, dtype: torch.dtype) -> OpenVINOEngine:
    """Make the engine; raise SettingsError for another device than the CPU, or a network that OpenVINO cannot compute."""
    if torch.device(device).type != "cpu":
        raise SettingsError(f"The engine 'openvino' computes on the CPU, and the device is {device}. Give --device cpu.")
    return OpenVINOEngine(net, dtype)
