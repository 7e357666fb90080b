"""The whole state of a run as files, so that it can go on where it stopped, bit for bit; where they lie is not known here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unseam.errors import ModelFileError, TrainingError
from unseam.training.observers.validate import Record, Validate
from unseam.training.state import TrainState

FORMAT = "unseam checkpoint 3"
_WEIGHTS, _OPTIMISER, _BEST, _STATE = "weights.safetensors", "optimiser.safetensors", "best.safetensors", "state.json"
_NOT_NUMBERS = ("net", "optimiser", "energy", "foreground")
_UNUSABLE = (SafetensorError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, OverflowError, OSError)


def checkpoint_files(
    state: TrainState, validate: Validate, trained_on: Sequence[str] = ()
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a checkpoint: weights, the optimiser's memory, the best weights, the history.

    Made one after another, so that only one is held. The best weights are left out where they are those of this step.

    Parameters
    ----------
    state, validate
        What to keep.
    trained_on
        Lines that say what the run trains on and is judged by; it may only go on with the same.

    Raises
    ------
    TrainingError
        Before the first file, if a weight or a number of the optimiser's memory is not finite: who went on from there
        would get no further.
    """
    weights = dict(state.net.state_dict())
    memory, numbers = _memory(state.optimiser)
    best = validate.best_weights or {}
    _check_finite(state.step, {**_under("net.", weights), **_under("optimiser.", memory), **_under("best.", best)})
    is_best = weights.keys() == best.keys() and all(torch.equal(w.detach().cpu(), best[name]) for name, w in weights.items())
    yield _WEIGHTS, _as_bytes(weights)
    yield _OPTIMISER, _as_bytes(memory)
    if best and not is_best:
        yield _BEST, _as_bytes(best)
    about = {
        "format": FORMAT,
        "state": {f.name: getattr(state, f.name) for f in fields(TrainState) if f.name not in _NOT_NUMBERS},
        "trained_on": list(trained_on),
        "optimiser": type(state.optimiser).__name__,
        "optimiser_numbers": numbers,
        "since_record": [validate.energies, validate.foregrounds],  # of a stop between two lines of the history
        "records": [asdict(record) for record in validate.records],
        "best_step": validate.best.step if validate.best else None,
        "best_weights": _WEIGHTS if is_best else _BEST if best else None,
    }
    yield _STATE, json.dumps(about).encode()


def restore_checkpoint(
    path: Path, files: Mapping[str, bytes], state: TrainState, validate: Validate, trained_on: Sequence[str] = ()
) -> None:
    """Bring a fresh state to where a checkpoint was written; ``path`` is what errors name.

    Raises
    ------
    ModelFileError
        If the files are no checkpoint, or one of another network or optimiser, or of a run on other data: what was held
        out would have been trained on, and its best score would not compare.
    """
    with _naming(path):
        about = json.loads(files[_STATE])
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}, not {FORMAT!r}")
        before = [str(line) for line in about["trained_on"]]
    changes = _changes(before, trained_on)
    if changes:
        raise ModelFileError(
            f"{path}: this run was begun with other data, or with other parts of it held out ({changes}). Train with the "
            "images, data settings and training.seed that it was begun with, or leave --resume out and start afresh in "
            "another folder."
        )
    with _naming(path):
        _restore(state, validate, files, about)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Whatever is wrong with a file is one kind of error."""
    try:
        yield
    except _UNUSABLE as error:
        reason = " ".join(str(error).split())[:200]  # PyTorch lists every weight that does not fit, a line each
        raise ModelFileError(
            f"{path}: not a checkpoint that this run can go on from ({type(error).__name__}: {reason}). "
            "Leave --resume out to start afresh in another folder, or train with the settings it was begun with."
        ) from error


def _changes(before: Sequence[str], now: Sequence[str], most: int = 2) -> str:
    """What one list of lines has and the other has not, the first few of each; empty if they are equal."""
    both = set(before) & set(now)
    gone, new = [line for line in before if line not in both], [line for line in now if line not in both]
    said = []
    for word, lines in (("before", gone), ("now", new)):
        if lines:
            more = f"; and {len(lines) - most} more" if len(lines) > most else ""
            said.append(f"{word}: {'; '.join(line[:200] for line in lines[:most])}{more}")
    return ". ".join(said) or ("the same in another order" if list(before) != list(now) else "")


def _restore(state: TrainState, validate: Validate, files: Mapping[str, bytes], about: dict[str, Any]) -> None:
    if about["optimiser"] != (ours := type(state.optimiser).__name__):
        raise ValueError(f"it holds the memory of {about['optimiser']}, not of {ours}")
    state.net.load_state_dict(load_tensors(files[_WEIGHTS]))
    groups = state.optimiser.state_dict()["param_groups"]
    weights = [w for group in state.optimiser.param_groups for w in group["params"]]
    memory: dict[int, dict[str, Any]] = {}
    for key, value in (*load_tensors(files[_OPTIMISER]).items(), *about["optimiser_numbers"].items()):
        index, name = key.split(".", 1)
        memory.setdefault(int(index), {})[name] = _laid_out_like(weights[int(index)], value)
    state.optimiser.load_state_dict({"state": memory, "param_groups": groups})
    state.step, state.seconds = int(about["state"]["step"]), float(about["state"]["seconds"])
    for name in {f.name for f in fields(TrainState)} & about["state"].keys() - {*_NOT_NUMBERS, "step", "seconds"}:
        kind = type(getattr(state, name))
        setattr(state, name, kind(about["state"][name]))
    validate.energies, validate.foregrounds = ([float(value) for value in values] for values in about["since_record"])
    names = {field.name for field in fields(Record)}
    validate.records = [Record(**{k: v for k, v in row.items() if k in names}) for row in about["records"]]
    validate.best = next((r for r in validate.records if r.step == about["best_step"]), None)
    best = about["best_weights"]
    validate.best_weights = load_tensors(files[best]) if best is not None else None


def _memory(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, float]]:
    """What an optimiser remembers of each weight: tensors, and plain numbers."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, float] = {}
    for index, memory in optimiser.state_dict()["state"].items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{name}"] = value
            elif value is not None:
                numbers[f"{index}.{name}"] = value
    return tensors, numbers


def _check_finite(step: int, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        # The least and the largest carry NaN along, and no second tensor of that size is made.
        is_finite = not tensor.numel() or all(bool(torch.isfinite(end)) for end in torch.aminmax(tensor.detach()))
        if not is_finite:
            raise TrainingError(
                f"Training diverged: at step {step} {name} holds numbers that are not finite. No checkpoint is written of "
                "that; the one before is kept. Try a learning rate ten times smaller (--set "
                "optimiser.learning_rate=1e-4), or clip gradients (--set training.clip_norm=1.0)."
            )


def _as_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    return save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def _laid_out_like(weight: Tensor, value: Any) -> Any:
    """Fused optimisers walk weight and memory side by side in the order of storage: both must lie in it alike."""
    if isinstance(value, Tensor) and value.shape == weight.shape:
        return torch.empty_like(weight, device="cpu").copy_(value)
    return value
