"""The peak memory of a network's maps, counted without computing them.

There are two counts because libraries free maps at different times: PyTorch when the last reference in Python is gone, a
compiled program after the last operation that reads the map.
"""

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from unseam.engines.record import Value, record, shape_of_result, weights_of


@dataclass(frozen=True)
class Footprint:
    """Bytes that an engine takes for one size of input tile."""

    kept: int  # until the engine releases them or a tile of another size replaces them
    passing: int  # in addition, while a tile is computed

    @property
    def total(self) -> int:
        return self.kept + self.passing


def num_weights(net: nn.Module) -> int:
    """Return the number of weights of a network, biases included."""
    return sum(weight.numel() for weight in net.state_dict().values())


def bytes_of_largest_weight(net: nn.Module, dtype: torch.dtype) -> int:
    """Return the bytes of the largest weight: libraries copy each weight into another order before they multiply by it."""
    return dtype.itemsize * max(weight.numel() for weight in net.state_dict().values())


def bytes_as_written(net: nn.Module, input_shape: tuple[int, ...], dtype: torch.dtype) -> int:
    """Return the most bytes of maps alive at once when PyTorch runs a network as it is written, the input included.

    The network runs on tensors that have a shape but no data. Each counts until Python frees it, so local names in the
    network's code count, and so do the indices that a max-pooling returns.
    """
    weights = {name: w.to("meta", dtype if w.is_floating_point() else w.dtype) for name, w in weights_of(net).items()}
    image = torch.empty(input_shape, device="meta", dtype=dtype)
    counter = _Counter(image.nbytes)
    was_training = net.training
    net.eval()
    try:
        with torch.no_grad(), counter:
            torch.func.functional_call(net, weights, (image,))
    finally:
        net.train(was_training)
    return counter.most


def bytes_until_last_read(net: nn.Module, input_shape: tuple[int, ...], dtype: torch.dtype) -> int:
    """Return the most bytes of maps alive at once if each is freed after its last reader, the float32 input included."""
    # A slice shares the memory of its map, and so does the result of an operation in place: memory is counted, not values.
    operations = record(net, input_shape)
    memory_of: dict[Value, Value] = {Value(0): Value(0)}
    size_of = {Value(0): 4 * torch.Size(input_shape).numel()}
    last_read: dict[Value, int] = {}
    for index, operation in enumerate(operations):
        inputs = list(operation.inputs)
        shares_memory = operation.is_in_place or operation.name == "aten.slice.Tensor"
        memory = memory_of[inputs[0]] if shares_memory else operation.result
        memory_of[operation.result] = memory
        size_of.setdefault(memory, dtype.itemsize * torch.Size(operation.shape).numel())
        last_read.update((memory_of[value], index) for value in (*inputs, operation.result))
    alive, most = {Value(0)}, 0
    for index, operation in enumerate(operations):
        alive.add(memory_of[operation.result])
        most = max(most, sum(size_of[memory] for memory in alive))
        alive = {memory for memory in alive if last_read[memory] > index}
    return most


class _Counter(TorchDispatchMode):
    """Adds up the memory of tensors while Python holds them."""

    def __init__(self, now: int) -> None:
        super().__init__()
        self.now = self.most = now
        self._num_tensors: dict[int, int] = {}  # by id of the storage that they share
        self._storages: dict[int, Any] = {}  # kept alive: Python may give the id of a freed storage to the next one

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True, the default, makes PyTorch import its compiler, which takes about a second

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = shape_of_result(func, args, kwargs or {})
        for result in results if isinstance(results, tuple) else (results,):
            if isinstance(result, Tensor) and not any(result is argument for argument in args):
                self._hold(result, args)
        self.most = max(self.most, self.now)
        return results

    def _hold(self, result: Tensor, args: Any) -> None:
        storage = result.untyped_storage()
        key, size = id(storage), storage.nbytes()
        if key not in self._num_tensors:
            if any(part.untyped_storage() is storage for part in args if isinstance(part, Tensor)):
                return  # a view of the input or of a weight, which are counted elsewhere
            self._num_tensors[key] = 0
            self._storages[key] = storage
            self.now += size
        self._num_tensors[key] += 1
        weakref.finalize(result, self._let_go, key, size)

    def _let_go(self, key: int, size: int) -> None:
        self._num_tensors[key] -= 1
        if not self._num_tensors[key]:
            del self._num_tensors[key], self._storages[key]
            self.now -= size
