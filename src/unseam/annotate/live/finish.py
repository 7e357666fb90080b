"""The final training: the default recipe on the masks, while the trainer goes on answering."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from unseam.annotate.live.trainer import Trainer
from unseam.errors import UnseamError
from unseam.runs.watch import Watch
from unseam.training import TrainState

_PARTS = 1000  # of which progress counts


class TrainsFolder(Protocol):
    """Trains on the images and masks of a folder into a run folder; ``api`` has it."""

    def __call__(self, folder: Path, out: Path, watch: Watch) -> None: ...


@dataclass
class Finishing:
    """A final training in progress.

    Attributes
    ----------
    answer
        Called after each step; answers what has come, and returns whether to stop.
    """

    trainer: Trainer
    train: TrainsFolder
    answer: Callable[[], bool]
    sentence: str = ""
    done: int = 0

    def run(self) -> None:
        """Train, and tell how it goes and where the model is. Stopped early, the best weights so far are the model."""
        folder = Path(self.trainer.start.folder)
        out = free_folder(folder)
        torch.set_num_threads(self.trainer.means.num_threads)  # a moving pointer had left one
        self._tell()
        was_stopped = False

        def should_stop() -> bool:
            nonlocal was_stopped
            was_stopped = was_stopped or self.answer()
            return was_stopped

        try:
            self.train(folder, out, Watch(tell=self._note, observers=[self._step], should_stop=should_stop))
        except UnseamError as error:
            self.trainer.note = f"The final training did not end: {error}"
            return
        self.trainer.pace.last_stroke, self.trainer.is_finished = None, True
        message = "Stopped early: the model has the best weights so far." if was_stopped else ""
        self.trainer.tell("finished", message, done=_PARTS, total=_PARTS, model=str(out), report=str(out / "report.html"))

    def _note(self, sentence: str) -> None:
        self.sentence = sentence
        self._tell()

    def _step(self, state: TrainState, progress: float) -> None:
        self.done = min(_PARTS, int(_PARTS * progress))
        self._tell()

    def _tell(self) -> None:
        self.trainer.tell("finishing", done=self.done, total=_PARTS, sentence=self.sentence)


def free_folder(folder: Path) -> Path:
    """Return the first of model, model-2, model-3, ... that does not exist in a folder."""
    number, out = 1, folder / "model"
    while out.exists():
        number += 1
        out = folder / f"model-{number}"
    return out
