"""Messages in, messages out: all that the trainer does, without pipes and without a clock of its own."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from unseam.annotate.live.images import LiveImages
from unseam.annotate.live.kept import Kept
from unseam.annotate.live.learner import Learner
from unseam.annotate.live.on_screen import Box, OnScreen, Picture
from unseam.annotate.live.pace import Facts, Pace, Work
from unseam.annotate.live.recipe import LiveRecipe
from unseam.annotate.live.score import StrokeScores
from unseam.annotate.live.stock import Stock
from unseam.annotate.messages import (
    Classes, Done, LabelTile, Learning, Painted, Pause, Place, Predicted, Ready, Resume, Score, Somewhere, Start, State, View,
)  # fmt: skip
from unseam.annotate.ops import RUN, TILE
from unseam.annotate.rank import Ranking
from unseam.data.normalise import Normalise
from unseam.engines.precision import SettledPrecision
from unseam.errors import TrainingError, UnseamError
from unseam.machine.cores import num_cores
from unseam.training.state import Clock, monotonic

MOST_SIDE = 2048
"""px; of a larger view the middle is predicted."""

Send = Callable[[State | Predicted | Score | Place, bytes], None]
"""Takes a message to the server, with its body."""

_STATE_SECONDS = 1.0
_CHECKPOINT_SECONDS = 30.0

_PAINT_TWO = "Paint a little of each class: learning begins when two classes have a stroke."
_RESTING = "Nothing was painted for three minutes: learning rests until the next stroke."


@dataclass
class Means:
    """What the trainer works with; tests replace the parts that take time.

    Attributes
    ----------
    precision
        Number format of the steps. Pictures are computed in float32, so that tiles agree to the last pixel.
    num_threads
        Processor cores that learning takes while the pointer rests; while it moves, one.
    """

    recipe: LiveRecipe = field(default_factory=LiveRecipe)
    clock: Clock = monotonic
    precision: SettledPrecision = "float32"
    num_threads: int = field(default_factory=num_cores)


class Trainer:
    """The trainer of one folder. :meth:`handle` takes a message, :meth:`turn` does one piece of work.

    Parameters
    ----------
    send
        Takes answers; called from the methods.
    kept
        Where weights survive the process; None: nowhere.
    """

    def __init__(self, start: Start, send: Send, means: Means, kept: Kept | None = None) -> None:
        self.start, self.send, self.means, self.kept = start, send, means, kept
        self.images = LiveImages(start.images, Normalise())
        self.stock = Stock(start.kind, means.recipe.weight_map)
        self.pace = Pace()
        self.scores = StrokeScores()
        self.ranking = Ranking(self.images, start.seed)
        self.learner: Learner | None = None
        self.on_screen: OnScreen | None = None
        self.num_classes = 2 if start.kind == "objects" else len(start.classes)
        self.note = ""
        self.is_finished = False  # after the final training, until the next stroke
        self._is_ready = False
        self._sent: tuple[float, State] | None = None
        self._kept_at = (-1e9, 0)

    def handle(self, message: object, body: bytes = b"") -> None:
        """Take a message; those about the final training belong to :mod:`unseam.annotate.live.finish`."""
        now = self.means.clock()
        match message:
            case LabelTile():
                self._take_tile(message, body)
            case Ready():
                self._begin(now)
            case Painted():
                self._paint(message, body, now)
            case View():
                view = self._box_of(message)
                if view is not None:
                    self.pace.note_view(now, view, is_down=message.is_down)
            case Classes():
                self._change_classes(message)
            case Done():
                self.stock.set_left_out(message.image, is_left_out=message.is_left_out)
                self.ranking.set_done(message.image, is_done=message.is_done or message.is_left_out)
            case Pause():
                self.pace.is_paused = True
            case Resume():
                self.pace.is_paused = self.is_finished = False
                self.pace.note_stroke(now)
            case Somewhere():
                self._answer_place(message)

    def turn(self) -> bool:
        """Do one piece of work; return whether there may be more at once."""
        now = self.means.clock()
        learner, screen = self.learner, self.on_screen
        if not self._is_ready or learner is None or screen is None:
            self.tell("waiting", _PAINT_TWO)
            return False
        shown = screen.step if screen.net is not None else None
        facts = Facts(learner.can_learn, learner.step, shown, self._is_current(screen))
        work = self.pace.next(now, facts)
        torch.set_num_threads(1 if self.pace.is_pointer_busy(now) else self.means.num_threads)
        match work:
            case Work.LOOK | Work.RENEW:
                self.show(is_new=work is Work.RENEW)
            case Work.LEARN:
                self._learn(learner)
            case Work.REST:
                pass
        self._tell_state(facts)
        self._keep()
        return work is not Work.REST

    def show(self, *, is_new: bool) -> None:
        """Predict the window in view and send it; ``is_new``: with weights as new as the picture on screen allows."""
        assert self.pace.view is not None
        assert self.learner is not None
        assert self.on_screen is not None
        started = self.means.clock()
        image, box = self.pace.view
        try:
            if is_new:
                may_jump = self.pace.may_jump(started)
                picture = self.on_screen.renew(self.learner.averaged, self.learner.step, image, box, may_jump=may_jump)
            else:
                picture = self.on_screen.look(image, box)
        except UnseamError as error:  # an image with other channels, say: the others go on
            self.pace.view, self.note = None, str(error)
            return
        self.pace.note_picture(started, self.means.clock())
        self._send_picture(picture)

    def tell(self, state: Learning, message: str = "", **fields: object) -> None:
        """Send the state if it is another one, or a second old."""
        now = self.means.clock()
        new = State(state, self.learner.step if self.learner is not None else 0, message or self.note, **fields)  # type: ignore[arg-type]
        if self._sent is not None:
            at, before = self._sent
            if new == before or ((new.state, new.message) == (before.state, before.message) and now - at < _STATE_SECONDS):
                return
        self._sent = now, new
        self.send(new, b"")
        self.note = ""

    def look(self) -> None:
        """Predict the window in view if it is not on screen; for long works that cannot wait for :meth:`turn`."""
        screen = self.on_screen
        if self.pace.view is not None and screen is not None and screen.net is not None and not self._is_current(screen):
            self.show(is_new=False)

    def _tell_state(self, facts: Facts) -> None:
        if self.is_finished:
            return
        if not facts.can_learn:
            self.tell("waiting", _PAINT_TWO)
        elif self.pace.is_paused:
            self.tell("paused")
        elif self.pace.is_resting(self.means.clock()):
            self.tell("paused", _RESTING)
        else:
            self.tell("training")

    def _send_picture(self, picture: Picture) -> None:
        body = picture.classes.tobytes() + picture.margin.tobytes()
        self.send(Predicted(picture.image, picture.step, *picture.box), body)

    def _take_tile(self, message: LabelTile, body: bytes) -> None:
        if not self._open(message.image):
            return
        labels = self.stock.targets[message.image].labels
        values = np.frombuffer(zlib.decompress(body), labels.dtype).reshape(labels.tile_shape(message.row, message.column))
        self.stock.take_tile(message.image, TILE * message.row, TILE * message.column, values)

    def _begin(self, now: float) -> None:
        self._is_ready = True
        if self.stock.targets:
            self.pace.note_stroke(now)
            self._make_learner()

    def _paint(self, message: Painted, body: bytes, now: float) -> None:
        runs = np.frombuffer(body, RUN)
        if not self._open(message.image):
            return
        width = self.images.size(message.image)[1]
        picture = self.on_screen.picture if self.on_screen is not None else None
        score = self.scores.note(message, runs, width, picture, has_objects=self.start.kind == "objects")
        if score is not None:
            self.send(score, b"")
        if len(runs):
            self.stock.paint(message.image, runs)
            self.ranking.note_painted(message.image)
        self.is_finished = False
        self.pace.note_stroke(now)
        self._make_learner()
        if self.learner is not None:
            self.learner.note_stroke()

    def _open(self, image: int) -> bool:
        """Open the targets of an image; return whether it can be learnt from."""
        try:
            pixels = self.images.open(image)
        except UnseamError as error:
            self.note = str(error)
            return False
        known = self.images.num_channels
        if known is not None and pixels.shape[0] != known:
            self.note = (
                f"{self.images.sources[image].name} has {pixels.shape[0]} channel(s), the others have {known}: it is not learnt "
                "from. Convert it, or annotate images of one kind at a time."
            )
            return False
        self.images.num_channels = pixels.shape[0]
        self.stock.open(image, *pixels.shape[1:])
        return True

    def _make_learner(self) -> None:
        if self.learner is not None or len(self.stock.classes) < 2:
            return
        assert self.images.num_channels is not None
        self.learner = Learner(
            self.means.recipe, self.stock, self.images, self.images.num_channels, self.num_classes, self.start.seed
        )
        self.learner.state.precision = self.means.precision
        self.on_screen = OnScreen(self.images, self.learner.head)
        if self.kept is not None:
            self.kept.restore(self.learner, self.on_screen)

    def _change_classes(self, message: Classes) -> None:
        if self.start.kind == "objects" or len(message.classes) == self.num_classes:
            return
        self.num_classes = len(message.classes)
        if self.learner is not None and self.on_screen is not None:
            self.learner.grow(self.num_classes)
            self.on_screen.net = None

    def _learn(self, learner: Learner) -> None:
        try:
            learner.learn(1)
        except TrainingError as error:  # begins anew, with other weights
            self.learner, self.on_screen = None, None
            self.note = f"The live network began anew: {error}"
            self._make_learner()
            return
        self.pace.note_step(self.means.clock())

    def _keep(self) -> None:
        now = self.means.clock()
        at, step = self._kept_at
        if self.kept is None or self.learner is None or self.on_screen is None:
            return
        if self.learner.step == step or now - at < _CHECKPOINT_SECONDS:
            return
        self._kept_at = now, self.learner.step
        try:
            self.kept.save(self.learner, self.on_screen)
        except UnseamError as error:
            self.note = str(error)

    def _answer_place(self, message: Somewhere) -> None:
        screen, learner = self.on_screen, self.learner
        has_net = screen is not None and learner is not None and screen.net is not None

        def doubt(image: int, box: Box) -> float:
            assert screen is not None
            assert learner is not None
            return screen.doubt(learner.state.net, image, box)

        try:
            image, box, is_random = self.ranking.next(self.stock.is_painted, doubt if has_net else None)
        except UnseamError as error:
            self.note = str(error)
            return
        self.send(Place(message.request, image, *box, is_random), b"")

    def _is_current(self, screen: OnScreen) -> bool:
        picture = screen.picture
        return picture is not None and self.pace.view == (picture.image, picture.box)

    def _box_of(self, view: View) -> tuple[int, Box] | None:
        """Return the window in view, inside the image and at most 2048 px a side; None if there is none."""
        try:
            size = self.images.size(view.image)
        except (UnseamError, KeyError) as error:
            self.note = str(error)
            return None
        box = []
        for start, side, length in zip((view.row, view.column), (view.height, view.width), size, strict=True):
            first, last = max(0, start), min(length, start + side)
            if last - first > MOST_SIDE:
                first += (last - first - MOST_SIDE) // 2
                last = first + MOST_SIDE
            box.append((first, last - first))
        (row, height), (column, width) = box
        return (view.image, (row, column, height, width)) if min(height, width) > 0 else None
