"""Tells a person at the terminal how training goes: a bar on a screen, plain lines in a file."""

from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from unseam.training.observers.validate import Record
from unseam.training.state import TrainState


class Console:
    """A progress bar with energy, validation score, time a step and time left; one plain line a record elsewhere.

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

    def __call__(self, state: TrainState, progress: float) -> None:
        """Move the bar."""
        if self._smooth is None or self._smooth != self._smooth:
            self._smooth = state.energy
        self._smooth += 0.05 * (state.energy - self._smooth)
        pace = f"{state.seconds - self._last_seconds:.2f}"
        self._last_seconds = state.seconds
        self._progress.update(
            self._task, completed=min(progress, 1.0), step=state.step, energy=f"{self._smooth:.3f}", pace=pace
        )

    def recorded(self, state: TrainState, record: Record) -> None:
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
