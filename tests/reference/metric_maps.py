"""Small maps for the properties of the metrics."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SIZES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6)


@st.composite
def _pair(draw, predicted_values, true_values, predicted_dtype, true_dtype):
    shape = draw(SIZES)
    predicted = draw(hnp.arrays(predicted_dtype, shape, elements=st.sampled_from(predicted_values)))
    truth = draw(hnp.arrays(true_dtype, shape, elements=st.sampled_from(true_values)))
    return predicted, truth


INSTANCE_PAIRS = _pair([0, 1, 2, 7], [0, 1, 2, 5, -1], np.int32, np.int32)
"""A predicted and a true instance map, partly annotated."""

FULL_INSTANCE_PAIRS = _pair([0, 1, 2, 7], [0, 1, 2, 5], np.int32, np.int32)
"""The same, annotated everywhere."""

CLASS_PAIRS = _pair([0, 1, 2], [0, 1, 2, 255], np.uint8, np.uint8)
"""A predicted and a true class map, partly annotated."""

FULL_CLASS_PAIRS = _pair([0, 1, 2], [0, 1, 2], np.uint8, np.uint8)
"""The same, annotated everywhere."""
