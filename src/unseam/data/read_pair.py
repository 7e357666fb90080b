"""An annotated image, from its files: channels joined, objects merged, image and mask of the same size."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int32, Integer

from unseam.data.markers import drop_unmasked
from unseam.data.pairs import Pair
from unseam.errors import DataError
from unseam.io import ImageFile, read_image, read_labels


def read_pair(pair: Pair) -> tuple[ImageFile, ImageFile]:
    """Read the files of a pair.

    Returns
    -------
    tuple of ImageFile
        Image and mask, with the same number of planes and the same rows and columns.

    Raises
    ------
    DataError
        If they do not go together; names the files and their sizes.
    ImageReadError, LabelError
        If a file cannot be read.
    """
    image, mask = read_case(pair.images), read_mask(pair.masks)
    if pair.markers is not None:
        mask = _without_unmasked(mask, pair.markers)
    num_planes = len(mask.planes())
    if len(image.planes()) == 1 and num_planes == image.num_channels > 1 and image.axes == "CYX":
        image = to_planes(image, "the mask has as many")
    if len(image.planes()) != num_planes:
        raise DataError(
            f"{pair.image} has {len(image.planes())} plane(s), its mask {pair.mask} has {num_planes}. Both must have "
            "the same: annotate every plane, or take out those without annotation."
        )
    if (image.height, image.width) != (mask.height, mask.width):
        raise DataError(
            f"{pair.image} has {image.height} x {image.width} px, its mask {pair.mask} {mask.height} x {mask.width}. "
            "Both must have the same rows and columns: check that they belong together, and that neither was turned "
            "or scaled."
        )
    return image, mask


def read_case(paths: Sequence[Path]) -> ImageFile:
    """Read an image from its file, or from a file for each of its channels.

    Raises
    ------
    DataError
        If the channels do not go together.
    ImageReadError
        If a file cannot be read.
    """
    return _joined([read_image(path) for path in paths])


def read_mask(paths: Sequence[Path]) -> ImageFile:
    """Read a mask from its file, or from a file for each of its objects.

    Raises
    ------
    DataError
        If the objects do not go together.
    ImageReadError, LabelError
        If a file cannot be read.
    """
    return _merged([read_labels(path) for path in paths])


def to_planes(image: ImageFile, why: str) -> ImageFile:
    """Take channels for planes, with a note: many programs write a plain stack as channels."""
    note = f"{image.num_channels} channels are taken as planes, for {why}"
    return replace(image, axes=image.axes.replace("C", "Z"), notes=(*image.notes, note))


def _without_unmasked(mask: ImageFile, markers: Path) -> ImageFile:
    """The mask with "not annotated" round cells that are only marked."""
    marked = read_labels(markers)
    if marked.axes != "YX" or mask.axes != "YX" or marked.pixels.shape != mask.pixels.shape:
        raise DataError(
            f"{markers} ({marked.axes}, {marked.pixels.shape}) marks the cells of {mask.path} ({mask.axes}, "
            f"{mask.pixels.shape}); both must be maps of the same size. Correct it, or move the folder {markers.parent} away."
        )
    pixels, num_unmasked = drop_unmasked(mask.pixels, marked.pixels)
    if not num_unmasked:
        return mask
    note = f"cells with a marker in {markers.parent.name} but no mask count as not annotated, and so does what is around them"
    return replace(mask, pixels=pixels, notes=(*mask.notes, note))


def _joined(files: Sequence[ImageFile]) -> ImageFile:
    """Files of one channel each as one image with channels."""
    if len(files) == 1:
        return files[0]
    first = files[0]
    for file in files:
        if file.axes != first.axes or file.pixels.shape != first.pixels.shape or "C" in file.axes:
            raise DataError(
                f"{file.path} ({file.axes}, {file.pixels.shape}) and {first.path} ({first.axes}, "
                f"{first.pixels.shape}) are channels of one image; they must have the same size and one channel each."
            )
    pixels = np.stack([file.pixels for file in files], axis=-1)
    return replace(first, pixels=pixels, axes=first.axes + "C")


def _merged(files: Sequence[ImageFile]) -> ImageFile:
    """Files of one object each as one instance map."""
    if len(files) == 1:
        return files[0]
    first = files[0]
    for file in files:
        if file.axes != "YX" or file.pixels.shape != first.pixels.shape:
            raise DataError(
                f"{file.path} ({file.axes}, {file.pixels.shape}) and {first.path} ({first.axes}, "
                f"{first.pixels.shape}) are objects of one image; they must be maps of the same size."
            )
    instances, num_shared = merge_objects([file.pixels for file in files])
    notes = (f"{num_shared:,} px belong to two objects; the first has them",) if num_shared else ()
    return replace(first, pixels=instances, notes=notes)


def merge_objects(maps: Sequence[Integer[np.ndarray, "height width"]]) -> tuple[Int32[np.ndarray, "height width"], int]:
    """Merge maps of one object each into an instance map.

    Parameters
    ----------
    maps
        Other than 0 where the object is; the order gives the numbers, and pixels of two objects go to the first.

    Returns
    -------
    tuple of array and int
        The instance map, and the number of pixels that belong to several objects.

    >>> merge_objects([np.array([[255, 255, 0]]), np.array([[0, 255, 255]])])
    (array([[1, 1, 2]], dtype=int32), 1)
    """
    instances = np.zeros(maps[0].shape, np.int32)
    num_shared = 0
    for number, labels in enumerate(maps, 1):
        inside = labels > 0
        num_shared += int((instances[inside] > 0).sum())
        instances[inside & (instances == 0)] = number
    return instances, num_shared
