"""The checks of shapes that all other tests run under can fail."""

from dataclasses import dataclass

import numpy as np
import pytest
from jaxtyping import Float, TypeCheckError

from shape_checks import has_shapes
from unseam.data.sample import Sample
from unseam.heads.objects import close_ridges
from unseam.metrics import ThresholdScan


def test_another_number_of_axes_is_refused():
    with pytest.raises(TypeCheckError):
        close_ridges(np.zeros((2, 3, 4), np.int32), 3.9)


def test_sizes_that_differ_are_refused():
    image, classes = np.zeros((1, 20, 30), np.float32), np.zeros((20, 31), np.uint8)
    with pytest.raises(TypeCheckError):
        Sample("one", image, classes, np.ones(classes.shape, np.float32))


def test_methods_too():
    with pytest.raises(TypeCheckError):
        ThresholdScan()(np.zeros((4, 5), np.float32), np.zeros((4, 5), np.uint8))


def test_where_there_are_shapes():
    @dataclass
    class Plain:
        number: int

    @dataclass
    class Shaped:
        image: Float[np.ndarray, "rows cols"] | None

    def plain(number: int) -> list[str]: ...
    def shaped(*, images: list[Float[np.ndarray, "rows cols"]]) -> int: ...
    def shaped_answer(number: int) -> Float[np.ndarray, "rows cols"]: ...

    assert [has_shapes(one) for one in (Plain, Shaped, plain, shaped, shaped_answer)] == [False, True, False, True, True]
