"""The whole state of a run in one file, written whole or not at all, so that it can go on where it stopped."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unseam.errors import ModelFileError
from unseam.training.observers.validate import Record, Validate
from unseam.training.state import TrainState

_FORMAT = "unseam checkpoint 2"
_UNUSABLE = (SafetensorError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, OverflowError, OSError)


def save_checkpoint(
    path: Path,
    state: TrainState,
    validate: Validate,
    write: Callable[[Path, bytes], None],
    trained_on: Sequence[str] = (),
) -> None:
    """Write weights, the optimiser's memory, the best weights so far and the history.

    Parameters
    ----------
    path
        File to write or replace.
    state, validate
        What to keep.
    write
        Puts bytes into a file whole or not at all (:func:`unseam.io.write.write_bytes_whole`).
    trained_on
        Lines that say what the run trains on and is judged by; it may only go on with the same.
    """
    tensors = {f"net.{name}": w for name, w in state.net.state_dict().items()}
    numbers: dict[str, float] = {}
    for index, memory in state.optimiser.state_dict()["state"].items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{index}.{name}"] = value
            elif value is not None:
                numbers[f"{index}.{name}"] = value
    tensors |= {f"best.{name}": w for name, w in (validate.best_weights or {}).items()}
    about = {
        "format": _FORMAT,
        "step": state.step,
        "seconds": state.seconds,
        "trained_on": list(trained_on),
        "optimiser": type(state.optimiser).__name__,
        "optimiser_numbers": numbers,
        "records": [asdict(record) for record in validate.records],
        "best_step": validate.best.step if validate.best else None,
    }
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write(path, save_tensors(contiguous, metadata={"unseam": json.dumps(about)}))


def load_checkpoint(path: Path, state: TrainState, validate: Validate, trained_on: Sequence[str] = ()) -> None:
    """Bring a fresh state to where a checkpoint was written.

    Raises
    ------
    ModelFileError
        If the file is no checkpoint, or one of another network or optimiser, or of a run on other data: what was held
        out would have been trained on, and its best score would not compare.
    """
    with _naming(path):
        data = path.read_bytes()
        tensors = load_tensors(data)
        about = _about(data)
        before = [str(line) for line in about["trained_on"]]
    changes = _changes(before, trained_on)
    if changes:
        raise ModelFileError(
            f"{path}: this run was begun with other data, or with other parts of it held out ({changes}). Train with the "
            "images, data settings and training.seed that it was begun with, or leave --resume out and start afresh in "
            "another folder."
        )
    with _naming(path):
        _restore(state, validate, tensors, about)


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
            said.append(f"{word}: {'; '.join(lines[:most])}{more}")
    return ". ".join(said) or ("the same in another order" if list(before) != list(now) else "")


def _about(data: bytes) -> dict[str, Any]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    about = json.loads(header["__metadata__"]["unseam"])
    if about["format"] != _FORMAT:
        raise ValueError(f"its format is {about['format']!r}, not {_FORMAT!r}")
    return about


def _restore(state: TrainState, validate: Validate, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    if about["optimiser"] != (ours := type(state.optimiser).__name__):
        raise ValueError(f"it holds the memory of {about['optimiser']}, not of {ours}")
    state.net.load_state_dict(_part(tensors, "net."))
    groups = state.optimiser.state_dict()["param_groups"]
    weights = [w for group in state.optimiser.param_groups for w in group["params"]]
    memory: dict[int, dict[str, Any]] = {}
    for key, value in (*_part(tensors, "optimiser.").items(), *about["optimiser_numbers"].items()):
        index, name = key.split(".", 1)
        memory.setdefault(int(index), {})[name] = _laid_out_like(weights[int(index)], value)
    state.optimiser.load_state_dict({"state": memory, "param_groups": groups})
    state.step, state.seconds = int(about["step"]), float(about["seconds"])
    names = {field.name for field in fields(Record)}
    validate.records = [Record(**{k: v for k, v in row.items() if k in names}) for row in about["records"]]
    validate.best = next((r for r in validate.records if r.step == about["best_step"]), None)
    validate.best_weights = _part(tensors, "best.") or None


def _laid_out_like(weight: Tensor, value: Any) -> Any:
    """Fused optimisers walk weight and memory side by side in the order of storage: both must lie in it alike."""
    if isinstance(value, Tensor) and value.shape == weight.shape:
        return torch.empty_like(weight, device="cpu").copy_(value)
    return value


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
