"""The trainer's process, seen from the server: it may die at any moment, and painting goes on."""

import subprocess
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from unseam.annotate.messages import (
    NextPlace,
    PredictedView,
    Somewhere,
    State,
    StrokeScore,
    ToServer,
    ToTrainer,
    read_message,
    write_message,
)
from unseam.errors import DataError

MOST_RESTARTS = 3
RESTART_SECONDS = 300.0
_MOST_PREDICTIONS = 8
_END_SECONDS = 5.0

Frame = tuple[ToTrainer, bytes]


class TrainerLink:
    """Starts the trainer, sends to it without ever waiting, and starts it again if it dies.

    Parameters
    ----------
    command
        The program and its arguments.
    beginning
        Yields all that a new trainer must be told, from the first message on. It may take locks; it runs in a thread.
    told
        Is called with each :class:`State` and :class:`StrokeScore`, and each :class:`PredictedView` once its pixels are here.
    """

    def __init__(
        self, command: Sequence[str], beginning: Callable[[], Iterable[Frame]], told: Callable[[ToServer], None]
    ) -> None:
        self._command, self._beginning, self._told = list(command), beginning, told
        self._queue: SimpleQueue[Frame | None] = SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._predictions: OrderedDict[tuple[int, int], tuple[PredictedView, bytes]] = OrderedDict()
        self._places: dict[int, SimpleQueue[NextPlace]] = {}
        self._num_asked = 0
        self._lock = threading.Lock()
        self.state = State("off", 0)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the trainer unless it runs."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._is_ending = False
                self._thread = threading.Thread(target=self._keep_running, name="trainer", daemon=True)
                self._thread.start()

    def send(self, message: ToTrainer, body: bytes = b"") -> None:
        """Hand a message on; without a trainer it is dropped, because a new one is told everything."""
        self._queue.put((message, body))

    def prediction(self, image: int, step: int) -> tuple[PredictedView, bytes] | None:
        """Return a prediction; None if it is too old."""
        return self._predictions.get((image, step))

    def ask_place(self, seconds: float) -> NextPlace | None:
        """Ask where to look next; None if no answer comes in time."""
        if not self.is_running:
            return None
        with self._lock:
            self._num_asked += 1
            request = self._num_asked
            answers = self._places[request] = SimpleQueue()
        try:
            self.send(Somewhere(request))
            return answers.get(timeout=seconds)
        except Empty:
            return None
        finally:
            del self._places[request]

    def end(self) -> None:
        """Close the trainer's input, wait a little, and end it."""
        self._is_ending = True
        self._queue.put(None)
        process, thread = self._process, self._thread
        if process is not None:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if thread is not None:
            thread.join(_END_SECONDS)

    def _keep_running(self) -> None:
        starts: list[float] = []
        while not self._is_ending:
            starts = [*(at for at in starts if time.monotonic() - at < RESTART_SECONDS), time.monotonic()]
            reason = self._run_once()
            if self._is_ending:
                return
            if len(starts) > MOST_RESTARTS:
                self._note(
                    State("failed", self.state.step, f"Learning stopped {len(starts)} times: {reason}. Painting goes on.")
                )
                return
            self._note(State("restarting", self.state.step, f"Learning stopped ({reason}) and starts again."))

    def _run_once(self) -> str:
        """Run one trainer until it ends; return why."""
        try:
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  # our own module
        except OSError as error:
            return f"it could not be started, {error.strerror}"
        self._process = process
        queue = self._queue = SimpleQueue()
        writer = threading.Thread(target=self._write, args=(process, queue), name="to the trainer", daemon=True)
        writer.start()
        assert process.stdout is not None
        reason = ""
        try:
            while (frame := read_message(process.stdout)) is not None:
                self._take(*frame)
        except (DataError, OSError) as error:
            reason = str(error)
            process.kill()
        queue.put(None)
        try:
            code = process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        writer.join(_END_SECONDS)
        process.stdout.close()
        return reason or f"exit code {code}"

    def _write(self, process: "subprocess.Popen[bytes]", queue: "SimpleQueue[Frame | None]") -> None:
        assert process.stdin is not None
        with suppress(OSError, ValueError):  # it died: the reader sees that
            for frame in self._beginning():
                write_message(process.stdin, *frame)
            while (one := queue.get()) is not None:
                write_message(process.stdin, *one)
        with suppress(OSError):
            process.stdin.close()

    def _take(self, message: ToServer, body: bytes) -> None:
        match message:
            case PredictedView():
                if len(body) != 2 * message.height * message.width:
                    raise DataError("A prediction has another size than it says.")
                self._predictions[message.image, message.step] = message, zlib.compress(body, 1)
                while len(self._predictions) > _MOST_PREDICTIONS:
                    self._predictions.popitem(last=False)
                self._told(message)
            case NextPlace():
                answers = self._places.get(message.request)
                if answers is not None:
                    answers.put(message)
            case State():
                self._note(message)
            case StrokeScore():
                self._told(message)

    def _note(self, state: State) -> None:
        self.state = state
        self._told(state)
