"""Images resampled to pixels of another size, and maps brought back to the pixels of the image.

An image and its resampled version cover the same rectangle, so a map comes back to exactly the rows and columns that it left.
Statistics of tiles play no part: whole planes are resampled, before tiles are laid and after they are joined.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Integer, Shaped

from unseam.data.normalise import check_image
from unseam.data.pixel_size import SpacingUm
from unseam.data.prepare import Annotated
from unseam.errors import DataError

Ratio = tuple[float, float]
"""Pixels of the result for each pixel (row, column)."""

_SAME = 0.01
"""Sizes that differ by less are equal: files round them."""


def ratio_to(spacing_um: SpacingUm | None, wanted_um: SpacingUm, called: str) -> Ratio:
    """Return the ratio that gives an image the wanted pixels; 1 along an axis where they are equal to one percent.

    Raises DataError if the image, ``called`` so, states no size.
    """
    if spacing_um is None:
        raise DataError(
            f"{called}: the file states no pixel size, so it cannot be resampled. Save it with its size (in Fiji: Image > "
            "Properties), or leave --rescale out."
        )
    row, column = (own / wanted for own, wanted in zip(spacing_um, wanted_um, strict=True))
    return (row if abs(row - 1) > _SAME else 1.0, column if abs(column - 1) > _SAME else 1.0)


def rescaled(image: Shaped[np.ndarray, "height width *channel"], ratio: Ratio) -> Shaped[np.ndarray, "rows cols *channel"]:
    """Return an image, resampled linearly; where it shrinks it is blurred first, so that no detail aliases.

    Raises DataError as `check_image`.
    """
    check_image(image)
    if ratio == (1.0, 1.0):
        return image
    shape = [max(1, round(length * factor)) for length, factor in zip(image.shape, ratio, strict=False)]
    exact = (image.dtype.kind == "f" and image.dtype.itemsize == 8) or (image.dtype.kind in "iu" and image.dtype.itemsize > 2)
    return _resampled(image.astype(np.float64 if exact else np.float32), (*shape, *image.shape[2:]), axes=(0, 1))


def back_to(maps: Float[np.ndarray, "klass rows cols"], height: int, width: int) -> Float[np.ndarray, "klass height width"]:
    """Return maps of a resampled image in the pixels of the image; maps that add up to 1 still do."""
    return _resampled(maps, (len(maps), height, width), axes=(1, 2))


def nearest(labels: Integer[np.ndarray, "height width"], height: int, width: int) -> Integer[np.ndarray, "rows cols"]:
    """Return labels in ``height`` x ``width`` pixels: each takes the label in which its middle lies.

    >>> nearest(np.array([[1, 2], [3, 4]]), 4, 3).tolist()
    [[1, 2, 2], [1, 2, 2], [3, 4, 4], [3, 4, 4]]
    """
    row, column = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip((height, width), labels.shape, strict=True)
    )
    return labels[row[:, None], column]


def rescale_annotated(
    items: Sequence[Annotated], wanted_um: SpacingUm, tell: Callable[[str], None] = lambda _: None
) -> tuple[Annotated, ...]:
    """Resample images with their masks to pixels of ``wanted_um``.

    Raises DataError, which names the image, if it states no pixel size or is no image.
    """
    found: list[Annotated] = []
    for item in items:
        ratio = ratio_to(item.spacing_um, wanted_um, item.name)
        try:
            image = rescaled(item.image, ratio)
        except DataError as error:
            raise DataError(f"{item.name}: {error}") from error
        # A mask of another shape is refused later, with its image; as it is it shows best what is wrong.
        fits = item.labels.shape == item.image.shape[:2]
        labels = nearest(item.labels, *image.shape[:2]) if fits else item.labels
        found.append(replace(item, image=image, labels=labels, spacing_um=wanted_um))
    first, before = found[0], items[0]
    sizes = [f"{image.shape[1]} x {image.shape[0]} px" for image in (before.image, first.image)]
    tell(f"images are resampled to pixels of {wanted_um[0]:g} um: {first.name} from {sizes[0]} to {sizes[1]}")
    return tuple(found)


def _resampled(array: Float[np.ndarray, "..."], shape: tuple[int, ...], axes: tuple[int, int]) -> Float[np.ndarray, "..."]:
    from scipy import ndimage

    shrunk = [max(0.0, (array.shape[axis] / shape[axis] - 1) / 2) if axis in axes else 0.0 for axis in range(array.ndim)]
    if any(shrunk):
        array = ndimage.gaussian_filter(array, shrunk, mode="nearest")
    zoom = [new / old for new, old in zip(shape, array.shape, strict=True)]
    result: np.ndarray = ndimage.zoom(array, zoom, order=1, mode="nearest", grid_mode=True)
    assert result.shape == shape
    return result
