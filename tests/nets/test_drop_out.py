"""Drop-out: how often, how much, and of what it is a function."""

import pytest
import torch

from unseam.nets.drop_out import Dropout, kept


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.95])
def test_features_are_dropped_with_their_probability_each_for_itself(p):
    torch.manual_seed(0)
    features = torch.ones(2, 64, 60, 60)
    out = Dropout(p).train()(features)
    share = float((out == 0).float().mean())
    deviation = (p * (1 - p) / out.numel()) ** 0.5
    assert abs(share - p) < 4 * deviation + 1 / 2**16
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)], rel=1e-3)
    dropped = (out == 0).float()
    for shift, axis in ((1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3)):  # neighbours share a random number
        both = float((dropped * dropped.roll(shift, axis)).mean())
        assert both == pytest.approx(share**2, abs=5 / out.numel() ** 0.5)


def test_each_quarter_of_a_number_is_random_over_its_whole_range():
    torch.manual_seed(1)
    for dropped in (1, 2**14, 2**15, 2**16 - 1):
        lost = ~kept(torch.Size((1, 4, 400, 400)), dropped)
        for quarter in lost.float().mean(dim=(0, 2, 3)):  # four channels: one of each 64 bit number
            p = dropped / 2**16
            assert abs(float(quarter) - p) < 5 * (p * (1 - p) / 400**2) ** 0.5


def test_the_mean_stays_and_the_gradient_is_that_of_what_was_kept():
    torch.manual_seed(2)
    features = torch.rand(1, 8, 50, 50, requires_grad=True)
    out = Dropout(0.3).train()(features)
    assert float(out.detach().mean()) == pytest.approx(float(features.detach().mean()), rel=0.03)
    out.sum().backward()
    torch.testing.assert_close(features.grad, (out / features).detach(), rtol=1e-5, atol=1e-6)


def test_the_same_seed_drops_the_same_however_the_map_lies_in_memory():
    features = torch.rand(2, 5, 7, 9) + 1
    found = []
    for layout in (torch.channels_last, torch.contiguous_format):
        torch.manual_seed(3)
        found.append(Dropout(0.5).train()(features.contiguous(memory_format=layout)))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], Dropout(0.5).train()(features))


def test_evaluation_and_p_of_zero_change_nothing():
    features = torch.rand(1, 2, 3, 4)
    assert torch.equal(Dropout(0.5).eval()(features), features)
    assert torch.equal(Dropout(0.0).train()(features), features)


def test_a_map_in_bfloat16_stays_in_it():
    assert Dropout(0.5).train()(torch.rand(1, 4, 5, 5).to(torch.bfloat16)).dtype == torch.bfloat16
