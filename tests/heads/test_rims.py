"""Distances inside objects are those of a plain search over all pixels."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reference import rims_by_pixel as reference
from reference.touching_cells import touching_cells
from unseam.heads.rims import measure_rims
from unseam.shapes import NOT_ANNOTATED


def check(cells: np.ndarray) -> None:
    rims = measure_rims(cells)
    for place in np.ndindex(*cells.shape):
        if cells[place] <= 0:
            assert (rims.to_rim[place], rims.to_other[place], rims.largest[place], rims.reach[place]) == (0, 0, 0, 0)
            continue
        other, reach = reference.others(cells, place)
        assert rims.to_rim[place] == np.float32(reference.to_rim(cells, place))
        assert rims.largest[place] == np.float32(reference.largest(cells, place))
        assert rims.reach[place] == np.float32(reach)
        assert rims.to_other[place] == np.float32(other)


@settings(max_examples=40)
@given(arrays.arrays(np.int32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(-1, 3)))
def test_any_map(cells):
    """Objects in pieces, objects at the border, and pixels that are not annotated."""
    check(cells)


def test_touching_cells(rng):
    cells = touching_cells(rng, 18, 5)
    cells[:, :3] = NOT_ANNOTATED
    check(cells)


def test_an_object_that_fills_the_image_has_no_rim():
    rims = measure_rims(np.ones((3, 4), np.int32))
    assert np.isinf(rims.to_rim).all()
    assert np.isinf(rims.largest).all()


def test_the_border_of_the_image_is_no_rim():
    cells = np.array([[0, 5, 5, 5]], np.int32)
    assert measure_rims(cells).to_rim.tolist() == [[0, 1, 2, 3]]


def test_without_others():
    assert np.isinf(measure_rims(np.array([[1, 2]], np.int32), others=False).to_other).all()


def test_no_object():
    assert not measure_rims(np.zeros((4, 5), np.int32)).to_rim.any()
