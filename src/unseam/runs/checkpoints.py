"""The checkpoints of a run: a folder a step, each with a manifest; the newest that verifies is gone on from."""

import hashlib
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from unseam.errors import ModelFileError
from unseam.io import make_folders, remove_unfinished
from unseam.io.manifest import read_with_manifest, write_with_manifest
from unseam.io.write import remove_tree
from unseam.training import TrainState
from unseam.training.observers import Validate
from unseam.training.observers.checkpoint import FORMAT, checkpoint_files, restore_checkpoint
from unseam.training.ranks import ALONE, Ranks

_NAME = re.compile(r"step-(\d{6,12})")
_BEFORE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoints:
    """A folder of checkpoints, ``step-000120`` and so on.

    What is newest is told by the step, never by a time: clocks get changed, and copies get new times.

    Attributes
    ----------
    folder
        Made when the first one is saved.
    keep
        So many are kept, so that there is one to go on from when the newest is damaged.
    """

    folder: Path
    keep: int = 2

    def save(
        self, state: TrainState, validate: Validate, trained_on: Sequence[str] = (), ranks: Ranks = ALONE
    ) -> None:
        """Write the state of a run as the newest checkpoint; the oldest goes once that is on the disk.

        Raises
        ------
        OutputError
            If it cannot be written; those that are there stay as they were.
        TrainingError
            If the state holds a number that is not finite.
        """
        make_folders(self.folder)
        about = {
            "format": FORMAT,
            "step": state.step,
            "threads": torch.get_num_threads(),
            "ranks": ranks.world,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        }
        files = checkpoint_files(state, validate, trained_on)
        write_with_manifest(self.folder / f"step-{state.step:06d}", about, files)
        for step, path in self._found():
            if step > state.step:  # it was damaged, or it would have been gone on from
                remove_tree(path)
        self._remove_older_than_kept(state.step)

    def load(
        self,
        state: TrainState,
        validate: Validate,
        trained_on: Sequence[str] = (),
        tell: Callable[[str], None] = lambda _: None,
        ranks: Ranks = ALONE,
    ) -> bool:
        """Bring a fresh state to the newest checkpoint that is as it was written; whether there is any at all.

        ``tell`` is told of each that is damaged, and of one that another number of ranks wrote. Of several ranks the first
        chooses; the others read the same, from a folder that they share. What a process that was killed while it saved left
        there goes, by the first rank; one that is damaged and newer stays, as it may have been unreadable for the moment only.

        Raises
        ------
        ModelFileError
            If there are some and all are damaged; never is that silently a run from the start. Or if the newest sound one
            is of another network, optimiser or data. Or if another rank finds another one.
        """
        chosen = self._newest(tell) if ranks.is_first else None
        step = int(ranks.same(float(chosen[0] if chosen else -1)))
        if step < 0:
            return False
        path = self.folder / f"step-{step:06d}"
        about, files = chosen[1:] if chosen else read_with_manifest(path)
        number = _number_of(files) if ranks.world > 1 else 0.0
        if number != ranks.same(number):
            raise ModelFileError(
                f"{path}: rank {ranks.rank} finds another checkpoint here than rank 0 does. All machines must see one and the "
                "same folder: give an --out that lies on a shared disk."
            )
        before = about.get("ranks", 1)
        if before != ranks.world:
            tell(f"this run was trained by {before} process(es) and goes on with {ranks.world}: batches are others from here")
        restore_checkpoint(path, files, state, validate, trained_on)
        if ranks.is_first:
            self._remove_older_than_kept(step)
        return True

    def _newest(self, tell: Callable[[str], None]) -> tuple[int, dict[str, Any], dict[str, bytes]] | None:
        """Step, manifest and files of the newest that is sound; None if there is none at all."""
        remove_unfinished(self.folder)
        damaged = []
        for step, path in self._found():
            try:
                about, files = read_with_manifest(path)
                if about.get("step") != step:
                    raise ModelFileError(f"{path}: damaged: its manifest is that of step {about.get('step')}.")
            except ModelFileError as error:
                damaged.append(str(error))
                continue
            for reason in damaged:
                tell(f"{reason} It is not used; the checkpoint before it, of step {step}, is.")
            return step, about, files
        if damaged:
            raise ModelFileError(
                f"{self.folder}: no checkpoint to go on from: {' '.join(damaged)} Copy the folder back from where it is whole, "
                "or leave --resume out and start afresh in another folder."
            )
        if (before := self.folder.parent / _BEFORE).exists():
            raise ModelFileError(
                f"{before}: a checkpoint of an earlier version, which this one does not read. Go on with the version that "
                "wrote it, or leave --resume out and start afresh in another folder."
            )
        return None

    def _remove_older_than_kept(self, newest: int) -> None:
        for _, path in [found for found in self._found() if found[0] <= newest][self.keep :]:
            remove_tree(path)

    def exist(self) -> bool:
        """Whether there is any, sound or not."""
        return bool(self._found()) or (self.folder.parent / _BEFORE).exists()

    def _found(self) -> list[tuple[int, Path]]:
        """Step and folder of each, newest first."""
        there = self.folder.iterdir() if self.folder.is_dir() else ()
        named = [(match, path) for path in there if (match := _NAME.fullmatch(path.name))]
        return sorted(((int(match[1]), path) for match, path in named), reverse=True)


def _number_of(files: Mapping[str, bytes]) -> float:
    """A number that tells one checkpoint from another, and that 64 bits hold."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(files[name])
    return float(int.from_bytes(total.digest()[:6]))
