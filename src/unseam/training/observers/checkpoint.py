"""The whole state of a run as the content of files, so that the run can resume bit for bit."""

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
_AVERAGED = "averaged.safetensors"
_NOT_NUMBERS = ("net", "optimiser", "energy", "foreground", "averaged")
_UNUSABLE = (SafetensorError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, OverflowError, OSError)


def checkpoint_files(state: TrainState, validate: Validate, trained_on: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a checkpoint: weights, optimiser's memory, averaged and best weights, history.

    Only one file is in memory at a time. ``trained_on`` holds lines that describe the training data and what is held out; a run
    may resume only with the same lines. Raises TrainingError before the first file if a number is not finite.
    """
    weights = dict(state.net.state_dict())
    memory, numbers = _memory(state.optimiser)
    averaged = dict(state.averaged.net.state_dict()) if state.averaged is not None else {}
    best = validate.best_weights or {}
    parts = {"net.": weights, "optimiser.": memory, "averaged.": averaged, "best.": best}
    _check_finite(state.step, {f"{part}{name}": tensor for part, some in parts.items() for name, tensor in some.items()})
    yield _WEIGHTS, _as_bytes(weights)
    yield _OPTIMISER, _as_bytes(memory)
    if averaged:
        yield _AVERAGED, _as_bytes(averaged)
    # The best weights are often those of this step, and then one file holds both.
    of_best = next((name for name, some in ((_WEIGHTS, weights), (_AVERAGED, averaged)) if _are_equal(some, best)), _BEST)
    if best and of_best == _BEST:
        yield _BEST, _as_bytes(best)
    about = {
        "format": FORMAT,
        "state": {f.name: getattr(state, f.name) for f in fields(TrainState) if f.name not in _NOT_NUMBERS},
        "trained_on": list(trained_on),
        "optimiser": type(state.optimiser).__name__,
        "optimiser_numbers": numbers,
        "since_record": [validate.energies, validate.foregrounds],  # a run may stop between two lines of the history
        "records": [asdict(record) for record in validate.records],
        "best_step": validate.best.step if validate.best else None,
        "best_weights": of_best if best else None,
    }
    yield _STATE, json.dumps(about).encode()


def restore_checkpoint(
    path: Path, files: Mapping[str, bytes], state: TrainState, validate: Validate, trained_on: Sequence[str] = ()
) -> None:
    """Load a checkpoint into a fresh state; errors name ``path``.

    Raises
    ------
    ModelFileError
        If the files are not a checkpoint, or belong to another network, another optimiser, or a run on other data: the network
        would have seen what is now held out, and the best score would not compare.
    """
    with _naming(path):
        about = json.loads(files[_STATE])
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}, not {FORMAT!r}")
        before = [str(line) for line in about["trained_on"]]
    changes = _changes(before, trained_on)
    if changes:
        raise ModelFileError(
            f"{path}: this run began with other data, or with other parts of it held out ({changes}). Train with the images, "
            "data settings and training.seed that it began with, or leave --resume out and start again in another folder."
        )
    with _naming(path):
        _restore(state, validate, files, about)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn every failure to read a file into a ModelFileError that names ``path``."""
    try:
        yield
    except _UNUSABLE as error:
        reason = " ".join(str(error).split())[:200]  # PyTorch lists every weight that does not fit, one per line
        raise ModelFileError(
            f"{path}: not a checkpoint that this run can resume from ({type(error).__name__}: {reason}). "
            "Leave --resume out to start again in another folder, or train with the settings that the run began with."
        ) from error


def _changes(before: Sequence[str], now: Sequence[str], most: int = 2) -> str:
    """Describe the first few lines that only one of the two lists has; empty if the lists are equal."""
    both = set(before) & set(now)
    gone, new = [line for line in before if line not in both], [line for line in now if line not in both]
    parts = []
    for word, lines in (("before", gone), ("now", new)):
        if lines:
            more = f"; and {len(lines) - most} more" if len(lines) > most else ""
            parts.append(f"{word}: {'; '.join(line[:200] for line in lines[:most])}{more}")
    return ". ".join(parts) or ("the same in another order" if list(before) != list(now) else "")


def _restore(state: TrainState, validate: Validate, files: Mapping[str, bytes], about: dict[str, Any]) -> None:
    if about["optimiser"] != (needed := type(state.optimiser).__name__):
        raise ValueError(f"it holds the state of {about['optimiser']}, not of {needed}")
    state.net.load_state_dict(load_tensors(files[_WEIGHTS]))
    if state.averaged is not None:
        # A run that took no average until now begins one with the weights that it has.
        state.averaged.net.load_state_dict(load_tensors(files[_AVERAGED if _AVERAGED in files else _WEIGHTS]))
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
    if state.precision not in ("", "float32", "bfloat16"):
        raise ValueError(f"it was computed in {state.precision!r}, an unknown number format")
    validate.energies, validate.foregrounds = ([float(value) for value in values] for values in about["since_record"])
    names = {field.name for field in fields(Record)}
    validate.records = [Record(**{k: v for k, v in row.items() if k in names}) for row in about["records"]]
    validate.best = next((r for r in validate.records if r.step == about["best_step"]), None)
    best = about["best_weights"]
    validate.best_weights = load_tensors(files[best]) if best is not None else None


def _memory(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Return what an optimiser remembers of each weight: tensors, and plain numbers."""
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
        # Minimum and maximum carry NaN along, and need no second tensor of that size.
        is_finite = not tensor.numel() or all(bool(torch.isfinite(end)) for end in torch.aminmax(tensor.detach()))
        if not is_finite:
            raise TrainingError(
                f"Training diverged: at step {step} {name} holds numbers that are not finite. No checkpoint of this step is "
                "written; the one before is kept. Try a learning rate ten times smaller (--set "
                "optimiser.learning_rate=1e-4), or clip gradients (--set training.clip_norm=1.0)."
            )


def _as_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    return save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _are_equal(tensors: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    same = tensors.keys() == others.keys()
    return same and all(torch.equal(tensor.detach().cpu(), others[name].cpu()) for name, tensor in tensors.items())


def _laid_out_like(weight: Tensor, value: Any) -> Any:
    """Give the optimiser's memory the layout of the weight: fused optimisers step through both in the order of storage."""
    if isinstance(value, Tensor) and value.shape == weight.shape:
        return torch.empty_like(weight, device="cpu").copy_(value)
    return value
