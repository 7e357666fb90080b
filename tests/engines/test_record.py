"""A recorded network, replayed operation by operation, computes the same as the network."""

import numpy as np
import pytest
import torch

from unseam.engines.record import Operation, Value, Weight, record
from unseam.nets import FCN, UNet

NETS = [(UNet, 1), (UNet, 3), (FCN, 2)]


def computed(net, operations: tuple[Operation, ...], image: torch.Tensor) -> torch.Tensor:
    """Replay a record with the PyTorch functions of the same names."""
    weights = net.state_dict()
    values = {Value(0): image}

    def value_of(argument):
        if isinstance(argument, Value):
            return values[argument]
        if isinstance(argument, Weight):
            return weights[argument.name]
        return [value_of(part) for part in argument] if isinstance(argument, list) else argument

    for operation in operations:
        packet, overload = operation.name.removeprefix("aten.").split(".")
        arguments = [value_of(argument) for argument in operation.arguments]
        result = (
            torch.add(*arguments[:2], alpha=arguments[2])
            if packet == "add"
            else getattr(getattr(torch.ops.aten, packet), overload)(*arguments)
        )
        values[operation.result] = result[0] if isinstance(result, tuple) else result
        assert tuple(values[operation.result].shape) == operation.shape
    return values[operations[-1].result]


@pytest.mark.parametrize(("net_class", "depth"), NETS)
def test_the_record_is_the_network(net_class, depth):
    torch.manual_seed(1)
    net = net_class(in_channels=2, num_classes=3, first_width=3, depth=depth).eval()
    height, width = (net.geometry.input_for_output(size) for size in (20, 37))
    image = torch.rand(1, 2, height, width)
    with torch.no_grad():
        played = computed(net, record(net, (1, 2, height, width)), image)
        assert torch.equal(played, net(image))


def test_nothing_is_changed_by_recording():
    net = UNet(first_width=2, depth=1).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    record(net, (1, 1, 44, 44))
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_drop_out_leaves_no_trace_and_every_weight_is_used_once():
    net = UNet(first_width=2, depth=2, dropout=0.5).train()
    side = net.geometry.min_input
    operations = record(net, (1, 1, side, side))
    assert not any("drop" in operation.name or "bernoulli" in operation.name for operation in operations)
    used = [a.name for operation in operations for a in operation.arguments if isinstance(a, Weight)]
    assert sorted(used) == sorted(net.state_dict())


def test_the_papers_network_is_recorded_without_its_memory():
    """At 4,636 px the first map alone would take 5.5 GB."""
    operations = record(UNet(), (1, 1, 4636, 4636))
    assert operations[1].shape == (1, 64, 4634, 4634)
    assert operations[-1].shape == (1, 2, 4452, 4452)
    convolutions = sum(operation.name == "aten.convolution.default" for operation in operations)
    assert convolutions == 23, "the paper: 23 convolutional layers in all"


def test_what_an_operation_reads():
    concatenation = Operation("aten.cat.default", ([Value(3), Value(5)], 1), Value(6), (1, 2, 3, 3), False)
    assert list(concatenation.inputs) == [Value(3), Value(5)]
    convolution = Operation("aten.convolution.default", (Value(2), Weight("w"), None, [1, 1]), Value(3), (1,), False)
    assert list(convolution.inputs) == [Value(2)]


def test_an_operation_in_place_is_known_as_such():
    net = UNet(first_width=2, depth=1)
    in_place = [operation for operation in record(net, (1, 1, 44, 44)) if operation.is_in_place]
    assert {operation.name for operation in in_place} == {"aten.relu_.default"}
    assert np.all([len(list(operation.inputs)) == 1 for operation in in_place])
