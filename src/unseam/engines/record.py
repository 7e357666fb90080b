"""What a network does to an input of one size, operation by operation: recorded without computing it.

OpenVINO is given the same operations in its own words, and the memory that a tile needs is counted from the same record. A
network with other operations than those of the U-Net and its kin is left to OpenVINO's converter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


class Value(NamedTuple):
    """A tensor between two operations, by its number; 0 is the input."""

    number: int


class Weight(NamedTuple):
    """A parameter of the network, by its name."""

    name: str


@dataclass(frozen=True)
class Operation:
    """One operation of PyTorch.

    Attributes
    ----------
    name
        PyTorch's own name for it: ``aten.convolution.default``.
    arguments
        What it is given, tensors replaced by :class:`Value` or :class:`Weight`, with all that is left to its defaults.
    result
        Its (first) result.
    shape
        Of the result, (B, C, H, W).
    is_in_place
        Whether the result stands in the memory of the first argument.
    """

    name: str
    arguments: tuple[Any, ...]
    result: Value
    shape: tuple[int, ...]
    is_in_place: bool

    @property
    def inputs(self) -> Iterator[Value]:
        """The tensors that it reads, weights left out."""
        for argument in self.arguments:
            for part in argument if isinstance(argument, (list, tuple)) and not _is_named(argument) else (argument,):
                if isinstance(part, Value):
                    yield part


def record(net: nn.Module, input_shape: tuple[int, int, int, int]) -> tuple[Operation, ...]:
    """The operations of a network in evaluation mode on an input (B, C, H, W), the last one giving its output.

    Nothing is computed and no map is held: the network runs on tensors that have a shape only.
    """
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
    """Parameters and buffers by name, buffers that no file holds included."""
    return {name: tensor.detach() for name, tensor in (*net.named_parameters(), *net.named_buffers())}


class _Recorder(TorchDispatchMode):
    """Writes down every operation that reaches PyTorch's dispatcher."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Otherwise PyTorch imports its compiler, about a second, to tell it that nothing here is to be compiled."""
        return False

    def __init__(self, names: dict[int, Value | Weight]) -> None:
        super().__init__()
        self.names = names
        self.operations: list[Operation] = []
        self._alive: list[Tensor] = []  # an id is a name only as long as its tensor lives

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = shape_of_result(func, args, kwargs or {})
        result = results[0] if isinstance(results, tuple) else results
        given = tuple(self._named(argument) for argument in args)
        defaults = tuple(
            (kwargs or {}).get(wanted.name, wanted.default_value) for wanted in func._schema.arguments[len(args) :]
        )
        is_in_place = bool(args) and result is args[0]
        number = Value(1 + len(self.operations))
        self.operations.append(
            Operation(str(func), given + tuple(map(self._named, defaults)), number, tuple(result.shape), is_in_place)
        )
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
    """What an operation makes of tensors that have a shape only.

    PyTorch knows that of a concatenation too, but would import its compiler to tell, which takes about a second.
    """
    if operation is not torch.ops.aten.cat.default:
        return operation(*arguments, **named)
    parts, axis = arguments
    first = parts[0]
    length = sum(part.shape[axis] for part in parts)
    return first.new_empty(*first.shape[:axis], length, *first.shape[axis + 1 :])


def _is_named(argument: Any) -> bool:
    return isinstance(argument, (Value, Weight))
