"""Check a user's instance maps and make their object numbers small enough to compute with."""

import numpy as np
from jaxtyping import Int32, Shaped

from unseam.errors import LabelError
from unseam.shapes import NOT_ANNOTATED

MODERATE = 32_767  # object numbers below this stay as they are: the distances have a fast path for them


def checked_instance_map(instances: Shaped[np.ndarray, "..."]) -> Int32[np.ndarray, "height width"]:
    """Return the instance map as int32, with the same objects; large object numbers become smaller.

    Parameters
    ----------
    instances
        (H, W), any integer type: 0 is background, 1 and up are objects, -1 is not annotated.

    Returns
    -------
    Int32[np.ndarray, "height width"]
        The same partition. If one number is large, 1, 2, ... replace all object numbers, in their order.

    Raises
    ------
    LabelError
        Not two axes, not whole numbers, or a number below -1.

    Examples
    --------
    >>> checked_instance_map(np.array([[7, 0, 2_000_000_000, -1]])).tolist()
    [[1, 0, 2, -1]]
    """
    _check(instances)
    if not instances.size or instances.max() < MODERATE:
        return instances.astype(np.int32)
    # Along a row an object is a run of equal numbers; sorting runs instead of pixels is some 20 times less work.
    line = instances.ravel()
    starts = np.flatnonzero(np.concatenate(([True], line[1:] != line[:-1])))
    numbers, which = np.unique(line[starts], return_inverse=True)
    small = np.cumsum(numbers > 0)
    small[(numbers != 0) & ~(numbers > 0)] = NOT_ANNOTATED
    lengths = np.diff(starts, append=line.size)
    return np.repeat(small[which].astype(np.int32), lengths).reshape(instances.shape)


def _check(instances: Shaped[np.ndarray, "..."]) -> None:
    expected = "An instance map is (height, width) with 0 background, 1, 2, ... objects and -1 not annotated"
    if instances.ndim != 2:
        raise LabelError(
            f"Instance map of shape {instances.shape} has {instances.ndim} axes. {expected}. Pass one plane at a time."
        )
    if instances.dtype.kind not in "iu":
        raise LabelError(
            f"Instance map of type {instances.dtype} does not hold whole numbers. {expected}. "
            "Number the objects of a mask with skimage.measure.label, or convert with .astype(numpy.int32)."
        )
    if instances.size and instances.dtype.kind == "i" and (lowest := int(instances.min())) < NOT_ANNOTATED:
        raise LabelError(f"Instance map holds {lowest}. {expected}. Set such pixels to 0 or to -1.")
