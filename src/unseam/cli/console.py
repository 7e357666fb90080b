"""What the command line shows while it works: sentences, and a bar on a screen or plain lines in a file."""

from typing import TYPE_CHECKING, Any, Self

from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from unseam.api.predict import PredictWatch
    from unseam.api.training import Record, TrainState, Watch


class _Bar:
    """A progress bar at a terminal. As a context manager it also removes the bar when an error ends the work."""

    def __init__(self, terminal: Terminal | None, *columns: ProgressColumn) -> None:
        self.terminal = terminal or Terminal(stderr=True)
        self._progress = Progress(
            *columns, TimeRemainingColumn(), console=self.terminal, transient=True, disable=not self.terminal.is_terminal
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, sentence: str) -> None:
        """Print one sentence without wrapping or markup: it may hold names of files."""
        self.terminal.print(f"- {sentence}", highlight=False, markup=False, soft_wrap=True)


class Console(_Bar):
    """A bar with energy, validation score, time per step and time left. Without a screen, one plain line per record."""

    def __init__(self, terminal: Terminal | None = None) -> None:
        super().__init__(
            terminal,
            TextColumn("training"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("step {task.fields[step]}"),
            TextColumn("energy {task.fields[energy]}"),
            TextColumn("validation {task.fields[score]}"),
            TextColumn("{task.fields[pace]} s/step"),
        )
        self._task = self._progress.add_task("training", total=1.0, step=0, energy="-", score="-", pace="-")
        self._smooth: float | None = None
        self._last_seconds = 0.0

    def watch(self, **more: Any) -> "Watch":
        """Return the functions for a training."""
        from unseam.api.training import Watch

        return Watch(self.tell, self.show_record, (self,), **more)

    def __call__(self, state: "TrainState", progress: float) -> None:
        """Move the bar."""
        if self._smooth is None or self._smooth != self._smooth:  # NaN would stay in the mean for ever
            self._smooth = state.energy
        self._smooth += 0.05 * (state.energy - self._smooth)
        pace = f"{state.seconds - self._last_seconds:.2f}"
        self._last_seconds = state.seconds
        self._progress.update(
            self._task, completed=min(progress, 1.0), step=state.step, energy=f"{self._smooth:.3f}", pace=pace
        )

    def show_record(self, state: "TrainState", record: "Record") -> None:
        """Show a record of the validation."""
        score = f"{record.score:.3f}" if record.score == record.score else "-"
        self._progress.update(self._task, score=score)
        if not self.terminal.is_terminal:
            pace = record.seconds / max(1, record.step)
            energy = f"{record.energy:.3f}" if record.energy == record.energy else "-"  # a start is scored before any step
            self.terminal.print(
                f"step {record.step:6d}   energy {energy}   validation {score}   "
                f"{pace:.2f} s/step   {record.seconds / 60:.1f} min",
                highlight=False,
            )


class PredictConsole(_Bar):
    """A bar for one image after another. Each result is printed as one line."""

    def __init__(self, terminal: Terminal | None = None) -> None:
        columns = TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.completed}/{task.total}")
        super().__init__(terminal, *columns)
        self._task = self._progress.add_task("opening", total=None)

    def watch(self) -> "PredictWatch":
        """Return the functions for a prediction."""
        from unseam.api.predict import PredictWatch

        return PredictWatch(self.tell, self._move, print)

    def _move(self, what: str, done: int, total: int) -> None:
        if done <= 1:  # another image or another pass: the time left is estimated again
            self._progress.reset(self._task, total=total, description=what)
        self._progress.update(self._task, description=what, completed=done, total=total)
