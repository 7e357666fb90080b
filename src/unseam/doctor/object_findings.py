"""Check objects: one number on two regions, touching objects, thin borders, specks, and sizes that do not suit the network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int32, Int64
from scipy import ndimage
from skimage.measure import label

from unseam.data.grey_facts import ENOUGH, SPECK_PX, diameters
from unseam.data.labels import LabelReading, to_instance_map
from unseam.doctor.finding import Finding, Place, shorten_list
from unseam.doctor.item import Labelled, unit
from unseam.heads.instance_map import checked_instance_map

_STRAY = 0.1  # share of its object that a second region needs; smaller ones are stray pixels
_STRAY_PX = 10
_THIN = 0.1  # share of the objects that have a border of one pixel somewhere
_SMALL_PX = 5.0
_SIZES = 4.0


@dataclass(frozen=True, eq=False)
class Census:
    """The objects of one image.

    Attributes
    ----------
    sides
        Longer side of the bounding box of each object, px.
    num_touching, touch_at
        Objects that touch another with no background between, and a pixel where two touch.
    num_thin, thin_at
        Objects with a border of one pixel to another somewhere, and the first such border.
    split
        Number, row and column of the second region of each object that has two.
    """

    labelled: Labelled
    areas: Int64[np.ndarray, "objects"]
    sides: Int64[np.ndarray, "objects"]
    num_touching: int
    num_thin: int
    touch_at: tuple[int, int] | None
    thin_at: tuple[int, int] | None
    split: tuple[tuple[int, int, int], ...]

    @property
    def diameters(self) -> Float[np.ndarray, "objects"]:
        """Diameters of circles of the same areas, px, without specks."""
        return diameters(self.areas)

    @property
    def median_px(self) -> float | None:
        """Median diameter; None if there are too few objects."""
        return float(np.median(self.diameters)) if self.diameters.size >= ENOUGH else None


def count_objects(one: Labelled, reading: LabelReading) -> Census:
    """Count the objects of an image: object numbers, or the 4-connected pieces of a mask of two values."""
    if reading.has_objects:
        objects = checked_instance_map(to_instance_map(one.item.annotated.labels, reading))
    else:
        objects = ndimage.label(one.foreground)[0].astype(np.int32)
    objects = np.maximum(objects, 0)
    areas = np.bincount(objects.ravel())
    areas[0] = 0
    numbers = np.flatnonzero(areas)
    boxes = [box for box in ndimage.find_objects(objects) if box is not None]
    sides = [max(part.stop - part.start for part in box) for box in boxes]
    is_numbered = reading.has_objects
    touching, touch_at = _neighbours(objects, 1) if is_numbered else (0, None)
    thin, thin_at = _neighbours(objects, 2) if not is_numbered else (0, None)
    return Census(
        labelled=one,
        areas=areas[numbers].astype(np.int64),
        sides=np.array(sides, np.int64),
        num_touching=touching,
        num_thin=thin,
        touch_at=touch_at,
        thin_at=thin_at,
        split=_split(objects, areas) if is_numbered else (),
    )


def check_objects(counted: Sequence[Census], reading: LabelReading, context: int) -> list[Finding]:
    """Check the objects of each image; ``context``: pixels that the network needs around its output."""
    counted = [census for census in counted if census.areas.size]
    if not counted:
        return []
    found = [_too_small(counted)]
    flat = [census for census in counted if not census.labelled.item.is_plane]  # a section cuts objects
    if flat:
        found += [_two_regions(flat), _specks(flat)]
    if reading.has_objects:
        found += [_touch(counted), _too_large(counted, context), _sizes(counted)]
    else:  # only background keeps the objects apart
        found.append(_thin_border(counted))
    return [finding for finding in found if finding is not None]


def _neighbours(objects: Int32[np.ndarray, "height width"], distance: int) -> tuple[int, tuple[int, int] | None]:
    """Count objects that have another at this distance along a row or column (1: they touch); return the first place, too."""
    neighbours: list[np.ndarray] = []
    at: tuple[int, int] | None = None
    for view in (objects, objects.T):
        near, far = view[:-distance], view[distance:]
        pairs = (near != far) & (near > 0) & (far > 0)
        if distance == 2:
            pairs &= view[1:-1] == 0
        rows, columns = np.nonzero(pairs)
        if not rows.size:
            continue
        neighbours += [near[rows, columns], far[rows, columns]]
        if at is None:
            first = int(rows[0]) + distance - 1, int(columns[0])
            at = first if view is objects else (first[1], first[0])
    return (int(np.unique(np.concatenate(neighbours)).size) if neighbours else 0), at


def _split(objects: Int32[np.ndarray, "height width"], areas: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    pieces, number = label(objects, background=0, connectivity=2, return_num=True)  # 8-connected: a diagonal is no gap
    if number == np.count_nonzero(areas):
        return ()
    sizes = np.bincount(pieces.ravel())
    firsts = np.zeros(number + 1, np.int64)
    flat = pieces.ravel()
    firsts[flat[::-1]] = np.arange(flat.size - 1, -1, -1)  # the last assignment wins, so backwards it is the first pixel
    owner = objects.ravel()[firsts]
    order = np.lexsort((-sizes[1:], owner[1:])) + 1  # by object, the largest piece first: it counts as the object itself
    others = [int(b) for a, b in pairwise(order) if owner[a] == owner[b]]
    second: dict[int, tuple[int, int, int]] = {}
    for piece in others:
        owned_by = int(owner[piece])
        if owned_by not in second and sizes[piece] >= max(_STRAY_PX, _STRAY * areas[owned_by]):
            second[owned_by] = (owned_by, *divmod(int(firsts[piece]), objects.shape[1]))
    return tuple(second.values())


def _part(guilty: Sequence[Census], counted: Sequence[Census]) -> str:
    return shorten_list(len(guilty), len(counted), unit([census.labelled.item for census in counted]))


def _masks(counted: Iterable[Census]) -> tuple[Place, ...]:
    return tuple(census.labelled.item.in_mask for census in counted)


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
        f"{number} of {total:,} object numbers are on two separate regions, {_part(guilty, counted)}; e.g. number "
        f"{first.split[0][0]} of {first.labelled.item.mask_file}",
        tuple(c.labelled.item.mask_at(row, column) for c in guilty for _, row, column in c.split),
        "two objects count as one: the network learns no border between them, and scores of objects are too low",
        "give each region its own number, unless something lies over one object and cuts it in two",
    )


def _touch(counted: Sequence[Census]) -> Finding | None:
    guilty = sorted((c for c in counted if c.num_touching), key=lambda c: -c.num_touching)
    number, total = sum(c.num_touching for c in guilty), sum(c.areas.size for c in counted)
    if number < 0.02 * total or not guilty:
        return None
    return Finding(
        "objects touch",
        "note",
        f"{number:,} of {total:,} objects touch another with no gap, {_part(guilty, counted)}",
        tuple(c.labelled.item.mask_at(*(c.touch_at or (None, None))) for c in guilty),
        "none: training separates them by a ridge of two pixels of background, and prediction fills it again",
        "nothing to do, because each has its own number; but enlarge objects that are only a few pixels wide",
    )


def _thin_border(counted: Sequence[Census]) -> Finding | None:
    guilty = sorted((c for c in counted if c.num_thin), key=lambda c: -c.num_thin)
    number, total = sum(c.num_thin for c in guilty), sum(c.areas.size for c in counted)
    if total < ENOUGH or number < _THIN * total:
        return None
    return Finding(
        "thin border",
        "note",
        f"{number:,} of {total:,} objects have a border of only one pixel to another, {_part(guilty, counted)}",
        tuple(c.labelled.item.mask_at(*(c.thin_at or (None, None))) for c in guilty),
        "the network easily misses so thin a border, and one missed pixel joins two objects",
        "give borders more weight: --set weight_map.w0=20; or paint them two pixels wide",
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
        f"{number:,} of {total:,} objects have {SPECK_PX} px or less, {_part(guilty, counted)}; half of the others have over "
        f"{_median_area(counted):.0f} px",
        _masks(guilty),
        "slips of the brush count as missed objects, and lower the smallest size that prediction keeps",
        "erase them (in Fiji: Analyze > Analyze Particles with a minimum size), or predict with --min-size",
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
        _masks(smallest),
        "nearly all of such an object is border, and a shift of one pixel misses it",
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
        f"{large:,} of {sides.size:,} objects are longer than the {seen} px that the network sees around a pixel, "
        f"{_part(guilty, counted)}; longest: {int(guilty[0].sides.max())} px",
        _masks(guilty),
        "in the middle of such an object, the network sees no border: expect holes and pieces",
        "shrink the images until objects fit, or let the network see farther: --set net.unet.depth=5",
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
        "a network knows only the sizes that it has seen, and learns badly those of few images",
        "bring the images to one pixel size, or annotate more images of the rarer size",
    )
