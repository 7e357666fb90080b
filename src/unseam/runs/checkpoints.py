"""The checkpoints of a run: one folder for each saved step, with a manifest. A run resumes from the newest intact one."""

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
_OLD_NAME = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoints:
    """A folder of the newest ``keep`` checkpoints, ``step-000120`` and so on; an older one helps if the newest is damaged.

    The step decides which one is newest, never a time: clocks change, and copies get new times.
    """

    folder: Path
    keep: int = 2

    def save(self, state: TrainState, validate: Validate, trained_on: Sequence[str] = (), ranks: Ranks = ALONE) -> None:
        """Write the state of a run as the newest checkpoint, then remove the oldest one.

        Raises
        ------
        OutputError
            If it cannot be written. The others stay unchanged.
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
            if step > state.step:  # it is damaged, or the run would have resumed from it
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
        """Load the newest intact checkpoint into a fresh state; return whether there is any checkpoint.

        ``tell`` reports each damaged checkpoint, and one that another number of ranks wrote. Rank 0 chooses, and the others
        read the same checkpoint from the folder that they share. Rank 0 also removes what a killed process left unfinished. A
        damaged checkpoint stays for now, because it may only be unreadable for the moment.

        Raises
        ------
        ModelFileError
            If all checkpoints are damaged (the run never silently starts again), if the newest intact one belongs to another
            network, optimiser or data, or if two ranks find different ones.
        """
        chosen = self._newest(tell) if ranks.is_first else None
        step = int(ranks.same(float(chosen[0] if chosen else -1)))
        if step < 0:
            return False
        path = self.folder / f"step-{step:06d}"
        about, files = chosen[1:] if chosen else read_with_manifest(path)
        number = _digest_number(files) if ranks.world > 1 else 0.0
        if number != ranks.same(number):
            raise ModelFileError(
                f"{path}: rank {ranks.rank} finds another checkpoint here than rank 0 does. All machines must see the same "
                "folder: give an --out on a shared disk."
            )
        before = about.get("ranks", 1)
        if before != ranks.world:
            tell(f"{before} process(es) trained this run, and {ranks.world} continue it: batches differ from here on")
        restore_checkpoint(path, files, state, validate, trained_on)
        if ranks.is_first:
            self._remove_older_than_kept(step)
        return True

    def _newest(self, tell: Callable[[str], None]) -> tuple[int, dict[str, Any], dict[str, bytes]] | None:
        """Return step, manifest and files of the newest intact checkpoint; None if the folder has no checkpoint."""
        remove_unfinished(self.folder)
        damaged = []
        for step, path in self._found():
            try:
                about, files = read_with_manifest(path)
                if about.get("step") != step:
                    raise ModelFileError(f"{path}: damaged: its manifest names step {about.get('step')}.")
            except ModelFileError as error:
                damaged.append(str(error))
                continue
            for reason in damaged:
                tell(f"{reason} The checkpoint of step {step} is used instead.")
            return step, about, files
        if damaged:
            raise ModelFileError(
                f"{self.folder}: no checkpoint to resume from: {' '.join(damaged)} Restore the folder from an intact copy, or "
                "leave --resume out and start again in another folder."
            )
        if (old := self.folder.parent / _OLD_NAME).exists():
            raise ModelFileError(
                f"{old}: a checkpoint of an earlier version, which this version cannot read. Resume with the version that "
                "wrote it, or leave --resume out and start again in another folder."
            )
        return None

    def _remove_older_than_kept(self, newest: int) -> None:
        for _, path in [found for found in self._found() if found[0] <= newest][self.keep :]:
            remove_tree(path)

    def exist(self) -> bool:
        """Return whether there is any checkpoint, intact or not."""
        return bool(self._found()) or (self.folder.parent / _OLD_NAME).exists()

    def _found(self) -> list[tuple[int, Path]]:
        """Return step and path of each checkpoint, newest first."""
        paths = self.folder.iterdir() if self.folder.is_dir() else ()
        named = [(match, path) for path in paths if (match := _NAME.fullmatch(path.name))]
        return sorted(((int(match[1]), path) for match, path in named), reverse=True)


def _digest_number(files: Mapping[str, bytes]) -> float:
    """Return 48 bits of a digest as a number, which ranks can compare: a float holds them exactly."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(files[name])
    return float(int.from_bytes(total.digest()[:6]))
