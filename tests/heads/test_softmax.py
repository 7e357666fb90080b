"""The soft-max and the class chosen from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from unseam.errors import DataError
from unseam.heads.softmax import foreground_of, likeliest_class, softmax


@given(st.integers(2, 6), st.integers(0, 10**6), st.sampled_from([0.1, 5.0, 1000.0]))
def test_softmax_is_scipys(num_classes, seed, spread):
    logits = np.random.default_rng(seed).normal(size=(num_classes, 4, 3)) * spread
    np.testing.assert_allclose(softmax(logits), special.softmax(logits, axis=0), rtol=1e-12, atol=1e-300)


def test_softmax_of_large_logits_and_of_equal_ones():
    logits = np.array([1e30, -1e30, 0, 7, 1e-3], np.float32).reshape(1, 1, 5)
    result = softmax(np.concatenate([logits, -logits]))
    np.testing.assert_allclose(result[0, 0], [1, 0, 0.5, special.expit(14), special.expit(2e-3)], rtol=1e-6)


def test_softmax_leaves_its_input():
    logits = np.arange(4.0).reshape(2, 2, 1)
    before = logits.copy()
    softmax(logits)
    assert np.array_equal(logits, before)


@pytest.mark.parametrize("num_classes", [1, 2, 3, 4, 7, 256])
def test_likeliest_class_is_argmax(num_classes, rng):
    """The first of equal classes wins; there are many equal ones here."""
    probabilities = rng.integers(0, 3, (num_classes, 20, 30)).astype(np.float32)
    assert np.array_equal(likeliest_class(probabilities), probabilities.argmax(axis=0))


def test_foregrounds_add_up_or_stand_alone():
    probabilities = np.array([[0.4, 0.0], [0.3, 0.9], [0.3, 0.1]], np.float32)
    np.testing.assert_allclose(foreground_of(probabilities), [0.6, 1.0], rtol=1e-6)
    assert foreground_of(probabilities, 1).tolist() == probabilities[1].tolist()
    assert foreground_of(probabilities, klass=2).tolist() == probabilities[2].tolist()
    assert foreground_of(probabilities[1:]).tolist() == probabilities[2].tolist(), "the second of two, to the bit"


def test_classes_that_are_not_there_are_refused():
    with pytest.raises(DataError, match=r"1 class.*2 or more"):
        foreground_of(np.ones((1, 3, 3), np.float32))
    with pytest.raises(DataError, match=r"class 2.*0 to 1"):
        foreground_of(np.ones((2, 3, 3), np.float32), 2)
