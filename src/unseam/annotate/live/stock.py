"""What was painted, as training reads it: the target of each pixel, and the strokes round which crops are cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, Shaped, UInt8
from scipy import ndimage

from unseam.annotate.messages import Kind
from unseam.annotate.ops import LabelMap, box_of, join_runs, pixels_of, values_of
from unseam.data.declaration import declares_objects
from unseam.data.weight_map import WeightMap
from unseam.heads import Labels, RidgeObjects
from unseam.shapes import IGNORE, NOT_ANNOTATED

_TRIES = 20  # pixels of a stroke to try before it is looked at whole
_REACH = 17  # px: beyond d1 + d2 = 17 px the term of Eq. 2 is below a step of the stored weights
_WEIGHT_STEP = 0.05


class PaintedTargets:
    """The targets of one image: classes as they were painted, and for objects the ridge between them and Eq. 2.

    Attributes
    ----------
    labels
        What the user painted.
    classes
        The target of each pixel, ``IGNORE`` where not annotated. For classes this is ``labels``.
    """

    def __init__(self, height: int, width: int, kind: Kind, weight_map: WeightMap) -> None:
        self.weight_map = weight_map
        self.classes = LabelMap(height, width, none=IGNORE, dtype=np.uint8)
        self.labels = self.classes
        self._extra: LabelMap | None = None
        if kind == "objects":
            self.labels = LabelMap(height, width, none=NOT_ANNOTATED, dtype=np.int32)
            self._extra = LabelMap(height, width, none=0, dtype=np.uint8)  # w(x) - 1 in steps of 0.05

    def put(self, runs: Shaped[np.ndarray, " run"]) -> None:
        """Give pixels their labels, and renew the targets round them."""
        self.labels.put(runs)
        if self._extra is not None:
            self._renew(*box_of(runs, self.labels.width))

    def window(self, rows: slice, columns: slice) -> tuple[UInt8[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
        """Return the classes of a window and w(x) of Eq. 2; classes weigh alike, since crops are drawn by class."""
        box = rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start
        classes = self.classes.read(*box)
        if self._extra is None:
            return classes, np.ones(classes.shape, np.float32)
        return classes, 1 + np.float32(_WEIGHT_STEP) * self._extra.read(*box).astype(np.float32)

    def _renew(self, row: int, column: int, height: int, width: int) -> None:
        """Compute classes and weights again where a change of the labels in a box reaches."""
        assert self._extra is not None
        rows, columns, full_rows, full_columns = (
            slice(max(0, start - reach), min(length, start + side + reach))
            for reach in (_REACH, 2 * _REACH)
            for start, side, length in ((row, height, self.labels.height), (column, width, self.labels.width))
        )
        cells = self.labels.read(
            full_rows.start, full_columns.start, full_rows.stop - full_rows.start, full_columns.stop - full_columns.start
        )
        found = RidgeObjects().targets(Labels((cells > 0).astype(np.uint8), cells))
        weights = self.weight_map(found.classes, found.cells, (1.0, 1.0))
        codes = np.clip(np.rint((weights - 1) / _WEIGHT_STEP), 0, 255).astype(np.uint8)
        inner = np.s_[
            rows.start - full_rows.start : rows.stop - full_rows.start,
            columns.start - full_columns.start : columns.stop - full_columns.start,
        ]
        for label_map, values in ((self.classes, found.classes), (self._extra, codes)):
            place = np.arange(rows.start, rows.stop)[:, None] * label_map.width + np.arange(columns.start, columns.stop)
            label_map.put(join_runs(place.ravel(), values[inner].ravel().astype(np.int32), label_map.width))


@dataclass(frozen=True)
class Painting:
    """The pixels that one operation gave to one class; others may have been painted over them since."""

    image: int
    pixels: Int64[np.ndarray, " pixel"]

    @property
    def weight(self) -> float:
        """How often crops are cut round it: as its length, so that an accepted area counts as the strokes along its side."""
        return float(np.sqrt(len(self.pixels)))


class StrokeStock:
    """The targets of all painted images, and the strokes on them.

    A class is drawn first, each as often as the others; then one of its strokes, and one of its pixels. Drawn by area, the
    first crops would all show the class with the longest strokes.
    """

    def __init__(self, kind: Kind, weight_map: WeightMap) -> None:
        self.kind, self.weight_map = kind, weight_map
        self.targets: dict[int, PaintedTargets] = {}
        self._paintings: dict[int, list[Painting]] = {}
        self._left_out: set[int] = set()

    def set_left_out(self, image: int, *, is_left_out: bool) -> None:
        """Learn nothing from an image, or learn from it again."""
        (self._left_out.add if is_left_out else self._left_out.discard)(image)

    def add_image(self, image: int, height: int, width: int) -> PaintedTargets:
        """Return the targets of an image; those of one that is new are empty."""
        if image not in self.targets:
            self.targets[image] = PaintedTargets(height, width, self.kind, self.weight_map)
        return self.targets[image]

    def paint(self, image: int, runs: Shaped[np.ndarray, " run"]) -> None:
        """Take over an operation on an open image."""
        targets = self.targets[image]
        targets.put(runs)
        pixels, values = pixels_of(runs), values_of(runs)
        for klass in np.unique(self._classes_of(values)):
            if klass != IGNORE:
                self._add(image, int(klass), pixels[self._classes_of(values) == klass])

    def take_tile(self, image: int, row: int, column: int, values: Shaped[np.ndarray, "h w"]) -> None:
        """Take over what was annotated in a box before; each connected piece of a class counts as a stroke."""
        targets = self.targets[image]
        place = (row + np.arange(values.shape[0]))[:, None] * targets.labels.width + column + np.arange(values.shape[1])
        targets.put(join_runs(place.ravel(), values.ravel().astype(np.int32), targets.labels.width))
        classes = self._classes_of(values)
        for klass in np.unique(classes[classes != IGNORE]):
            pieces, number = ndimage.label(classes == klass)
            order = np.argsort(pieces, axis=None, kind="stable")
            ends = np.cumsum(np.bincount(pieces.ravel(), minlength=number + 1))
            for piece in range(1, number + 1):
                self._add(image, int(klass), place.ravel()[order[ends[piece - 1] : ends[piece]]])

    def is_painted(self, image: int, box: tuple[int, int, int, int]) -> bool:
        """Whether anything in a window, (row, column, height, width), is annotated."""
        if image not in self.targets:
            return False
        labels = self.targets[image].labels
        return bool((labels.read(*box) != labels.none).any())

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes of which a pixel is annotated, in order."""
        return tuple(sorted(klass for klass, all_of in self._paintings.items() if self._has_pixels(klass, all_of)))

    def draw(self, klass: int, rng: np.random.Generator) -> tuple[int, int, int]:
        """Draw a pixel of a class, (image, row, column); the class must be one of :attr:`classes`."""
        paintings = self._paintings[klass]
        while True:
            weights = np.array([one.weight * (one.image not in self._left_out) for one in paintings])
            number = int(rng.choice(len(paintings), p=weights / weights.sum()))
            painting = paintings[number]
            label_map = self.targets[painting.image].classes
            tried = painting.pixels[rng.integers(len(painting.pixels), size=_TRIES)]
            good = tried[label_map.values_at(tried) == klass]
            if len(good):
                row, column = divmod(int(good[0]), label_map.width)
                return painting.image, row, column
            paintings[number : number + 1] = self._left_of(painting, klass)

    def _classes_of(self, values: Shaped[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        if not declares_objects(self.kind):
            return values.astype(np.uint8)
        return np.where(values == NOT_ANNOTATED, IGNORE, np.minimum(values, 1)).astype(np.uint8)

    def _add(self, image: int, klass: int, pixels: Int64[np.ndarray, " pixel"]) -> None:
        self._paintings.setdefault(klass, []).append(Painting(image, np.asarray(pixels, np.int64)))

    def _has_pixels(self, klass: int, paintings: Sequence[Painting]) -> bool:
        return any(any(True for _ in self._left_of(painting, klass)) for painting in reversed(paintings))

    def _left_of(self, painting: Painting, klass: int) -> Iterator[Painting]:
        """Yield what is left of an operation, if anything is."""
        if painting.image in self._left_out:
            return
        pixels = painting.pixels[self.targets[painting.image].classes.values_at(painting.pixels) == klass]
        if len(pixels):
            yield Painting(painting.image, pixels)
