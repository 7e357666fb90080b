"""Record the operations of a network on an input of one size, without computing them.

The OpenVINO engine translates the record, and the memory of a tile is counted from it. Networks with operations that the U-Net
and its relatives do not have are left to OpenVINO's converter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


class Value(NamedTuple):
    """A tensor between two operations; number 0 is the input."""

    number: int


class Weight(NamedTuple):
    """A parameter or buffer of the network."""

    name: str


@dataclass(frozen=True)
class Operation:
    """One operation of PyTorch.

    Attributes
    ----------
    name
        PyTorch's name, such as ``aten.convolution.default``.
    arguments
        All arguments, defaults included; :class:`Value` and :class:`Weight` stand for tensors.
    result
        The first result.
    shape
        Shape of the result, (B, C, H, W).
    is_in_place
        Whether the result overwrites the first argument.
    """

    name: str
    arguments: tuple[Any, ...]
    result: Value
    shape: tuple[int, ...]
    is_in_place: bool

    @property
    def inputs(self) -> Iterator[Value]:
        """The values that it reads, weights left out."""
        for argument in self.arguments:
            # A list of tensors, as of a concatenation, is one argument. Value and Weight are tuples, too, but not lists.
            for part in argument if isinstance(argument, list) else (argument,):
                if isinstance(part, Value):
                    yield part


def record(net: nn.Module, input_shape: tuple[int, ...]) -> tuple[Operation, ...]:
    """Return the operations of a network in evaluation mode on an input (B, C, H, W); the last one gives its output."""
    # Tensors on "meta" have a shape and no data: the network runs through at once, whatever the size, and allocates nothing.
    weights = {name: tensor.to("meta") for name, tensor in weights_of(net).items()}
    image = torch.empty(input_shape, device="meta", dtype=next(net.parameters()).dtype)
    names: dict[int, Value | Weight] = {id(tensor): Weight(name) for name, tensor in weights.items()}
    names[id(image)] = Value(0)
    recorder = _Recorder(names)
    was_training = net.training
    net.eval()
    try:
        with torch.no_grad(), recorder:
            torch.func.functional_call(net, weights, (image,))
    finally:
        net.train(was_training)
    return tuple(recorder.operations)


def weights_of(net: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers by name, including buffers that are not stored in files."""
    return {name: tensor.detach() for name, tensor in (*net.named_parameters(), *net.named_buffers())}


class _Recorder(TorchDispatchMode):
    """Records every operation that reaches PyTorch's dispatcher."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True, the default, makes PyTorch import its compiler, which takes about a second

    def __init__(self, names: dict[int, Value | Weight]) -> None:
        super().__init__()
        self.names = names
        self.operations: list[Operation] = []
        self._alive: list[Tensor] = []  # kept: Python may give the id of a freed tensor to the next one

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = shape_of_result(func, args, kwargs or {})
        result = results[0] if isinstance(results, tuple) else results
        # PyTorch passes only the arguments that differ from their defaults. Readers of the record find all of them by position.
        omitted = func._schema.arguments[len(args) :]
        arguments = (*args, *((kwargs or {}).get(argument.name, argument.default_value) for argument in omitted))
        is_in_place = bool(args) and result is args[0]
        number = Value(1 + len(self.operations))
        named = tuple(self._named(argument) for argument in arguments)
        self.operations.append(Operation(str(func), named, number, tuple(result.shape), is_in_place))
        # An operation in place returns its argument, which from here on means the new value.
        self.names[id(result)] = number
        self._alive.append(result)
        return results

    def _named(self, argument: Any) -> Any:
        if isinstance(argument, Tensor):
            return self.names[id(argument)]
        if isinstance(argument, (list, tuple)):
            return [self._named(part) for part in argument]
        return argument


def shape_of_result(operation: Any, arguments: Any, named: Any) -> Any:
    """Run an operation on tensors that have a shape but no data."""
    # PyTorch imports its compiler for a concatenation of such tensors, about a second; so its shape is computed here.
    if operation is not torch.ops.aten.cat.default:
        return operation(*arguments, **named)
    parts, axis = arguments
    first = parts[0]
    length = sum(part.shape[axis] for part in parts)
    return first.new_empty(*first.shape[:axis], length, *first.shape[axis + 1 :])
