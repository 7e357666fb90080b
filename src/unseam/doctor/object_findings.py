"""Objects: one number on two regions, objects that touch, thin borders, specks, and sizes that the network cannot see."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int32, Int64
from scipy import ndimage
from skimage.measure import label

from unseam.data.grey_facts import ENOUGH, SPECK_PX, diameters
from unseam.data.labels import LabelReading, to_instance_map
from unseam.doctor.finding import Finding, shorten_list
from unseam.doctor.item import Labelled, unit
from unseam.heads.instance_map import checked_instance_map

_STRAY = 0.1  # a second region of at least this share of its object is no stray pixel
_STRAY_PX = 10
_THIN = 0.1  # share of the objects that have a border of one pixel somewhere
_SMALL_PX = 5.0
_COMPACT = 0.35  # of its bounding box; a network of membranes is no object
_SIZES = 4.0


@dataclass(frozen=True, eq=False)
class Census:
    """The objects of one image.

    Attributes
    ----------
    areas, sides, is_compact
        Of each object: px, longer side of its bounding box in px, and whether it fills a good part of that box.
    num_touching, touch_at
        Objects that touch another (no background between), and a pixel where two touch.
    num_thin, thin_at
        Objects that have a border of one pixel to another somewhere, and the first such border.
    split
        Object number and a pixel of its second region, for each that has two.
    """

    labelled: Labelled
    areas: Int64[np.ndarray, "objects"]
    sides: Int64[np.ndarray, "objects"]
    is_compact: np.ndarray
    num_touching: int
    num_thin: int
    touch_at: tuple[int, int] | None
    thin_at: tuple[int, int] | None
    split: tuple[tuple[int, int, int], ...]

    @property
    def diameters(self) -> Float[np.ndarray, "objects"]:
        """Diameters of circles of the same areas, px; without specks."""
        return diameters(self.areas)

    @property
    def median_px(self) -> float | None:
        """Median diameter; None if there are too few objects."""
        return float(np.median(self.diameters)) if self.diameters.size >= ENOUGH else None


def count_objects(one: Labelled, reading: LabelReading) -> Census:
    """Count the objects of an image: by their numbers, or the 4-connected pieces of a mask of two values."""
    if reading.has_objects:
        objects = checked_instance_map(to_instance_map(one.item.annotated.labels, reading))
    else:
        objects = ndimage.label(one.foreground)[0].astype(np.int32)
    objects = np.maximum(objects, 0)
    areas = np.bincount(objects.ravel())
    areas[0] = 0
    numbers = np.flatnonzero(areas)
    boxes = [box for box in ndimage.find_objects(objects) if box is not None]
    heights = np.array([box[0].stop - box[0].start for box in boxes], np.int64)
    widths = np.array([box[1].stop - box[1].start for box in boxes], np.int64)
    is_numbered = reading.has_objects
    touching, touch_at = _neighbours(objects, 1) if is_numbered else (0, None)
    thin, thin_at = _neighbours(objects, 2) if not is_numbered else (0, None)
    return Census(
        labelled=one,
        areas=areas[numbers].astype(np.int64),
        sides=np.maximum(heights, widths),
        is_compact=areas[numbers] >= _COMPACT * heights * widths,
        num_touching=touching,
        num_thin=thin,
        touch_at=touch_at,
        thin_at=thin_at,
        split=_split(objects, areas) if is_numbered else (),
    )


def check_objects(counted: Sequence[Census], reading: LabelReading, context: int) -> list[Finding]:
    """All findings on objects.

    Parameters
    ----------
    counted
        One for each image.
    reading
        Of the masks: instances or binary.
    context
        Pixels that the network needs around its output.
    """
    counted = [census for census in counted if census.areas.size]
    if not counted:
        return []
    is_instances = reading.has_objects
    found = [_too_small(counted)]
    flat = [census for census in counted if not census.labelled.item.is_plane]  # a section through one object may be anything
    if flat:
        found += [_two_regions(flat), _specks(flat)]
    if is_instances:
        found += [_touch(counted), _too_large(counted, context), _sizes(counted)]
    else:  # only the border keeps them apart
        found.append(_thin_border(counted))
    return [finding for finding in found if finding is not None]


def _neighbours(objects: Int32[np.ndarray, "height width"], distance: int) -> tuple[int, tuple[int, int] | None]:
    """Number of objects that have another at this distance along a row or column (1: they touch), and the first place."""
    met: list[np.ndarray] = []
    at: tuple[int, int] | None = None
    for view in (objects, objects.T):
        near, far = view[:-distance], view[distance:]
        pairs = (near != far) & (near > 0) & (far > 0)
        if distance == 2:
            pairs &= view[1:-1] == 0
        rows, columns = np.nonzero(pairs)
        if not rows.size:
            continue
        met += [near[rows, columns], far[rows, columns]]
        if at is None:
            first = int(rows[0]) + distance - 1, int(columns[0])
            at = first if view is objects else (first[1], first[0])
    return (int(np.unique(np.concatenate(met)).size) if met else 0), at


def _split(objects: Int32[np.ndarray, "height width"], areas: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    pieces, number = label(objects, background=0, connectivity=2, return_num=True)
    if number == np.count_nonzero(areas):
        return ()
    sizes = np.bincount(pieces.ravel())
    firsts = np.zeros(number + 1, np.int64)
    flat = pieces.ravel()
    firsts[flat[::-1]] = np.arange(flat.size - 1, -1, -1)
    owner = objects.ravel()[firsts]
    order = np.lexsort((-sizes[1:], owner[1:])) + 1
    second = [int(b) for a, b in pairwise(order) if owner[a] == owner[b]]
    kept = {}
    for piece in second:
        number_of = int(owner[piece])
        if number_of not in kept and sizes[piece] >= max(_STRAY_PX, _STRAY * areas[number_of]):
            row, column = divmod(int(firsts[piece]), objects.shape[1])
            kept[number_of] = (number_of, row, column)
    return tuple(kept.values())


def _unit(counted: Sequence[Census]) -> str:
    return unit([census.labelled.item for census in counted])


def _two_regions(counted: Sequence[Census]) -> Finding | None:
    guilty = sorted((c for c in counted if c.split), key=lambda c: -len(c.split))
    if not guilty:
        return None
    number = sum(len(c.split) for c in guilty)
    total = sum(c.areas.size for c in counted)
    first = guilty[0]
    return Finding(
        "one number, two regions",
        "hurts" if number > 0.02 * total else "note",
        f"{number} of {total:,} object numbers are on two separate regions, "
        f"{shorten_list(len(guilty), len(counted), _unit(counted))}; "
        f"e.g. number {first.split[0][0]} of {first.labelled.item.mask_file}",
        tuple(c.labelled.item.mask_at(row, column) for c in guilty for _, row, column in c.split),
        "two objects count as one: no border is learnt between them, and scores of objects are too low",
        "give each region a number of its own, unless it is one object cut by something that lies over it",
    )


def _touch(counted: Sequence[Census]) -> Finding | None:
    guilty = sorted((c for c in counted if c.num_touching), key=lambda c: -c.num_touching)
    number, total = sum(c.num_touching for c in guilty), sum(c.areas.size for c in counted)
    if number < 0.02 * total or not guilty:
        return None
    return Finding(
        "objects touch",
        "note",
        f"{number:,} of {total:,} objects touch another with no gap, {shorten_list(len(guilty), len(counted), _unit(counted))}",
        tuple(c.labelled.item.mask_at(*(c.touch_at or (None, None))) for c in guilty),
        "training parts them by a ridge of two pixels of background, and prediction gives it back",
        "nothing to do: each has its own number; objects only a few pixels wide are better enlarged",
    )


def _thin_border(counted: Sequence[Census]) -> Finding | None:
    guilty = sorted((c for c in counted if c.num_thin), key=lambda c: -c.num_thin)
    number, total = sum(c.num_thin for c in guilty), sum(c.areas.size for c in counted)
    if total < ENOUGH or number < _THIN * total:
        return None
    return Finding(
        "thin border",
        "note",
        f"{number:,} of {total:,} objects have a border of one pixel to another somewhere, "
        f"{shorten_list(len(guilty), len(counted), _unit(counted))}",
        tuple(c.labelled.item.mask_at(*(c.thin_at or (None, None))) for c in guilty),
        "so thin a border is easily missed, and one missed pixel melts two objects into one",
        "weigh borders more: --set weight_map.w0=20; or paint them two pixels wide",
    )


def _specks(counted: Sequence[Census]) -> Finding | None:
    def specks(census: Census) -> int:
        is_speck = census.areas <= SPECK_PX
        others = census.areas[~is_speck]
        return int(is_speck.sum()) if others.size and float(np.median(others)) > 10 * SPECK_PX else 0

    guilty = sorted((c for c in counted if specks(c)), key=lambda c: -specks(c))
    number, total = sum(map(specks, guilty)), sum(c.areas.size for c in counted)
    if number < max(3, 0.01 * total):
        return None
    return Finding(
        "specks",
        "note",
        f"{number:,} of {total:,} have {SPECK_PX} px or less, {shorten_list(len(guilty), len(counted), _unit(counted))}; "
        f"half of the others have over {_median_area(counted):.0f}",
        tuple(c.labelled.item.in_mask for c in guilty),
        "slips of the brush: they count as objects that were missed, and lower the smallest size that is kept",
        "erase them (in Fiji: Analyze > Analyze Particles with a least size), or predict with --min-size",
    )


def _median_area(counted: Sequence[Census]) -> float:
    areas = np.concatenate([census.areas for census in counted])
    return float(np.median(areas[areas > SPECK_PX]))


def _too_small(counted: Sequence[Census]) -> Finding | None:
    diameters = np.concatenate([c.diameters for c in counted])
    if diameters.size < ENOUGH or float(np.median(diameters)) >= _SMALL_PX:
        return None
    smallest = sorted(counted, key=lambda c: c.median_px or np.inf)
    return Finding(
        "objects too small",
        "hurts",
        f"half of the {diameters.size:,} objects are less than {_SMALL_PX:.0f} px across",
        tuple(c.labelled.item.in_mask for c in smallest),
        "of so few pixels most are border; a shift of one pixel is a miss",
        "enlarge images and masks two- to threefold before training (masks without interpolation)",
    )


def _too_large(counted: Sequence[Census], context: int) -> Finding | None:
    seen = 2 * context + 1
    sides = np.concatenate([c.sides for c in counted])
    large = int((sides > seen).sum())
    if large < max(1, 0.1 * sides.size):
        return None
    guilty = sorted((c for c in counted if (c.sides > seen).any()), key=lambda c: -int(c.sides.max()))
    return Finding(
        "objects too large",
        "hurts" if 2 * large >= sides.size else "note",
        f"{large:,} of {sides.size:,} objects are longer than the {seen} px that the network sees round a pixel, "
        f"{shorten_list(len(guilty), len(counted), _unit(counted))}; longest: {int(guilty[0].sides.max())} px",
        tuple(c.labelled.item.in_mask for c in guilty),
        "in the middle of such an object no border is in sight: expect holes and pieces",
        "shrink the images until objects fit, or let it see farther: --set net.unet.depth=5",
    )


def _sizes(counted: Sequence[Census]) -> Finding | None:
    known = sorted(((c.median_px, c) for c in counted if c.median_px is not None), key=lambda pair: pair[0])
    if len(known) < 2 or known[-1][0] / known[0][0] < _SIZES:
        return None
    (least, small), (most, large) = known[0], known[-1]
    return Finding(
        "object sizes differ",
        "note",
        f"median diameters go from {least:.0f} px ({small.labelled.item.mask_file}) to {most:.0f} px "
        f"({large.labelled.item.mask_file})",
        (small.labelled.item.in_mask, large.labelled.item.in_mask),
        "a network knows the sizes that it met; few images of one size are few for that size",
        "bring images to one pixel size, or see that each kind is there in number",
    )
