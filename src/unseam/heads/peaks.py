"""The foreground of a head that knows where objects have their middle.

`Objects` reads one map. Above ``LIKELY`` it is the order of a flood, and objects start where it exceeds the threshold. So a
head that finds middles writes their height there::

    foreground  0.2  0.9  0.9  0.9  0.9  0.9  0.1        0.2  0.6  0.9  0.6  0.7  0.9  0.1
    height      0    0.2  0.8  0.2  0.4  0.8  0     ->        ---- one --- | --- two ---

The flood is a watershed of the heights within the foreground, and it is exact chunk by chunk (`heads.flood`).
"""

import numpy as np
from jaxtyping import Float

from unseam.heads.flood import LIKELY

LOWEST = 2.0**-10
"""Height of foreground without a middle: it stays foreground, also in half precision."""


def with_heights(foreground: Float[np.ndarray, "*place"], heights: Float[np.ndarray, "*place"]) -> Float[np.ndarray, "*place"]:
    """Return the foreground where it is unlikely, and (1 + height) / 2 where it is likely; heights lie between 0 and 1.

    Examples
    --------
    >>> with_heights(np.array([0.2, 0.9, 0.9]), np.array([0.7, 0.0, 0.5])).round(2).tolist()
    [0.2, 0.5, 0.75]
    """
    raised = np.maximum(heights, heights.dtype.type(LOWEST))
    raised += 1
    raised *= heights.dtype.type(0.5)
    return np.where(foreground > LIKELY, raised, foreground)
