"""Objects from a class map: each connected piece of a class is one."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from unseam.errors import DataError
from unseam.io.calibration import UNKNOWN
from unseam.io.image_file import ImageFile
from unseam.io.large import LargeImage
from unseam.io.large.stored_image import StoredImage, held_image
from unseam.measuring.windows import read_numbers

_MOST = 2**28  # px


def with_pieces(class_map: LargeImage) -> tuple[StoredImage, LargeImage]:
    """Number the connected pieces of each class but 0, plane by plane; pixels join at sides. Return them and the class map.

    Raises DataError if the map is too large to be numbered in memory.
    """
    size = class_map.num_planes * class_map.height * class_map.width
    if size > _MOST:
        raise DataError(
            f"{class_map.path} has {size:,} px, and pieces are numbered in memory, for up to {_MOST:,}. Predict it with --save "
            "instances, which numbers objects chunk by chunk."
        )
    whole = slice(0, class_map.height), slice(0, class_map.width)
    planes = [numbered_pieces(read_numbers(class_map, plane, whole)) for plane in range(class_map.num_planes)]
    pixels = np.stack(planes).reshape(*class_map.plane_shape, class_map.height, class_map.width)
    file = ImageFile(pixels, class_map.plane_axes + "YX", UNKNOWN, class_map.path)
    return held_image(replace(file, calibration=class_map.calibration)), class_map


def numbered_pieces(classes: np.ndarray) -> np.ndarray:
    """Number the pieces of a class map from 1 on: class after class, each in the order of its rows.

    >>> numbered_pieces(np.array([[1, 0, 2], [1, 0, 1]])).tolist()
    [[1, 0, 3], [1, 0, 2]]
    """
    result = np.zeros(classes.shape, np.int32)
    number = 0
    for value in np.unique(classes[classes > 0]).tolist():
        found, more = ndimage.label(classes == value)
        result += np.where(found > 0, found + number, 0).astype(np.int32)
        number += more
    return result
