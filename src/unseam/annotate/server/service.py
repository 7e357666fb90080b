"""What the server does, without HTTP: each method is one call of the page."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from threading import Event
from typing import Any

from unseam.annotate.messages import (
    Cancel,
    ClassNames,
    Done,
    Finish,
    Painted,
    Pause,
    PredictedView,
    Resume,
    State,
    StrokeScore,
    ToServer,
    View,
)
from unseam.annotate.ops import check_runs
from unseam.annotate.project import OpenImage, PaintOutcome, Project, colour_of
from unseam.annotate.server.beginning import beginning_of, class_names
from unseam.annotate.server.descriptions import describe_declaration, describe_entry, describe_picture, describe_trainer
from unseam.annotate.server.events import Events
from unseam.annotate.server.leases import Leases
from unseam.annotate.server.requests import (
    ChangedRequest,
    LeaseRequest,
    PageOperation,
    ProjectRequest,
    StatusRequest,
    TrainerRequest,
    ViewRequest,
)
from unseam.annotate.server.trainer import Frame, TrainerLink
from unseam.data.declaration import DeclaredClass
from unseam.errors import DataError, ImageReadError, OutputError

_AGREED = 0.95  # share of a stroke's pixels that counts as right
_LAST_STROKES = 20
_PLACE_SECONDS = 15.0  # a step or a prediction may come first
_ORDERS: dict[str, type[Pause | Resume | Cancel | Finish]] = {
    "pause": Pause,
    "resume": Resume,
    "cancel": Cancel,
    "finish": Finish,
}


class NoTrainerError(DataError):
    """There is no trainer that could do it."""


class ChangedError(DataError):
    """The mask was changed by another program; the question comes first."""


class Service:
    """The project, its events, leases and trainer.

    Parameters
    ----------
    trainer_command
        The program that learns; empty: nothing learns.
    """

    def __init__(self, project: Project, trainer_command: Sequence[str] = ()) -> None:
        self.project, self.events, self.leases = project, Events(), Leases()
        self.trainer = TrainerLink(trainer_command, self._beginning, self._told)
        self._can_learn = bool(trainer_command)
        self._is_declared = Event()  # or there is no more time to wait for it
        self._scores: deque[bool] = deque(maxlen=_LAST_STROKES)
        self._disk_message: str | None = None
        self.last_operation = 0.0  # time.monotonic() of the last stroke
        project.open_unwritten()

    def start_trainer(self) -> None:
        """Start the trainer; it loads its libraries while the user names the classes."""
        if self.project.said is not None:
            self._is_declared.set()
        if self._can_learn:
            self.trainer.start()

    def end_trainer(self) -> None:
        """End the trainer, also one that has not been told anything yet."""
        self._is_declared.set()
        self.trainer.end()

    def describe_project(self) -> dict[str, Any]:
        """Return what the page must know before it shows an image."""
        return {
            **describe_declaration(self.project),
            "trainer": describe_trainer(self.trainer.state),
            "can_learn": self._can_learn,
            "epoch": self.events.epoch,
            "n": self.events.number,
        }

    def declare(self, request: ProjectRequest) -> dict[str, Any]:
        """Set the classes."""
        classes = [DeclaredClass(one.value, one.name.strip(), one.colour or colour_of(one.value)) for one in request.classes]
        self.project.declare(request.kind, classes)
        self.write_masks()
        self.trainer.send(ClassNames(class_names(self.project)))
        self.start_trainer()
        self.events.publish("project")
        return self.describe_project()

    def list_image(self, image: int) -> dict[str, Any]:
        """Return one entry of the list."""
        return describe_entry(self.project, image)

    def describe_image(self, image: int) -> dict[str, Any]:
        """Return what the page must know to show an image. Raises ImageReadError if it cannot be read."""
        return {**describe_picture(self.project, image), "lease": self.leases.holder(image)}

    def operate(self, image: int, operation: PageOperation, runs: bytes) -> dict[str, Any]:
        """Apply an operation; when this returns it is in the journal."""
        with self.project.lock:
            opened = self._opened(image)
            if operation.id in opened.state.operations:  # sent again after a break
                return {"revision": opened.state.operations[operation.id], "saved": [operation.id], "box": None}
            if self.leases.get(image, operation.tab):
                self.events.publish("lease", image=image, lease=operation.tab)
            if opened.is_question:
                raise ChangedError("Another program changed the mask of this image. Say first which one counts.")
            outcome = self._apply(opened, operation, runs)
            self.last_operation = time.monotonic()
            self._publish_outcome(image, operation, outcome)
        return {"revision": outcome.revision, "saved": [operation.id], "box": outcome.box and list(outcome.box)}

    def lease(self, image: int, request: LeaseRequest) -> dict[str, Any]:
        """Give a lease."""
        give = self.leases.take if request.take else self.leases.get
        if give(image, request.tab):
            self.events.publish("lease", image=image, lease=request.tab)
        return {"lease": request.tab}

    def set_status(self, image: int, request: StatusRequest) -> dict[str, Any]:
        """Note what the user calls an image."""
        self.project.set_status(image, request.status)
        self.trainer.send(Done(image, request.status == "done", request.status == "left out"))
        self.events.publish("image", **self.list_image(image))
        return {}

    def answer_changed(self, image: int, request: ChangedRequest) -> dict[str, Any]:
        """Settle a mask that another program changed."""
        with self.project.lock:
            opened = self._opened(image)
            operation = f"file-{opened.state.revision}"
            outcome = opened.answer(request.keep, operation)
            tool = PageOperation("0" * 32, "0" * 32, "0" * 32, "fill")
            self._publish_outcome(image, tool, outcome)
            self.events.publish("image", **self.list_image(image))
        return {"revision": outcome.revision}

    def look(self, request: ViewRequest) -> dict[str, Any]:
        """Tell the trainer what is looked at."""
        where = (request.image, request.row, request.column, request.height, request.width, request.level, request.is_down)
        self.trainer.send(View(*where))
        return {}

    def order(self, request: TrainerRequest) -> dict[str, Any]:
        """Tell the trainer what to do. Raises NoTrainerError if there is none."""
        if request.do == "restart":
            self.start_trainer()
            return {}
        if not self.trainer.is_running:
            raise NoTrainerError("Nothing learns now. Start learning first.")
        if request.do == "finish":
            self.write_masks(is_end=True)
            self.check_written()
        self.trainer.send(_ORDERS[request.do]())
        return {}

    def somewhere(self) -> dict[str, Any]:
        """Return a place that is worth a look."""
        place = self.trainer.ask_place(_PLACE_SECONDS)
        if place is None:
            raise NoTrainerError("Nothing can say yet where to look. Name the classes and paint a little first.")
        names = ("image", "row", "column", "height", "width", "is_random")
        return {name: getattr(place, name) for name in names}

    def write_masks(self, *, is_end: bool = False) -> None:
        """Write the masks that are older than what was painted; tell the page if the disk refuses."""
        message = None
        try:
            for image in self.project.write_masks(is_end=is_end):
                self.events.publish("mask", image=image, revision=self.project.state(image).revision)
        except (OutputError, ImageReadError) as error:
            message = str(error)
        for number in range(len(self.project.images)):
            if self.project.is_changed(number):
                self.events.publish("changed", image=number, message="Another program changed the mask of this image.")
        if message != self._disk_message:
            self._disk_message = message
            self.events.publish("disk", message=message)

    def check_written(self) -> None:
        """Raise OutputError if masks could not be written."""
        if self._disk_message is not None:
            raise OutputError(
                f"{self._disk_message}. Every stroke is in the journal; start unseam annotate again to write them."
            )

    def _beginning(self) -> Iterator[Frame]:
        self._is_declared.wait()
        if self.project.said is not None:
            yield from beginning_of(self.project)

    def _opened(self, image: int) -> OpenImage:
        return self.project.opened(image)

    def _apply(self, opened: OpenImage, operation: PageOperation, runs: bytes) -> PaintOutcome:
        match operation.tool:
            case "undo":
                return opened.undo(operation.id, operation.stroke)
            case "redo":
                return opened.redo(operation.id, operation.stroke)
        none, classes = opened.said.not_annotated, opened.said.classes
        values = range(-1, 2**31 - 1) if opened.said.kind == "objects" else (*range(len(classes)), none)
        checked = check_runs(runs, opened.height, opened.width, values)
        how = (operation.mode, operation.only)
        return opened.paint(operation.id, operation.stroke, operation.tool, checked, how)

    def _publish_outcome(self, image: int, operation: PageOperation, outcome: PaintOutcome) -> None:
        for number, runs in enumerate(outcome.runs):
            is_last = number == len(outcome.runs) - 1
            painted = Painted(
                image,
                outcome.revision,
                operation.stroke,
                operation.tool,
                operation.is_end and is_last,
                operation.jump or "none",
            )
            self.trainer.send(painted, runs.tobytes())
        box = None if outcome.box is None else list(outcome.box)
        self.events.publish(
            "op",
            image=image,
            revision=outcome.revision,
            tab=operation.tab,
            stroke=operation.stroke,
            tool=operation.tool,
            box=box,
        )
        if operation.is_end:
            self.events.publish("image", **self.list_image(image))

    def _told(self, message: ToServer) -> None:
        match message:
            case State():
                self.events.publish("trainer", **describe_trainer(message))
            case PredictedView():
                self.events.publish("prediction", **vars(message))
            case StrokeScore():
                is_right = message.right >= _AGREED
                self._scores.append(is_right)
                self.events.publish(
                    "score", **vars(message), agreed=is_right, right_of_last=[sum(self._scores), len(self._scores)]
                )
