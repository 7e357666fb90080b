"""A folder of tiny images, a network of some hundred weights, and a clock that work moves."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from unseam.annotate.live.means import Means
from unseam.annotate.live.recipe import LiveRecipe
from unseam.annotate.live.trainer import Trainer
from unseam.annotate.messages import ClassName, ImageSource, Painted, PredictedView, Ready, StartLearning, State, View
from unseam.annotate.ops import join_runs
from unseam.augment import Augment, Mirror
from unseam.nets import UNetConfig
from unseam.training.optim import AdamW

SIDE = 48
STEP_SECONDS = 0.1

RECIPE = LiveRecipe(
    net=UNetConfig(first_width=4, depth=1, dropout=0.0, normalisation="batch"),
    augment=Augment(elastic=None, rotate=None, mirror=Mirror(), scale=None, grey=None),
    optimiser=AdamW(learning_rate=0.02),
    output_size=8,
    crops=2,
    average=0.8,
    statistics_fixed=10,
)


def bright_square(number: int, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Return an image with a bright square on a dark ground, and its truth."""
    truth = np.zeros((side, side), np.uint8)
    truth[side // 4 : side // 4 + side // 2, 6 + 2 * number : 6 + 2 * number + side // 2] = 1
    noise = np.random.default_rng(number).integers(0, 40, truth.shape)
    return (60 + 120 * truth + noise).astype(np.uint8), truth


def make_folder(folder: Path, number: int = 2) -> StartLearning:
    """Write images; return the first message about them."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    sources = []
    for index in range(number):
        path = folder / "images" / f"{index}.png"
        Image.fromarray(bright_square(index)[0]).save(path)
        sources.append(ImageSource(index, path.stem, str(path)))
    return StartLearning(str(folder), "classes", 255, (ClassName(0, "ground"), ClassName(1, "square")), tuple(sources))


def painted(
    image: int, box: tuple[int, int, int, int], value: int, number: int = 1, **changes: object
) -> tuple[Painted, bytes]:
    """Return the message of a filled rectangle, (row, column, height, width)."""
    row, column, height, width = box
    place = ((row + np.arange(height))[:, None] * SIDE + column + np.arange(width)).ravel()
    runs = join_runs(place, np.full(place.shape, value, np.int32), SIDE)
    about = {"revision": number, "stroke": f"{number:032x}", "tool": "brush", "is_end": True, **changes}
    return Painted(image, **about), runs.tobytes()


VIEW = View(image=0, row=0, column=0, height=SIDE, width=SIDE, level=0, is_down=False)
GROUND, SQUARE = (2, 2, 4, 40), (20, 12, 6, 16)
"""Rectangles inside the ground and inside the square of the first image."""


@dataclass
class Desk:
    """A trainer whose clock moves by work and by hand, and all that it sent."""

    start: StartLearning
    recipe: LiveRecipe = RECIPE
    sent: list[tuple[object, bytes]] = field(default_factory=list)
    idle: float = 0.0

    def __post_init__(self) -> None:
        means = Means(self.recipe, self.now, engine="torch", num_threads=1)
        self.trainer = Trainer(self.start, lambda message, body: self.sent.append((message, body)), means)

    def now(self) -> float:
        learner = self.trainer.learner if hasattr(self, "trainer") else None
        return self.idle + STEP_SECONDS * (learner.step if learner is not None else 0)

    def begin(self, *, is_painted: bool = True) -> "Desk":
        self.trainer.handle(Ready())
        self.trainer.handle(VIEW)
        if is_painted:
            self.trainer.handle(*painted(0, GROUND, 0, 1))
            self.trainer.handle(*painted(0, SQUARE, 1, 2))
        return self

    def turns(self, number: int) -> None:
        for _ in range(number):
            self.trainer.turn()

    def of(self, kind: type) -> list:
        return [message for message, _ in self.sent if isinstance(message, kind)]

    def last_picture(self) -> np.ndarray:
        """The classes of the newest picture."""
        message, body = next(one for one in reversed(self.sent) if isinstance(one[0], PredictedView))
        classes = np.frombuffer(body, np.uint8)[: message.height * message.width]
        return classes.reshape(message.height, message.width)

    @property
    def state(self) -> State:
        return self.of(State)[-1]
