"""Cut a window out of an image with a mirrored border (paper, sec. 2): from memory, from disk, or on a GPU."""

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from unseam.geometry import mirrored_range


def tensor_type(plane: Shaped[np.ndarray, "*shape"] | Shaped[Tensor, "*shape"]) -> torch.dtype:
    """Return the tensor type that holds the pixels of an array or a tensor."""
    return plane.dtype if isinstance(plane, Tensor) else torch.from_numpy(np.empty(0, plane.dtype)).dtype


def cut_window(
    plane: Shaped[np.ndarray, "image_height image_width"] | Shaped[Tensor, "image_height image_width"],
    top: int,
    left: int,
    window: Shaped[Tensor, "height width"],
) -> Shaped[Tensor, "height width"]:
    """Fill ``window`` from the image, starting at (top, left); mirror the image beyond its border.

    An array may be memory-mapped, read-only and in any memory layout; only pixels around the window are read. The pixels
    of a tensor never leave their device, and nothing waits for it.
    """
    (image_height, image_width), (height, width) = plane.shape, window.shape
    if top >= 0 and left >= 0 and top + height <= image_height and left + width <= image_width:
        piece = plane[top : top + height, left : left + width]
        if isinstance(piece, Tensor):
            return window.copy_(piece)
        window.numpy()[:] = piece
        return window
    rows = mirrored_range(top, top + height, image_height)
    columns = mirrored_range(left, left + width, image_width)
    if isinstance(plane, Tensor):
        at_rows, at_columns = (torch.from_numpy(index).to(plane.device, non_blocking=True) for index in (rows, columns))
        return window.copy_(plane[at_rows[:, None], at_columns])
    # Indexing both axes at once would gather pixel by pixel. Most columns lie inside the image and can be copied as a block.
    first, stop = int(columns.min()), int(columns.max()) + 1
    near, filled = plane[rows, first:stop], window.numpy()
    begin = min(max(-left, 0), width)
    end = max(begin, min(image_width - left, width))
    filled[:, begin:end] = near[:, left + begin - first : left + end - first]
    for strip in (slice(0, begin), slice(end, width)):
        filled[:, strip] = near[:, columns[strip] - first]
    return window
