"""Read the files of an annotated image: join channels, merge objects, check that image and mask have the same size."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int32, Integer

from unseam.data.channels import is_grey_saved_as_colour, planes_hint
from unseam.data.markers import drop_unmasked
from unseam.data.mask_colours import settle_masks
from unseam.data.pairs import Pair
from unseam.errors import DataError
from unseam.io import ImageFile, read_image, read_labels

FOR_GREY = "the model was trained on one channel"
_MOST_CHANNELS = 64  # a deep stack is no image of channels


def read_pair(pair: Pair) -> tuple[ImageFile, ImageFile]:
    """Read image and mask of a pair; both have the same number of planes, rows and columns.

    Raises
    ------
    DataError
        Image and mask do not match; names the files and their sizes.
    ImageReadError, LabelError
        A file cannot be read.
    """
    image, mask = read_case(pair.images), read_mask(pair.masks)
    if pair.markers is not None:
        mask = _drop_unmasked(mask, pair.markers)
    num_planes = len(mask.planes())
    if len(image.planes()) == 1 and num_planes == image.num_channels > 1 and image.axes == "CYX":
        image = image.channels_as_planes("the mask has as many planes")
    if len(image.planes()) != num_planes:
        may_be_channels = num_planes == 1 and image.num_channels == 1 and len(image.planes()) <= _MOST_CHANNELS
        raise DataError(
            f"{pair.image} has {len(image.planes())} plane(s), its mask {pair.mask} has {num_planes}. Both must have the same "
            f"number of planes: annotate every plane, or remove planes without annotation."
            + (planes_hint(len(image.planes())) if may_be_channels else "")
        )
    if (image.height, image.width) != (mask.height, mask.width):
        raise DataError(
            f"{pair.image} has {image.height} x {image.width} px, its mask {pair.mask} {mask.height} x {mask.width} px. Both "
            "must have the same rows and columns: check that they belong together, and that neither was rotated or scaled."
        )
    return image, mask


def read_case(paths: Sequence[Path]) -> ImageFile:
    """Read an image from one file, or from one file per channel; raise DataError if the channels do not match."""
    return _join_channels([read_image(path) for path in paths])


def read_mask(paths: Sequence[Path]) -> ImageFile:
    """Read a mask from one file, or from one file per object; raise DataError if the objects do not match."""
    return _merge_files([read_labels(path) for path in paths])


def as_model_reads(image: ImageFile, in_channels: int) -> ImageFile:
    """Read channels that precede the rows as planes of a stack if the model was trained on grey images (one channel)."""
    if in_channels == 1 and image.axes == "CYX" and not is_grey_saved_as_colour(image.planes()[0]):
        return image.channels_as_planes(FOR_GREY)
    return image


def _drop_unmasked(mask: ImageFile, markers: Path) -> ImageFile:
    marked = read_labels(markers)
    if marked.axes != "YX" or mask.axes != "YX" or marked.pixels.shape != mask.pixels.shape:
        raise DataError(
            f"{markers} ({marked.axes}, {marked.pixels.shape}) marks the cells of {mask.path} ({mask.axes}, "
            f"{mask.pixels.shape}); both must be maps of the same size. Correct it, or move the folder {markers.parent} away."
        )
    pixels, num_unmasked = drop_unmasked(mask.pixels, marked.pixels)
    if not num_unmasked:
        return mask
    note = f"cells with a marker in {markers.parent.name} but no mask count as not annotated, with the pixels around them"
    return replace(mask, pixels=pixels, notes=(*mask.notes, note))


def _join_channels(files: Sequence[ImageFile]) -> ImageFile:
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


def _merge_files(files: Sequence[ImageFile]) -> ImageFile:
    if len(files) == 1:
        return files[0]
    files = [settle_masks([file])[0] for file in files]
    first = files[0]
    for file in files:
        if file.axes != "YX" or file.pixels.shape != first.pixels.shape:
            raise DataError(
                f"{file.path} ({file.axes}, {file.pixels.shape}) and {first.path} ({first.axes}, "
                f"{first.pixels.shape}) are objects of one image; they must be maps of the same size."
            )
    instances, num_shared = merge_objects([file.pixels for file in files])
    notes = (f"{num_shared:,} px belong to two objects and count for the first",) if num_shared else ()
    return replace(first, pixels=instances, notes=notes)


def merge_objects(maps: Sequence[Integer[np.ndarray, "height width"]]) -> tuple[Int32[np.ndarray, "height width"], int]:
    """Merge maps of one object each, above 0 at the object, into an instance map numbered in their order.

    A pixel of several objects goes to the first; also return the number of such pixels, counted once per further object.

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
