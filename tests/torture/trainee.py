"""What is killed: a training that takes half a second, of one network or of three folds."""

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import unseam.api.predict_files
import unseam.runs.fit
from reference.toy import SMALL, spots
from unseam.api.training import train
from unseam.cli import app
from unseam.runs.watch import Watch
from unseam.training import Schedule

STEPS = 60
SETTINGS = (*SMALL, "training.validations=6", "net.unet.dropout=0.3", "data.masks=instances")
MORE_STATE = ("net.unet.normalisation=batch", "training.average=0.9", "training.statistics_crops=5")
"""Stored statistics and averaged weights, which a checkpoint must hold as well; folds train with them."""


def write_data(folder: Path) -> Path:
    """Three images with three objects each."""
    rng = np.random.default_rng(4)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for name in "abc":
        image, labels = spots(rng)
        Image.fromarray(image).save(folder / f"images/{name}.png")
        Image.fromarray(labels).save(folder / f"masks/{name}.png")
    return folder


def begin_or_go_on(data: Path, out: Path, folds: int = 1, killed_at: int = 0, forgets: str = "", steps: int = STEPS) -> None:
    """What whoever finds a stopped run would type: the same again, with --resume if it had begun.

    ``killed_at``: the step at which it kills itself; ``forgets``: what it does not take up again when it goes on; ``steps``: of
    each fold.
    """
    torch.set_num_threads(1)
    is_begun = (out / "config.toml").exists()
    if forgets:
        _forget(forgets)
    chosen = SETTINGS if folds == 1 else (*SETTINGS, *MORE_STATE)
    settings = {"settings": chosen, "steps": steps * folds, "folds": folds}

    def kill(state, progress):
        if state.step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    train(data, out=out, device="cpu", resume=is_begun, watch=Watch(observers=(kill,)), **({} if is_begun else settings))


@dataclass(frozen=True)
class _Afresh:
    """A schedule that takes the place where training goes on for the beginning."""

    whole: Schedule
    start: float

    def factor(self, progress: float) -> float:
        return self.whole.factor(progress - self.start)


def _forget(what: str) -> None:
    loop = unseam.runs.fit.train_network

    def forgetful(state, batches, energy_of, plan, *rest):
        if state.step:
            if what == "momentum":
                state.optimiser.state.clear()
            elif what == "random numbers":
                plan = replace(plan, seed=plan.seed + 1)
            elif what == "learning rate":
                plan = replace(plan, schedule=_Afresh(plan.schedule, state.step / STEPS))
            elif what == "batches":
                next(batches)
        return loop(state, batches, energy_of, plan, *rest)

    unseam.runs.fit.train_network = forgetful


def command_line(*words: str) -> None:
    """``unseam``, as it is called at a terminal."""
    torch.set_num_threads(1)
    sys.argv = ["unseam", *words]
    app.main()


def predict_all(model: Path, images: Path, out: Path, log: Path) -> None:
    """Segment what is not segmented yet; what is begun and what is finished is noted, a line each."""
    torch.set_num_threads(1)
    segment = unseam.api.predict_files.predict_file

    def noted(model, job, *others, **named):
        _note(log, f"begun {job.image.name} {sum(path.exists() for path in job.outputs)}")
        result = segment(model, job, *others, **named)
        _note(log, f"finished {job.image.name}")
        return result

    unseam.api.predict_files.predict_file = noted
    words = ("--skip-existing", "--engine", "torch", "--device", "cpu", "--save", "both", "--probabilities")
    command_line("predict", str(model), str(images), "--out", str(out), *words)


def _note(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(line + "\n")
