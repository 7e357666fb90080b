"""What the command line shows while it works: sentences, and a bar on a screen or plain lines in a file."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from unseam.api.predict import PredictWatch
    from unseam.api.training import Record, TrainState, Watch


def sentences_on(terminal: Terminal) -> Callable[[str], None]:
    """A function that prints one sentence, unbroken and as it came."""

    def tell(sentence: str) -> None:
        terminal.print(f"- {sentence}", highlight=False, markup=False, soft_wrap=True)

    return tell


class Console:
    """A progress bar with energy, validation score, time per step and time left; elsewhere one plain line per record.

    Used as a context manager, so that the bar is taken down whatever happens.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("step {task.fields[step]}"),
            TextColumn("energy {task.fields[energy]}"),
            TextColumn("validation {task.fields[score]}"),
            TextColumn("{task.fields[pace]} s/step"),
            TimeRemainingColumn(),
            console=terminal,
            transient=True,
            disable=not terminal.is_terminal,
        )
        self._task = self._progress.add_task("training", total=1.0, step=0, energy="-", score="-", pace="-")
        self._smooth: float | None = None
        self._last_seconds = 0.0

    def __enter__(self) -> "Console":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def watch(self, **more: Any) -> "Watch":
        """The functions for a training that is shown here."""
        from unseam.api.training import Watch

        return Watch(sentences_on(self.terminal), self.recorded, (self,), **more)

    def __call__(self, state: "TrainState", progress: float) -> None:
        """Move the bar."""
        if self._smooth is None or self._smooth != self._smooth:
            self._smooth = state.energy
        self._smooth += 0.05 * (state.energy - self._smooth)
        pace = f"{state.seconds - self._last_seconds:.2f}"
        self._last_seconds = state.seconds
        self._progress.update(
            self._task, completed=min(progress, 1.0), step=state.step, energy=f"{self._smooth:.3f}", pace=pace
        )

    def recorded(self, state: "TrainState", record: "Record") -> None:
        """Show a record of the validation."""
        score = f"{record.score:.3f}" if record.score == record.score else "-"
        self._progress.update(self._task, score=score)
        if not self.terminal.is_terminal:
            pace = record.seconds / max(1, record.step)
            self.terminal.print(
                f"step {record.step:6d}   energy {record.energy:.3f}   validation {score}   "
                f"{pace:.2f} s/step   {record.seconds / 60:.1f} min",
                highlight=False,
            )


class PredictConsole:
    """A progress bar for one image after another; each result is printed as one line.

    Used as a context manager, so that the bar is taken down whatever happens.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.completed}/{task.total}"))
        self._progress = Progress(
            *columns, TimeRemainingColumn(), console=terminal, transient=True, disable=not terminal.is_terminal
        )
        self._task = self._progress.add_task("opening", total=None)

    def __enter__(self) -> "PredictConsole":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def watch(self) -> "PredictWatch":
        """The functions for a prediction that is shown here."""
        from unseam.api.predict import PredictWatch

        return PredictWatch(sentences_on(self.terminal), self._move, print)

    def _move(self, what: str, done: int, total: int) -> None:
        if done <= 1:  # another image, or another pass: its time is counted anew
            self._progress.reset(self._task, total=total, description=what)
        self._progress.update(self._task, description=what, completed=done, total=total)
