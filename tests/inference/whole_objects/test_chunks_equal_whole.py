"""Finding objects chunk by chunk gives the same numbers as finding them in the whole plane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.hard_fields import FIELDS
from reference.objects_in_memory import found_in_chunks
from unseam.heads.objects import Objects
from unseam.inference.whole_objects import Halo

objects = st.builds(
    Objects,
    threshold=st.sampled_from([0.3, 0.5, 0.7, 0.8]),
    min_size=st.sampled_from([0, 3, 16, 100]),
    split=st.sampled_from([0.0, 0.0, 0.05, 0.2, 0.5]),
    fill_holes=st.booleans(),
    grow_px=st.sampled_from([0.0, 1.0, 3.9, 10.0]),
)


def check(likely: np.ndarray, side: int, chosen: Objects, first_halo: int = 4) -> None:
    whole = chosen(likely)
    written, found = found_in_chunks(likely, side, chosen, Halo(first_halo, 4096))
    np.testing.assert_array_equal(written, whole)
    assert found.num_undecided == 0
    assert found.num_objects == whole.max()
    assert found.num_foreground == np.count_nonzero(whole)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.__name__)
@settings(max_examples=10)
@given(
    chosen=objects,
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    num_chunks=st.integers(2, 7),
    first_halo=st.integers(1, 20),
    sigma=st.floats(0.8, 6),
    level=st.floats(-1, 1),
    seed=st.integers(0, 1 << 30),
)
def test_fields(field, chosen, shape, num_chunks, first_halo, sigma, level, seed):
    side = max(3, -(-max(shape) // num_chunks))
    check(field(np.random.default_rng(seed), shape, sigma, level), side, chosen, first_halo)
