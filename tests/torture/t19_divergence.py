"""Divergence is seen: six learning rates, an infinite pixel, a dead network, weights beyond 32 bits.

Each run must end with a network that learnt, or say what is wrong and which setting mends it, or say that it learnt nothing;
and no file of it may hold a number that is not finite.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from reference.toy import CONFIG, ENERGY, batches, checked, fresh, plan, weights_of
from reference.toy import spots as an_image
from torture.harness import Result, Scale
from unseam.api.training import train as train_model
from unseam.errors import TrainingError
from unseam.runs.watch import Watch
from unseam.training import SGD, Batch, train_network
from unseam.training.observers import Validate, ValidationScore

RATES = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)
_SMALL = (
    *("net.unet.first_width=4", "net.unet.depth=2", "training.output_size=40", "training.validations=12"),
    *("training.precision=float32", "training.clip_norm=false", "schedule.warm_up=0", "schedule.decay=false"),
)


def run(scale: Scale) -> Result:
    seeds = range(scale.of(1, 10))
    rates = RATES if scale.share else RATES[1::2]
    lost = silent = told = 0
    for seed in seeds:
        for rate in rates:
            folder = scale.folder / f"{seed}-{rate}"
            said = _with_rate(folder, rate, seed)
            silent += said is None
            told += bool(said)
            lost += not _is_finite(folder)
    others: tuple[Callable[[], bool], ...] = (_infinite_pixel, _always_infinite, _dead, _beyond_32_bits, _risen)
    silent += sum(not other() for other in others)
    return Result("T19", len(seeds) * len(rates) + len(others), lost, silent, f"{told} runs were told to be bad, by a setting")


def _with_rate(folder: Path, rate: float, seed: int) -> str | None:
    """What was said of a run with this learning rate and momentum 0.99: nothing if it learnt; None if it should have been."""
    rng = np.random.default_rng(seed)
    images, masks = zip(*(an_image(rng) for _ in range(3)), strict=True)
    settings = [*_SMALL, "optimiser.sgd.momentum=0.99", f"optimiser.sgd.learning_rate={rate}", f"training.seed={seed}"]
    told: list[str] = []
    try:
        model = train_model(images, masks, out=folder, steps=120, settings=settings, device="cpu", watch=Watch(told.append))
    except TrainingError as error:
        return str(error) if "--set optimiser.learning_rate=" in str(error) else None
    learnt_nothing = [sentence for sentence in told if "learnt nothing" in sentence]
    if learnt_nothing:
        return learnt_nothing[0]
    found = {int(value) for image in images for value in np.unique(model.predict(image).classes)}
    return "" if found == {0, 1} else None


def _is_finite(folder: Path) -> bool:
    arrays = [array for file in sorted(folder.rglob("*.safetensors")) for array in load_file(file).values()]
    return all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f")


def _spoilt(bad: Callable[[int], bool]) -> Iterator[Batch]:
    for step, batch in enumerate(batches()):
        if bad(step):
            batch.images[0, 0, 20, 20] = float("inf")
        yield batch


def _infinite_pixel() -> bool:
    """One infinite pixel in one batch: that step is left out, and the run ends where it would have ended without it."""
    hit = train_network(fresh(SGD(0.01, 0.9)), _spoilt(lambda step: step == 5), ENERGY, plan(40, 0.01))
    clean = train_network(fresh(SGD(0.01, 0.9)), batches(), ENERGY, plan(40, 0.01))
    is_finite = all(np.isfinite(weight).all() for weight in weights_of(hit.net).values())
    return is_finite and abs(hit.energy - clean.energy) < 0.05


def _always_infinite() -> bool:
    """An infinite pixel in every batch: the message does not blame the learning rate."""
    state = fresh(SGD(0.01, 0.9))
    before = weights_of(state.net)
    try:
        train_network(state, _spoilt(lambda _: True), ENERGY, plan(40, 0.01))
    except TrainingError as error:
        same = all(np.array_equal(before[name], weight) for name, weight in weights_of(state.net).items())
        return same and "first step" in str(error) and "grey values" in str(error)
    return False


def _dead() -> bool:
    """All ReLUs dead: the energy stays at ln 2, no foreground."""
    state = fresh(SGD(1e-3, 0.9), replace(CONFIG, dropout=0.0))
    with torch.no_grad():
        for name, weight in state.net.named_parameters():
            weight.fill_(-1.0 if name.endswith("bias") and "classify" not in name else 0.0)
    validate = Validate(lambda _: ValidationScore(0.0, 0.0), 12)
    try:
        train_network(state, batches(), ENERGY, plan(60, 1e-3), [validate], checked(validate))
    except TrainingError as error:
        return state.step < 60 and "0.69" in str(error) and "--set" in str(error)
    return False


def _beyond_32_bits() -> bool:
    """A step that is finite and throws the weights out of range: nothing of it is kept."""
    state = fresh(SGD(1e3, 0.0))
    kept: list[bool] = []
    validate = Validate(None, 20, lambda s, _: kept.append(all(np.isfinite(w).all() for w in weights_of(s.net).values())))
    steep = 1e37
    try:
        settings = plan(20, 1e3, clip_norm=None)
        train_network(state, batches(), lambda *of: steep * ENERGY(*of), settings, [validate], checked(validate))
    except TrainingError as error:
        best = validate.best_weights or {}
        return all(kept) and all(bool(torch.isfinite(w).all()) for w in best.values()) and "not finite" in str(error)
    return False


def _risen() -> bool:
    """The energy leaps after something was learnt."""
    state = fresh(SGD(1e-3, 0.9))
    validate = Validate(None, 10)
    factor = iter([*[1.0] * 50, *[1e3] * 50])
    try:
        train_network(state, batches(), lambda *of: next(factor) * ENERGY(*of), plan(100, 1e-9), [validate], checked(validate))
    except TrainingError as error:
        return "the energy rose" in str(error) and "learning_rate" in str(error)
    return False
