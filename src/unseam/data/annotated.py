"""A folder of images and masks, read: one annotated image a pair, one a plane where they are stacks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from unseam.data.layout import Pair, find_pairs
from unseam.data.prepare import Annotated
from unseam.errors import DataError
from unseam.io import ImageFile, read_image, read_labels


def read_annotated(folder: Path, tell: Callable[[str], None] = lambda _: None) -> list[Annotated]:
    """Read every pair of a folder, in whichever common layout it is.

    Parameters
    ----------
    folder
        See :mod:`unseam.data.layout` for the layouts.
    tell
        Called with sentences on what was found and how files were read.

    Raises
    ------
    DataError
        If the folder holds no pairs, or a pair does not go together.
    ImageReadError, LabelError
        If a file cannot be read; names it.
    """
    found = find_pairs(folder)
    tell(f"{len(found.pairs)} annotated image(s) in {folder}: {found.layout}")
    for note in found.notes:
        tell(note)
    said: set[str] = set()
    annotated: list[Annotated] = []
    for pair in found.pairs:
        images, masks = _image(pair), _mask(pair)
        for note in (*images.notes, *masks.notes):
            if note not in said:  # once, not once an image
                said.add(note)
                tell(f"{pair.name}: {note}")
        annotated += _planes(pair, images, masks)
    return annotated


def _planes(pair: Pair, images: ImageFile, masks: ImageFile) -> list[Annotated]:
    image_planes, mask_planes = images.planes(), masks.planes()
    if len(image_planes) != len(mask_planes):
        raise DataError(
            f"{pair.name}: the image has {len(image_planes)} plane(s), its mask {len(mask_planes)}. "
            "Both must have the same planes."
        )
    if len(image_planes) == 1:
        return [Annotated(pair.name, image_planes[0], mask_planes[0], images.spacing_um)]
    return [
        Annotated(f"{pair.name} plane {i}", image, mask, images.spacing_um)
        for i, (image, mask) in enumerate(zip(image_planes, mask_planes, strict=True))
    ]
