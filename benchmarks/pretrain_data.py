"""Samples for ``pretrain.py``: every image in one channel, at the size that the network expects, with its share held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.measure import label, regionprops

from few_images_rows import NUCLEI as FEW_NUCLEI
from pretrain_sets import PretrainingSet
from unseam.data.annotated import read_annotated
from unseam.data.grey_facts import ENOUGH, diameters
from unseam.data.normalise import Normalise
from unseam.data.one_channel import one_channel
from unseam.data.prepare import Annotated, Prepared, prepare
from unseam.data.rescale import nearest, rescaled
from unseam.data.weight_map import WeightMap

NOT_ANNOTATED = 2**20
"""Value in the masks made here; no mask of the table holds this number of objects."""

NEAR = 0.5
"""In a partial set, background is taken to be known this many object diameters around an object."""

SOLID = 0.92
"""Pieces that fill less of their convex hull are probably several touching objects, and are not annotated."""

MOST_PX = 1024
"""Larger images are cut to their middle, so that no image outweighs others and memory stays small."""

FACTORS = (0.12, 3.0)
NATIVE_PX = (16.0, 48.0)
"""A start is trained at the pixels of the images, unless the objects of the set are smaller or larger than this."""


@dataclass(frozen=True)
class SetOfImages:
    """A set with its images on two sides, in the pixels of the files."""

    about: PretrainingSet
    training: tuple[Annotated, ...]
    held_out: tuple[Annotated, ...]


def read_set(folder: Path, about: PretrainingSet) -> SetOfImages:
    """Read a folder, reduce its images to one channel, and part it by origin."""
    read = read_annotated(folder, masks="classes" if about.kind in ("classes", "pieces") else "instances").images
    items = [replace(item, image=one_channel(item.image), labels=objects_of(item.labels, about)) for item in read]
    held = held_out_names([item.name for item in items], about)
    sides = [tuple(item for item in items if (item.name in held) == side) for side in (False, True)]
    return SetOfImages(about, *sides)


def held_out_names(names: Sequence[str], about: PretrainingSet) -> set[str]:
    """The names that training never sees; all images of an origin are on one side."""
    if about.name == FEW_NUCLEI.name:  # its test images are those of the other benchmarks
        _, tested = FEW_NUCLEI.split(sorted(names))
        rest = sorted(name for name in names if not name.startswith("fluo_"))
        return {*tested, *rest[::5]}
    return {name for name in names if about.origin_of(name) in about.held_out}


def objects_of(mask: np.ndarray, about: PretrainingSet) -> np.ndarray:
    """Numbers of objects (H, W), or classes; ``NOT_ANNOTATED`` where the set does not say what is there."""
    if about.kind == "classes":
        return mask
    found = mask.astype(np.int32)
    if about.kind == "pieces":
        found = label(mask > 0, connectivity=1).astype(np.int32)
        for piece in regionprops(found):
            if piece.solidity < SOLID:
                found[piece.slice][piece.image] = NOT_ANNOTATED
    if about.partial and (found > 0).any():
        near = NEAR * float(np.median(diameters_of(found)))
        found[ndimage.distance_transform_edt(found == 0) > near] = NOT_ANNOTATED
    return found


def diameters_of(objects: np.ndarray) -> np.ndarray:
    areas = np.bincount(np.where(objects == NOT_ANNOTATED, 0, objects).ravel().astype(np.int64))[1:]
    return np.asarray(diameters(areas))


def factor_of(item: Annotated, about: PretrainingSet, object_px: float | None, of_set: float | None) -> float:
    """By how much an image grows. ``object_px``: its objects get that median diameter; None: about its own pixels.

    ``of_set`` is the median diameter in the set, for images with few objects.
    """
    if about.kind == "classes" or about.native != 1.0 or of_set is None:
        return about.native
    if object_px is None:
        return float(np.clip(of_set, *NATIVE_PX)) / of_set
    own = diameters_of(item.labels)
    return float(np.clip(object_px / (np.median(own) if own.size >= ENOUGH else of_set), *FACTORS))


def median_of_set(items: Sequence[Annotated], about: PretrainingSet) -> float | None:
    if about.kind == "classes" or not items:
        return None
    return float(np.median(np.concatenate([diameters_of(item.labels) for item in items])))


def resampled(item: Annotated, factor: float) -> Annotated:
    image = rescaled(item.image, (factor, factor))
    return replace(item, image=image, labels=nearest(item.labels, *image.shape[:2]), spacing_um=None)


def middle(item: Annotated, side: int = MOST_PX) -> Annotated:
    """The middle of an image, at most ``side`` px high and wide."""
    at = tuple(slice(max(0, (n - side) // 2), max(0, (n - side) // 2) + side) for n in item.labels.shape)
    return replace(item, image=item.image[at], labels=item.labels[at])


def prepare_set(
    read: SetOfImages, object_px: float | None, weight_map: WeightMap, tell: Callable[[str], None] = lambda _: None
) -> Prepared:
    """The training images of a set as samples, by the product's own parts."""
    about, of_set = read.about, median_of_set(read.training, read.about)
    items = []
    for item in read.training:
        one = middle(resampled(item, factor_of(item, about, object_px, of_set)))
        known = one.labels != NOT_ANNOTATED
        if known.any() and (one.labels[known] > 0).any():
            items.append(one)
    masks = "classes" if about.kind == "classes" else "instances"
    tell(f"{about.name}: {len(items)} images, median diameter {of_set or float('nan'):.1f} px before resampling")
    return prepare(items, Normalise(), weight_map, masks=masks, ignore=None if masks == "classes" else NOT_ANNOTATED)
