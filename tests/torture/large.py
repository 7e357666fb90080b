"""A large prediction to be killed: a plane of 30 chunks with everything that can be written, begun or gone on with."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import torch

import unseam.scale.executors
from reference.large import blob_model, in_chunks, smooth, write_npy
from unseam.scale.folder import probability_store, work_folder
from unseam.scale.journalled import Journalled

SIZE = (180, 150)


def write_source(folder: Path) -> Path:
    """An image, and the model that segments it."""
    folder.mkdir()
    blob_model(0.6).save(folder / "model.safetensors")
    return write_npy(folder / "image.npy", smooth(np.random.default_rng(5), *SIZE))


def begin_or_go_on(source: Path, out: Path, log: Path) -> None:
    """What whoever finds a stopped prediction would type: the same again, with --resume if it had begun.

    A chunk that is computed although the journal says that it is finished is noted.
    """
    from unseam.model import Model

    torch.set_num_threads(1)
    known: dict[str, set[int]] = {}
    began = Journalled.__init__

    def remembers(self, *words, **named):
        began(self, *words, **named)
        known.update({key: set(chunks) for key, chunks in self._finished.items()})

    def noted(worker, task):
        if task.chunk in known.get(task.stage.key, ()):
            with log.open("a") as file:
                file.write(f"{task.stage.key} {task.chunk}\n")
        return perform(worker, task)

    perform = unseam.scale.executors.perform_pass
    Journalled.__init__ = remembers
    unseam.scale.executors.perform_pass = noted
    unseam.scale.journalled._SECONDS = 0.02
    model = Model.load(source.parent / "model.safetensors", "cpu", engine="torch")
    in_chunks(model, source, out, resume=(work_folder(out) / "plan.json").exists())


def remove_result(out: Path) -> None:
    """Remove a result and its probabilities."""
    for store in (out, probability_store(out)):
        shutil.rmtree(store, ignore_errors=True)


def digest(store: Path) -> dict[str, str]:
    """Every file of a result and of its probabilities."""
    found = {}
    for folder, name in ((store, ""), (probability_store(store), "probabilities/")):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found |= {f"{name}{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return found
