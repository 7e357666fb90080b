"""Eq. 1 against a loop over pixels."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference.cross_entropy import energy
from unseam.errors import SettingsError
from unseam.losses import WeightedCrossEntropy
from unseam.shapes import IGNORE


def drawn(seed: int, shape: tuple[int, int, int], num_classes: int, spread: float = 3.0):
    """Logits, classes (a third not annotated) and weights, at random."""
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(shape[0], num_classes, *shape[1:])) * spread).astype(np.float32)
    classes = rng.integers(0, num_classes, shape).astype(np.uint8)
    classes[rng.random(shape) < 0.3] = IGNORE
    weights = rng.uniform(0, 12, shape).astype(np.float32)
    return logits, classes, weights


def ours(logits, classes, weights=None, class_weights=()):
    tensors = [torch.from_numpy(part) for part in (logits, classes)]
    return float(WeightedCrossEntropy(class_weights)(*tensors, None if weights is None else torch.from_numpy(weights)))


CLASS_WEIGHTS = st.booleans().map(lambda given: (0.5, 1.5, 2.5, 3.5, 4.5) if given else ())
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))


@given(st.integers(0, 10**6), SHAPES, st.integers(2, 5), st.sampled_from([0.1, 3.0, 60.0]), st.booleans(), CLASS_WEIGHTS)
def test_is_the_sum_over_pixels(seed, shape, num_classes, spread, has_weights, class_weights):
    logits, classes, weights = drawn(seed, shape, num_classes, spread)
    class_weights = class_weights[:num_classes]
    expected = energy(logits, classes, weights if has_weights else None, class_weights)
    assert ours(logits, classes, weights if has_weights else None, class_weights) == pytest.approx(expected, rel=1e-5)


def test_one_pixel_by_hand():
    """p = 1/4 and 3/4; the true class has 1/4, weight 10: 10 ln 4."""
    logits = np.array([0.0, math.log(3)], np.float32).reshape(1, 2, 1, 1)
    classes = np.zeros((1, 1, 1), np.uint8)
    assert ours(logits, classes, np.full((1, 1, 1), 10, np.float32)) == pytest.approx(10 * math.log(4), rel=1e-6)


def test_weights_of_one_are_no_weights():
    logits, classes, weights = drawn(1, (2, 5, 4), 3)
    assert ours(logits, classes, np.ones_like(weights)) == ours(logits, classes)


def test_weights_are_taken_as_they_are():
    """Doubling w(x) doubles the energy: the mean is over pixels, not over weights."""
    logits, classes, weights = drawn(2, (1, 5, 4), 2)
    assert ours(logits, classes, 2 * weights) == pytest.approx(2 * ours(logits, classes, weights), rel=1e-6)


def test_unannotated_pixels_do_not_count():
    logits, classes, weights = drawn(3, (1, 6, 6), 3)
    changed = logits.copy()
    changed[:, :, classes[0] == IGNORE] = 50.0
    other_weights = np.where(classes == IGNORE, 1e6, weights).astype(np.float32)
    assert ours(changed, classes, other_weights) == ours(logits, classes, weights)


def test_unannotated_pixels_give_no_gradient():
    logits, classes, weights = (torch.from_numpy(part) for part in drawn(4, (2, 6, 6), 3))
    logits.requires_grad_()
    WeightedCrossEntropy((1.0, 2.0, 3.0))(logits, classes, weights).backward()
    touched = logits.grad.abs().sum(1) > 0
    assert torch.equal(touched, classes != IGNORE)


@pytest.mark.parametrize("class_weights", [(), (1.0, 2.0)])
def test_nothing_annotated_is_zero_with_a_gradient_of_zero(class_weights):
    logits = torch.randn(2, 2, 3, 3, requires_grad=True)
    classes = torch.full((2, 3, 3), IGNORE, dtype=torch.uint8)
    result = WeightedCrossEntropy(class_weights)(logits, classes, torch.ones(2, 3, 3))
    result.backward()
    assert float(result.detach()) == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_gradient_is_the_soft_max_less_the_truth():
    """dE/da_k = w (p_k - [k is true]) / number of annotated pixels."""
    logits, classes, weights = drawn(5, (1, 4, 4), 3)
    tensor = torch.from_numpy(logits).requires_grad_()
    WeightedCrossEntropy()(tensor, torch.from_numpy(classes), torch.from_numpy(weights)).backward()
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    truth = classes[:, None] == np.arange(3)[None, :, None, None]
    expected = (p - truth) * weights[:, None] * (classes != IGNORE)[:, None] / (classes != IGNORE).sum()
    np.testing.assert_allclose(tensor.grad.numpy(), expected, atol=1e-6)


def test_sure_and_wrong_stays_finite():
    logits = torch.tensor([1e4, -1e4]).reshape(1, 2, 1, 1).requires_grad_()
    result = WeightedCrossEntropy()(logits, torch.ones(1, 1, 1, dtype=torch.uint8))
    result.backward()
    assert float(result.detach()) == pytest.approx(2e4)
    assert torch.isfinite(logits.grad).all()


def test_half_precision_logits_are_summed_in_float32():
    """Half a million pixels: a sum in bfloat16 would stop growing at 256."""
    logits = torch.zeros(1, 2, 700, 700, dtype=torch.bfloat16)
    result = WeightedCrossEntropy()(logits, torch.zeros(1, 700, 700, dtype=torch.uint8))
    assert result.dtype == torch.float32
    assert float(result) == pytest.approx(math.log(2), rel=1e-4)


def test_sparse_annotation_weighs_as_much_as_full():
    """A departure from the sum of Eq. 1: one annotated pixel of a class has the energy of a tile full of it."""
    logits = np.zeros((1, 2, 8, 8), np.float32)
    full = np.zeros((1, 8, 8), np.uint8)
    sparse = np.full_like(full, IGNORE)
    sparse[0, 3, 4] = 0
    assert ours(logits, sparse) == pytest.approx(ours(logits, full)) == pytest.approx(math.log(2))


@pytest.mark.parametrize("count", [1, 3])
def test_class_weights_of_another_number_are_refused(count):
    with pytest.raises(SettingsError, match=f"{count} class weights .*2 classes"):
        ours(*drawn(6, (1, 2, 2), 2)[:2], class_weights=(1.0,) * count)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_class_weights_out_of_range_are_refused(wrong):
    with pytest.raises(SettingsError, match=r"class_weights .* 0 to 1e6"):
        WeightedCrossEntropy((1.0, wrong))
