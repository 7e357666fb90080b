"""The running average of the weights."""

import pytest
import torch
from torch import nn

from reference.toy import ENERGY, batches, fresh, plan, weights_of
from unseam.training import AdamW, train_network
from unseam.training.average import AveragedWeights
from unseam.training.observers import Validate


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_it_is_the_plain_formula(decay):
    state = fresh(AdamW(1e-2), average=decay)
    expected = {name: weight.astype(float) for name, weight in weights_of(state.net).items()}

    def follow(state, _):
        kept = min(decay, state.step / (9 + state.step))  # (1 + t) / (10 + t) for t = step - 1
        for name, weight in weights_of(state.net).items():
            expected[name] = kept * expected[name] + (1 - kept) * weight

    train_network(state, batches(), ENERGY, plan(20), [follow])
    for name, weight in weights_of(state.judged).items():
        assert weight == pytest.approx(expected[name], rel=1e-4, abs=1e-5)


def test_a_count_is_copied_and_statistics_are_averaged():
    net = nn.BatchNorm2d(2)
    averaged = AveragedWeights(net, 0.75)
    net.running_mean += 4
    net.num_batches_tracked += 8
    averaged.update(net, 1000)
    assert averaged.net.running_mean.tolist() == [1.0, 1.0]
    assert int(averaged.net.num_batches_tracked) == 8


def test_training_is_the_same_with_and_without_it():
    with_average, without = fresh(AdamW(1e-2), average=0.9), fresh(AdamW(1e-2))
    for state in (with_average, without):
        train_network(state, batches(), ENERGY, plan(5))
    for name, weight in weights_of(without.net).items():
        assert (weights_of(with_average.net)[name] == weight).all()
    assert without.judged is without.net


def test_validation_scores_and_keeps_the_average():
    state, seen = fresh(AdamW(1e-2), average=0.9), []
    validate = Validate(None, 1, lambda state, _: seen.append(weights_of(state.judged)))
    train_network(state, batches(), ENERGY, plan(5), [validate])
    for name, weight in validate.best_weights.items():
        assert (weight.numpy() == seen[-1][name]).all()
        assert not torch.equal(weight, state.net.state_dict()[name])
