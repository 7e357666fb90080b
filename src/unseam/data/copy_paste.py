"""Copy and paste: objects of the training images appear, with the background round them, at free places of the others.

A few images hold many objects but few neighbourhoods. Each image is arranged anew every some steps::

    groups                      a place that is free              blended over the background round the objects
    objects whose surroundings  no object, and no pixel that is   share of the copy: 1 in the objects, falling to 0
    meet; they stay together    not annotated, within the gap;    at the end of their surroundings
                                a background as bright

The targets and the weight map of Eq. 2 are computed again, from the objects as they then lie: a copy that touches an object
is parted from it by a ridge.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float64, Int32
from scipy import ndimage

from unseam.data.sample import Sample, Window
from unseam.data.weight_map import WeightMap
from unseam.errors import SettingsError
from unseam.heads import Head, Labels
from unseam.settings import check_range
from unseam.shapes import IGNORE, NOT_ANNOTATED

_TRIES = 20  # places to try for each copy
_MOST_PIXELS = 2**24  # px; of a larger image, a second copy could take too much memory

MakeTargets = Callable[[Sample], Sample]
"""Give a sample the targets and the weight map that belong to its objects."""


@dataclass(frozen=True)
class CopyPaste:
    """How objects are copied from training image to training image; for masks that number objects.

    Images of more than 16,777,216 px stay as they are, and nothing is copied from them.

    Attributes
    ----------
    copies
        Mean number of copies, for each group of objects that an image of its size holds on average; 0 to 10.
    surroundings
        Px of background that are copied along and blended with the place; 1 to 100. Objects whose surroundings meet are
        copied together, so where all objects are close to each other there is little to copy.
    gap
        Least px of background between a copy and another object; 0: they may touch. At most ``surroundings``.
    match
        Largest difference, in normalised grey values, between the background round the objects and that of the place (the
        median of each channel); 0.01 to 1. The copy is shifted by the difference, so objects of a dark field and of a bright
        field stay apart.
    every
        Number of steps after which an image is arranged anew.
    turn
        Turn and mirror copies at random, by whole pixels.

    **Departs:** not in the paper, and in no recipe.
    """

    copies: float = 0.5
    surroundings: int = 6
    gap: int = 1
    match: float = 0.1
    every: int = 100
    turn: bool = True

    def __post_init__(self) -> None:
        check_range("paste", "copies", self.copies, 0.0, 10.0)
        check_range("paste", "surroundings", self.surroundings, 1, 100)
        check_range("paste", "gap", self.gap, 0, self.surroundings)
        check_range("paste", "match", self.match, 0.01, 1.0)
        check_range("paste", "every", self.every, 1, 1_000_000)


@dataclass(frozen=True)
class Group:
    """Objects that are copied together: their numbers, and a window with them and all their surroundings."""

    numbers: tuple[int, ...]
    window: Window


@dataclass(frozen=True)
class Copy:
    """A group as it is pasted."""

    image: Float[np.ndarray, "channel height width"]
    objects: Int32[np.ndarray, "height width"]  # 1 and up; 0 elsewhere
    distance: Float64[np.ndarray, "height width"]  # px to the nearest of its objects
    background: Float[np.ndarray, "channel"]  # the median grey value

    def turned(self, quarter_turns: int, *, mirrored: bool) -> "Copy":
        """Turn it anticlockwise, and then reverse its columns if it is mirrored."""
        step = -1 if mirrored else 1
        parts = (self.image, self.objects, self.distance)
        image, objects, distance = (np.rot90(part, quarter_turns, axes=(-2, -1))[..., ::step] for part in parts)
        return Copy(image, objects, distance, self.background)


class PastedSamples:
    """Training images with copies of each other's objects; an arrangement depends on the seed, the image and the step alone.

    Parameters
    ----------
    samples
        Training images; nothing is copied from or to pixels that are not annotated.
    make_targets
        What :func:`targets_from_objects` does, for the head and the weight map of the run.

    Raises
    ------
    SettingsError
        No image has numbered objects.
    """

    def __init__(self, samples: Sequence[Sample], settings: CopyPaste, make_targets: MakeTargets, seed: int) -> None:
        if all(sample.instances is None for sample in samples):
            raise SettingsError(
                "paste: copies are made of objects, but these masks do not number them. Leave paste out (paste=false), or set "
                "data.masks to 'instances' if each number is one object."
            )
        self._samples, self._settings, self._make_targets, self._seed = tuple(samples), settings, make_targets, seed
        self._groups = [
            (sample, group)
            for sample in samples
            if sample.instances is not None and _is_small(sample)
            for group in find_groups(sample.instances, settings.surroundings)
        ]
        self._density = len(self._groups) / max(1, sum(s.window.num_pixels for s in samples if _is_small(s)))

    @property
    def reason(self) -> str:
        """A sentence for the user on what can be copied."""
        if not self._groups:
            size = f"images of at most {_MOST_PIXELS:,} px"
            return f"copy and paste: no objects lie free of others and of the border in {size}, so nothing is copied"
        objects = sum(len(group.numbers) for _, group in self._groups)
        return f"copy and paste: {objects} objects, in {len(self._groups)} groups, are copied"

    def arrangement(self, index: int, step: int) -> int:
        """Return the number of the arrangement of an image at a step; images change in turn, so that no step waits for all."""
        return (step + index * self._settings.every // len(self._samples)) // self._settings.every

    def sample(self, index: int, arrangement: int) -> Sample:
        """Make an arrangement of an image."""
        sample = self._samples[index]
        if sample.instances is None or not self._groups or not _is_small(sample):
            return sample
        rng = np.random.default_rng([self._seed, 4, index, arrangement])
        image, objects = sample.image.copy(), sample.instances.copy()
        taken = ndimage.distance_transform_edt(objects == 0) <= self._settings.gap if (objects == 0).any() else objects != 0
        number = rng.poisson(self._settings.copies * self._density * sample.window.num_pixels)
        pasted = [self._paste_one(image, objects, taken, rng) for _ in range(number)]
        if not any(pasted):
            return sample
        return self._with_targets(sample, replace(sample, image=image, instances=objects))

    def _paste_one(
        self,
        image: Float[np.ndarray, "channel height width"],
        objects: Int32[np.ndarray, "height width"],
        taken: Bool[np.ndarray, "height width"],
        rng: np.random.Generator,
    ) -> bool:
        """Paste a copy of a group at a free place, if one of some random places is free; return whether it was."""
        copy = cut_copy(*self._groups[rng.integers(len(self._groups))])
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        if self._settings.turn:
            copy = copy.turned(turns, mirrored=mirrored)
        height, width = copy.objects.shape
        rows, columns = (size - own + 1 for size, own in zip(objects.shape, copy.objects.shape, strict=True))
        if rows < 1 or columns < 1:
            return False
        for _ in range(_TRIES):
            top, left = int(rng.integers(rows)), int(rng.integers(columns))
            there = Window(top, top + height, left, left + width).slices
            if taken[there][copy.objects > 0].any():
                continue
            shift = median_of(image[:, *there], objects[there] == 0) - copy.background
            if np.abs(shift).max() <= self._settings.match:
                paste(copy, image[:, *there], objects[there], self._settings.surroundings, shift, int(objects.max()))
                taken[there] |= copy.distance <= self._settings.gap
                return True
        return False

    def _with_targets(self, before: Sample, after: Sample) -> Sample:
        """Compute the targets again; where copies change nothing they stay.

        Objects that were left out because they reach into what is held out (:meth:`Sample.without`) still have targets.
        """
        made = self._make_targets(after)
        if not np.any(before.instances == NOT_ANNOTATED):
            return made
        plain = self._make_targets(before)
        pairs = [(plain.classes, made.classes), (plain.weights, made.weights), *zip(plain.planes, made.planes, strict=True)]
        changed = np.any([one != other for one, other in pairs], axis=0)
        planes = zip(made.planes, before.planes, strict=True)
        return replace(
            made,
            classes=np.where(changed, made.classes, before.classes),
            weights=np.where(changed, made.weights, before.weights),
            planes=tuple(np.where(changed, new, old) for new, old in planes),
        )


def targets_from_objects(sample: Sample, head: Head, weight_map: WeightMap, class_weights: Sequence[float]) -> Sample:
    """Return the sample with the targets and the weight map of its objects, made as in :func:`unseam.data.prepare.prepare`."""
    assert sample.instances is not None
    classes = (sample.instances > 0).astype(np.uint8)
    classes[sample.instances == NOT_ANNOTATED] = IGNORE
    targets = head.targets(Labels(classes, sample.instances))
    weights = weight_map(targets.classes, targets.cells, class_weights)
    return replace(sample, classes=targets.classes, weights=weights, planes=targets.planes)


def find_groups(objects: Int32[np.ndarray, "height width"], surroundings: int) -> list[Group]:
    """List the groups of objects that can be copied whole: with all their surroundings in the image, and annotated.

    ``objects``: 0 background, 1 and up objects, -1 not annotated. A pixel belongs to the surroundings of an object if it is
    at most ``surroundings`` px away. An object in pieces that lie apart is not copied.
    """
    if not (objects > 0).any():
        return []
    near = ndimage.distance_transform_edt(objects <= 0) <= surroundings
    pieces, _ = ndimage.label(near, np.ones((3, 3)))
    base = int(objects.max()) + 1
    joined = np.unique(pieces[objects > 0].astype(np.int64) * base + objects[objects > 0])
    pairs = np.stack(np.divmod(joined, base), axis=1)  # piece and object
    numbers, times = np.unique(pairs[:, 1], return_counts=True)
    cut_off = [pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1], pieces[objects == NOT_ANNOTATED]]
    in_pieces = pairs[np.isin(pairs[:, 1], numbers[times > 1]), 0]
    spoilt = set(np.unique(np.concatenate([*cut_off, in_pieces])).tolist())
    groups = []
    for piece, (rows, columns) in enumerate(ndimage.find_objects(pieces), start=1):
        if piece not in spoilt:
            own = tuple(int(number) for number in pairs[pairs[:, 0] == piece, 1])
            groups.append(Group(own, Window(rows.start, rows.stop, columns.start, columns.stop)))
    return groups


def cut_copy(sample: Sample, group: Group) -> Copy:
    """Cut a group out of its image; its objects get the numbers 1, 2, ..."""
    assert sample.instances is not None
    objects = sample.instances[group.window.slices]
    own = np.isin(objects, group.numbers)
    renumbered = np.where(own, np.searchsorted(group.numbers, objects) + 1, 0).astype(np.int32)
    image = sample.image[:, *group.window.slices]
    return Copy(image, renumbered, ndimage.distance_transform_edt(~own), median_of(image, objects == 0))


def median_of(
    image: Float[np.ndarray, "channel height width"], chosen: Bool[np.ndarray, "height width"]
) -> Float[np.ndarray, "channel"]:
    """Return the median of the chosen pixels in each channel; they exist round each free place, since a copy has background."""
    return np.median(image[:, chosen], axis=1)


def paste(
    copy: Copy,
    image: Float[np.ndarray, "channel height width"],
    objects: Int32[np.ndarray, "height width"],
    surroundings: int,
    shift: Float[np.ndarray, "channel"],
    highest: int,
) -> None:
    """Write a copy over a window of an image and of its objects, in place; the window has the size of the copy.

    Of the surroundings, only background is blended. ``shift`` is added to the grey values of the copy, and ``highest`` to the
    numbers of its objects.
    """
    own = copy.objects > 0
    falling = 1.0 - copy.distance / (surroundings + 1)  # 1 in the objects
    share = np.where(own | (objects == 0), np.maximum(falling, 0.0), 0.0).astype(image.dtype)
    share[copy.distance > surroundings] = 0.0
    image += share * (copy.image + shift[:, None, None] - image)
    objects[own] = copy.objects[own] + highest


def _is_small(sample: Sample) -> bool:
    return sample.window.num_pixels <= _MOST_PIXELS
