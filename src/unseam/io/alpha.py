"""Transparency, which many programs store as a last channel: it is dropped where it says nothing, else it is a channel."""

import numpy as np
from jaxtyping import Shaped

from unseam.io.axes import AS_CHANNEL


def without_alpha(
    pixels: Shaped[np.ndarray, "..."], axis: int, *, may_be_plane: bool = False
) -> tuple[Shaped[np.ndarray, "..."], str | None]:
    """Drop the last channel along ``axis``, which the file calls transparency, if it is the same everywhere.

    Returns the pixels, and a note if the channel says anything. ``may_be_plane``: see :func:`judge_alpha`.
    """
    alpha = pixels.take(-1, axis=axis)
    value = alpha.flat[0] if alpha.size and bool((alpha == alpha.flat[0]).all()) else None
    is_dropped, note = judge_alpha(value, alpha.dtype, pixels.shape[axis], may_be_plane=may_be_plane)
    return np.moveaxis(np.moveaxis(pixels, axis, -1)[..., :-1], -1, axis) if is_dropped else pixels, note


def judge_alpha(value: np.generic | None, dtype: np.dtype, num_channels: int, *, may_be_plane: bool) -> tuple[bool, str | None]:
    """Return whether the last of ``num_channels``, called transparency, is dropped; and a note if it says anything.

    Parameters
    ----------
    value
        What it is everywhere; None: it varies.
    may_be_plane
        Whether channels are stored one after the other, as the planes of a stack are: a blank plane must not be lost, so only
        full opacity is dropped.
    """
    opaque = np.iinfo(dtype).max if dtype.kind in "ui" else 1
    if value is not None and value == opaque:
        return True, None
    if value is None or may_be_plane:
        found = "varies" if value is None else f"is {value} everywhere"
        return False, (
            f"channel {num_channels} of {num_channels} is marked as transparency and {found}: {AS_CHANNEL}; if it is only "
            "for display, save the image without it"
        )
    return True, f"its transparency is {value} everywhere: dropped"
