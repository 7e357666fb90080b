"""Messages in, messages out: all that the trainer does, without pipes and without a clock of its own."""

import math
import zlib
from collections.abc import Callable

import numpy as np
import torch

from unseam.annotate.live.images import LiveImages
from unseam.annotate.live.kept import Kept
from unseam.annotate.live.learner import Learner
from unseam.annotate.live.means import Means
from unseam.annotate.live.on_screen import Box, OnScreen, ShownPicture, predicted_part
from unseam.annotate.live.pace import Pace, Situation, Work
from unseam.annotate.live.score import Agreement, StrokeScores
from unseam.annotate.live.stock import StrokeStock
from unseam.annotate.messages import (
    ClassNames,
    Done,
    LabelTile,
    Learning,
    NextPlace,
    Painted,
    Pause,
    PredictedView,
    Ready,
    Resume,
    Somewhere,
    StartLearning,
    State,
    StrokeScore,
    View,
)  # fmt: skip
from unseam.annotate.ops import RUN, TILE
from unseam.annotate.rank import Ranking
from unseam.data.normalise import Normalise
from unseam.errors import TrainingError, UnseamError

Send = Callable[[State | PredictedView | StrokeScore | NextPlace, bytes], None]
"""Takes a message to the server, with its body."""

_STATE_SECONDS = 1.0
_CHECKPOINT_SECONDS = 30.0

_PAINT_TWO = "Paint a little of each class: learning begins when two classes have a stroke."
_RESTING = "Nothing was painted for three minutes: learning rests until the next stroke."


class Trainer:
    """The trainer of one folder. :meth:`handle` takes a message, :meth:`turn` does one piece of work.

    Parameters
    ----------
    send
        Takes answers; called from the methods.
    kept
        Where weights survive the process; None: nowhere.
    """

    def __init__(self, start: StartLearning, send: Send, means: Means, kept: Kept | None = None) -> None:
        self.start, self.send, self.means, self.kept = start, send, means, kept
        self.images = LiveImages(start.images, Normalise())
        self.stock = StrokeStock(start.kind, means.recipe.weight_map)
        self.pace = Pace()
        self.scores, self.agreement = StrokeScores(), Agreement()
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
                self._note_view(message, now)
            case ClassNames():
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
        facts = Situation(learner.can_learn, learner.step, shown, self._is_current(screen))
        work = self.pace.next(now, facts)
        torch.set_num_threads(1 if self.pace.is_pointer_busy(now) else self.means.num_threads)
        if work is Work.LEARN:
            self._learn(learner)
        elif work is not Work.REST:
            self.show(is_new=work is Work.RENEW)
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
        before = self.on_screen.picture
        try:
            if is_new:
                may_jump = self.pace.may_jump(started, self.learner.step)
                picture = self.on_screen.renew(self.learner.averaged, self.learner.step, image, box, may_jump=may_jump)
            else:
                picture = self.on_screen.look(image, box)
        except UnseamError as error:  # an image with other channels, say: the others go on
            self.pace.view, self.note = None, str(error)
            return
        self.pace.note_picture(started, self.means.clock())
        if picture is not before:  # held: what is on screen stays
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

    def look(self) -> None:
        """Predict the window in view if it is not on screen; for long works that cannot wait for :meth:`turn`."""
        screen = self.on_screen
        if self.pace.view is not None and screen is not None and screen.net is not None and not self._is_current(screen):
            self.show(is_new=False)

    def _tell_state(self, facts: Situation) -> None:
        if self.is_finished:
            return
        if not facts.can_learn:
            self.tell("waiting", _PAINT_TWO)
        elif self.pace.is_paused:
            self.tell("paused")
        elif self.pace.is_resting(self.means.clock()):
            self.tell("paused", _RESTING)
        else:
            self.tell("training", self.note or self.agreement.proposal)

    def _send_picture(self, picture: ShownPicture) -> None:
        body = picture.classes.tobytes() + picture.margin.tobytes()
        self.send(PredictedView(picture.image, picture.step, *picture.box), body)

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
            self.agreement.note(score)
            self.send(score, b"")
        if len(runs):
            self.stock.paint(message.image, runs)
            self.ranking.note_painted(message.image)
        self.is_finished, self.note = False, ""
        self.pace.note_stroke(now)
        self._make_learner()

    def _open(self, image: int) -> bool:
        """Open the targets of an image; return whether it can be learnt from."""
        try:
            self.stock.add_image(image, *self.images.checked_size(image))
        except UnseamError as error:
            self.note = str(error)
            return False
        return True

    def _note_view(self, message: View, now: float) -> None:
        try:
            box = predicted_part(message, self.images.checked_size(message.image))
        except UnseamError as error:
            self.note = str(error)
            return
        if min(box[2:]) > 0:
            self.note = ""
            self.pace.note_view(now, (message.image, box), is_down=message.is_down)

    def _make_learner(self) -> None:
        if self.learner is not None or len(self.stock.classes) < 2:
            return
        self.learner = Learner(self.means.recipe, self.stock, self.images, self.num_classes, self.start.seed)
        self.learner.state.precision = self.means.precision
        self.on_screen = OnScreen(self.images, self.learner.head, self.means.engine)
        if self.kept is not None and self.kept.restore(self.learner, self.on_screen):
            self.pace.first_step = -math.inf  # what was on screen before must not jump either

    def _change_classes(self, message: ClassNames) -> None:
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
        if self.kept is None or self.learner is None or self.on_screen is None or self.learner.step == step:
            return
        if now - at < _CHECKPOINT_SECONDS:
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
        self.send(NextPlace(message.request, image, *box, is_random), b"")

    def _is_current(self, screen: OnScreen) -> bool:
        picture = screen.picture
        return picture is not None and self.pace.view == (picture.image, picture.box)
