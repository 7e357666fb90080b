"""Objects through a border class, as most users of networks for classes do: 0 background, 1 inside, 2 border of 2 px."""

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

BORDER = 2


def with_borders(objects: np.ndarray) -> np.ndarray:
    """Return the three classes. The border of an object whose inside would vanish is narrower, or absent."""
    present = np.unique(objects[objects > 0])
    classes = (objects > 0).astype(np.uint8) * 2
    for width in range(BORDER, -1, -1):
        side = 2 * width + 1
        inside = (ndimage.minimum_filter(objects, side) == objects) & (ndimage.maximum_filter(objects, side) == objects)
        classes[inside & np.isin(objects, present)] = 1
        present = np.setdiff1d(present, objects[classes == 1])
    return classes


def from_borders(probabilities: np.ndarray, smallest: int = 0) -> np.ndarray:
    """Return objects from (3, H, W): parts of the inside are seeds that grow over the foreground; small ones are dropped."""
    classes = probabilities.argmax(0)
    seeds, _ = ndimage.label(classes == 1)
    objects = watershed(-probabilities[1], seeds, mask=classes > 0)
    sizes = np.bincount(objects.ravel())
    return np.where(sizes[objects] >= smallest, objects, 0)


def smallest_of(masks: list[np.ndarray]) -> int:
    """Pixels of the smallest annotated object; 0 if there is none."""
    sizes = [np.unique(mask[mask > 0], return_counts=True)[1] for mask in masks]
    return int(min((size.min() for size in sizes if size.size), default=0))
