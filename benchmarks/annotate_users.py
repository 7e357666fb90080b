"""Simulated users of ``unseam annotate``: they paint strokes, look at the picture, correct it, accept what is right.

A user sees the truth and paints inside it, off the borders, as people do: round strokes of radius 3 and up to 60 px. The
trainer is the product's own, in this process. Its clock counts steps and predicted pixels at the times that are given, so a
busy machine changes nothing, and a user of 60 s may take longer or shorter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import ndimage

from unseam.annotate.live.learner import Learner
from unseam.annotate.live.means import Means
from unseam.annotate.live.on_screen import OnScreen
from unseam.annotate.live.trainer import Trainer
from unseam.annotate.messages import ClassName, ImageSource, Painted, PredictedView, Ready, StartLearning, View
from unseam.annotate.ops import join_runs

Habit = Literal["blind", "corrective", "accepting", "full"]
Box = tuple[int, int, int, int]

RADIUS, LONGEST, EVERY_SECONDS, FIRST_STROKES, STROKES_A_VIEW = 3, 60, 3.0, 12, 10
_ACCEPTED = 10_000  # numbers of accepted objects begin above those of the truth


@dataclass(frozen=True)
class Image:
    """An image file, its true class map, and the numbers of its objects if they are annotated one by one."""

    path: Path
    truth: np.ndarray
    objects: np.ndarray | None = None


@dataclass
class Shown:
    """A picture that the user saw, and its IoU of each class but the background."""

    seconds: float
    image: int
    box: Box
    iou: list[float]


@dataclass
class WorkClock:
    """Seconds of work: steps, and pixels predicted for the user, at fixed prices."""

    step_seconds: float
    mpx_seconds: float
    idle: float = 0.0
    pixels: int = 0
    learner: Learner | None = None

    def __call__(self) -> float:
        steps = self.learner.step if self.learner is not None else 0
        return self.idle + steps * self.step_seconds + self.pixels / 1e6 * self.mpx_seconds


@dataclass
class User:
    """A user with a habit, at work on some images."""

    images: Sequence[Image]
    habit: Habit
    seed: int
    means: Means
    clock: WorkClock
    side: int = 768
    shown: list[Shown] = field(default_factory=list)
    num_strokes: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 9])
        self.num_classes = int(max(image.truth.max() for image in self.images)) + 1
        inside = range(self.num_classes)
        self.inside = [[ndimage.distance_transform_edt(one.truth == k) > RADIUS for k in inside] for one in self.images]
        classes = tuple(ClassName(k, f"class {k}") for k in inside)
        sources = tuple(ImageSource(number, one.path.stem, str(one.path)) for number, one in enumerate(self.images))
        kind, none = ("classes", 255) if self.images[0].objects is None else ("objects", -1)
        start = StartLearning(str(self.images[0].path.parent), kind, none, classes, sources, self.seed)
        self.trainer = Trainer(start, self._receive, self.means)
        self.picture: np.ndarray | None = None
        self.view: tuple[int, Box] = (0, (0, 0, 0, 0))

    def begin(self) -> None:
        """Open the first image and paint twelve strokes; or take both masks."""
        self.trainer.handle(Ready())
        self._look_at(0)
        if self.habit == "full":
            for number, one in enumerate(self.images):
                values = one.truth if one.objects is None else one.objects
                self._send(number, np.ones(one.truth.shape, bool), values.ravel(), "file")
            return
        for number in range(FIRST_STROKES):
            image = 0 if number < FIRST_STROKES * 2 // 3 else 1
            self._paint_somewhere(image, number % self.num_classes)

    def work(self, seconds: float, marks: Sequence[float], at_mark: Callable[[float, OnScreen], None]) -> None:
        """Begin, then act once each three seconds of work."""
        self.begin()
        next_stroke, marks = EVERY_SECONDS, list(marks)
        while self.clock() < seconds:
            if self.clock.learner is None and self.trainer.learner is not None:
                self.clock.learner = self.trainer.learner
                _count_pixels(self.trainer.on_screen, self.clock)
            self.trainer.turn()
            if marks and self.clock() >= marks[0]:
                at_mark(marks.pop(0), self.trainer.on_screen)
            if self.clock() >= next_stroke:
                next_stroke += EVERY_SECONDS
                self._act()
                if (self.num_strokes - FIRST_STROKES) % STROKES_A_VIEW == 0:
                    self._look_at((self.view[0] + 1) % len(self.images))

    def falls(self, after: float) -> list[float]:
        """How far the IoU of the worst class fell from one picture to the next of the same window."""
        pairs = zip(self.shown, self.shown[1:], strict=False)
        return [
            max(a - b for a, b in zip(one.iou, two.iou, strict=True))
            for one, two in pairs
            if two.seconds > after and (one.image, one.box) == (two.image, two.box)
        ]

    def _look_at(self, image: int) -> None:
        height, width = self.images[image].truth.shape
        sides = min(self.side, height), min(self.side, width)
        row, column = (int(self.rng.integers(length - side + 1)) for length, side in zip((height, width), sides, strict=True))
        self.picture, self.view = None, (image, (row, column, *sides))
        self.trainer.handle(View(image, row, column, *sides, level=0, is_down=False))

    def _receive(self, message: object, body: bytes) -> None:
        if isinstance(message, PredictedView):
            box = message.row, message.column, message.height, message.width
            number = message.height * message.width
            self.picture = np.frombuffer(body[:number], np.uint8).reshape(message.height, message.width)
            self.shown.append(Shown(self.clock(), message.image, box, ious(self.picture, self._truth(message.image, box))))

    def _truth(self, image: int, box: Box) -> np.ndarray:
        row, column, height, width = box
        return self.images[image].truth[row : row + height, column : column + width]

    def _act(self) -> None:
        image, box = self.view
        if self.habit == "full":
            return None
        if self.habit == "blind" or self.picture is None:
            return self._paint_somewhere(int(self.rng.integers(len(self.images))), self.num_strokes % self.num_classes)
        if self.habit == "accepting" and self.num_strokes % 4 == 3 and self._accept(image, box):
            return None
        return self._correct(image, box)

    def _correct(self, image: int, box: Box) -> None:
        """Paint over one of the five largest errors in view."""
        truth = self._truth(image, box)
        row, column, height, width = box
        wrong = np.zeros(truth.shape, bool)
        for klass in range(self.num_classes):
            wrong |= (truth == klass) & self.inside[image][klass][row : row + height, column : column + width]
        pieces, number = ndimage.label(wrong & (self.picture != truth))
        if not number:
            return self._paint_somewhere(image, self.num_strokes % self.num_classes)
        sizes = np.bincount(pieces.ravel())[1:]
        piece = int(self.rng.choice(np.argsort(sizes)[-5:])) + 1
        rows, columns = np.nonzero(pieces == piece)
        at = int(self.rng.integers(len(rows)))
        place = int(rows[at]) + row, int(columns[at]) + column
        return self._paint(image, int(self.images[image].truth[place]), place)

    def _accept(self, image: int, box: Box, side: int = 96) -> bool:
        """Accept the predicted classes of a place that looks right, with the few errors in it; return whether there is one."""
        assert self.picture is not None
        truth, (row, column, height, width) = self._truth(image, box), box
        for _ in range(60):
            top, left = int(self.rng.integers(max(1, height - side))), int(self.rng.integers(max(1, width - side)))
            part = np.s_[top : top + side, left : left + side]
            if np.mean(self.picture[part] == truth[part]) >= 0.97 and len(np.unique(self.picture[part])) > 1:
                mask = np.zeros(self.images[image].truth.shape, bool)
                mask[row + top : row + top + side, column + left : column + left + side] = True
                accepted = self.picture[part]
                if self.images[image].objects is not None:  # the page gives each piece a number of its own
                    accepted = ndimage.label(accepted)[0]
                    accepted[accepted > 0] += _ACCEPTED * (self.num_strokes + 1)
                self._send(image, mask, accepted.ravel(), "accept")
                return True
        return False

    def _paint_somewhere(self, image: int, klass: int) -> None:
        rows, columns = np.nonzero(self.inside[image][klass])
        if len(rows):
            at = int(self.rng.integers(len(rows)))
            self._paint(image, klass, (int(rows[at]), int(columns[at])))

    def _paint(self, image: int, klass: int, place: tuple[int, int]) -> None:
        """Paint a stroke from a place, round bends, as long as it stays inside the class."""
        inside = self.inside[image][klass]
        line = np.zeros(inside.shape, bool)
        row, column = map(float, place)
        angle, length = self.rng.uniform(0, 2 * np.pi), int(self.rng.integers(15, LONGEST))
        for _ in range(length):
            line[round(row), round(column)] = True
            for _ in range(8):
                angle += self.rng.normal(0, 0.25)
                ahead = row + np.sin(angle), column + np.cos(angle)
                at = round(ahead[0]), round(ahead[1])
                if 0 <= at[0] < inside.shape[0] and 0 <= at[1] < inside.shape[1] and inside[at]:
                    row, column = ahead
                    break
                angle = self.rng.uniform(0, 2 * np.pi)
            else:
                break
        disk = np.hypot(*np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]) <= RADIUS
        labels = self.images[image].truth if self.images[image].objects is None else self.images[image].objects
        stroke = ndimage.binary_dilation(line, disk) & (labels == labels[place])
        self._send(image, stroke, np.full(int(stroke.sum()), labels[place]), "brush")

    def _send(self, image: int, mask: np.ndarray, values: np.ndarray, tool: Literal["brush", "accept", "file"]) -> None:
        self.num_strokes += 1
        runs = join_runs(np.flatnonzero(mask), np.asarray(values, np.int32), mask.shape[1])
        message = Painted(image, self.num_strokes, f"{self.num_strokes:032x}", tool, is_end=True)
        self.trainer.handle(message, runs.tobytes())


def _count_pixels(screen: OnScreen | None, clock: WorkClock) -> None:
    """Let the clock pay for what is predicted for the user."""
    assert screen is not None
    predict = screen._predict

    def counted(net: object, image: int, box: Box, step: int, *, is_held: bool) -> object:
        clock.pixels += box[2] * box[3]
        return predict(net, image, box, step, is_held=is_held)  # type: ignore[arg-type]

    screen._predict = counted  # type: ignore[method-assign,assignment]


def ious(predicted: np.ndarray, truth: np.ndarray) -> list[float]:
    """IoU of each class but the background; 1 for a class that neither has."""
    classes = range(1, int(max(predicted.max(), truth.max(), 1)) + 1)
    found = []
    for klass in classes:
        both, either = ((predicted == klass) & (truth == klass)).sum(), ((predicted == klass) | (truth == klass)).sum()
        found.append(float(both / either) if either else 1.0)
    return found
