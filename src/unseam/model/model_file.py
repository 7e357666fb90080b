"""The model file: weights and all that prediction needs, in one safetensors file that cannot hold code.

The header of a safetensors file is JSON. Ours has an entry ``unseam``: :class:`ModelInfo` as text, with a check sum of that
text and the weights, so that a flipped bit on a disk is noticed and never used. Nothing is pickled. A few numbers in known
ranges describe the network, never a name to look up.

An ensemble is one file too, so that no part gets lost: the weights of member 0 are named ``members.0.``..., and the header has
a check sum for each member as well.
"""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from unseam.data.kinds import LabelKind, facts_of_kind
from unseam.errors import ModelFileError, SettingsError
from unseam.heads import Head, head_for
from unseam.io import write_bytes_whole
from unseam.model.model_info import ModelInfo, TrainingRecord
from unseam.settings import decode, encode, table_name

__all__ = ["ModelInfo", "TrainingRecord", "load_model", "model_bytes", "read_info", "save_model"]

FORMAT = "unseam model 2"
ENSEMBLE_FORMAT = "unseam ensemble 2"
_FORMATS_OF_0_1 = ("unseam model 1", "unseam ensemble 1")  # name no head, because it followed from what the masks held
_STORED = {torch.float32, torch.float16}
_LARGEST_HEADER = 1_000_000
_MOST_PARAMETERS = 2_000_000_000


def save_model(path: Path, net: nn.Module, info: ModelInfo, *, half: bool = False) -> None:
    """Write a model file, whole or not at all; with ``half``, its weights as 16-bit numbers, in a file of half the size.

    Raises
    ------
    OutputError
        If it cannot be written. An existing file stays unchanged.
    ModelFileError
        If a weight is not finite: the file could not be loaded again, so it is not written.
    """
    write_bytes_whole(path, model_bytes(net, info, str(path), half=half))


def model_bytes(net: nn.Module, info: ModelInfo, called: str = "the model", *, half: bool = False) -> bytes:
    """Return the content of a model file; ``called`` is its name in the ModelFileError for a weight that is not finite."""
    stored = torch.float16 if half else torch.float32
    weights = {name: w.detach().cpu().to(stored).contiguous() for name, w in net.state_dict().items()}
    bad = [name for name, w in weights.items() if not bool(torch.isfinite(w).all())]
    if bad:
        raise ModelFileError(f"{called}: not written: {bad[0]} holds numbers that are not finite, so the training diverged.")
    about = {"format": FORMAT, "head_version": info.head.version, **encode(info)}
    if info.release is None:
        del about["release"]
    if info.members:
        about["format"] = ENSEMBLE_FORMAT
        about["members_sha256"] = [_sum_of_weights(part) for part in _by_member(weights, len(info.members))]
    else:
        del about["members"]
    text = json.dumps({**about, "sha256": _check_sum(about, weights)})
    return _with_metadata(save_tensors(weights), {"format": "pt", "unseam": text})  # others ask for "format"


def _with_metadata(data: bytes, metadata: dict[str, str]) -> bytes:
    """Add metadata in their order; safetensors orders several entries by chance, and a model would be a new file each time."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps({"__metadata__": metadata, **json.loads(data[8:end])}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return b"".join((len(header).to_bytes(8, "little"), header, memoryview(data)[end:]))


def load_model(path: Path) -> tuple[nn.Module, ModelInfo]:
    """Read a model file: the network with its weights, on the CPU, and what else prediction needs.

    Raises
    ------
    ModelFileError
        If it is not a model file, is damaged, or has a format that this version does not know. No other error, whatever is
        wrong with the file.
    """
    info = read_info(path)
    about = _read_header(path)
    check_sum = about.pop("sha256", None)  # other programs may leave it out
    try:
        with torch.device("meta"):
            net = info.build()
        expected = {name: tuple(w.shape) for name, w in net.state_dict().items()}
        most = _LARGEST_HEADER + 8 * sum(w.numel() for w in net.state_dict().values())  # checked before reading
        if path.stat().st_size > most:
            raise ModelFileError(f"{path}: it is larger than its network needs. The file is damaged.")
        weights = load_tensors(path.read_bytes())
        if {name: tuple(w.shape) for name, w in weights.items()} != expected:
            raise ModelFileError(f"{path}: its weights do not fit its network. The file is damaged.")
        types = {w.dtype for w in weights.values()}
        if len(types) > 1 or not types <= _STORED or not all(bool(torch.isfinite(w).all()) for w in weights.values()):
            raise ModelFileError(f"{path}: some weights are not finite float32 numbers, nor all float16. The file is damaged.")
        if check_sum not in (None, _check_sum(about, weights)):
            damaged = _damaged_members(about.get("members_sha256"), weights)
            raise ModelFileError(
                f"{path}: its check sum does not fit its content{damaged}. The file is damaged: copy it again."
            )
        net.load_state_dict({name: w.float() for name, w in weights.items()}, assign=True)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ModelFileError(f"{path}: its weights cannot be read ({str(error)[:300]}). The file is damaged.") from error
    return net.eval(), info


def read_info(path: Path) -> ModelInfo:
    """Read only the header of a model file, which ``unseam info`` shows; raises ModelFileError as :func:`load_model`."""
    about = _read_header(path)
    written_as, head_version = about.pop("format"), about.pop("head_version", 1)
    about_members = written_as in (ENSEMBLE_FORMAT, _FORMATS_OF_0_1[1])
    about.pop("sha256", None)
    about.pop("members_sha256", None)
    if about_members != bool(about.get("members")):
        raise ModelFileError(f"{path}: its format does not fit the number of its networks. The file is damaged.")
    if written_as in _FORMATS_OF_0_1:
        about["head"] = _head_of_0_1(about)
    _check_head(path, about.get("head"), head_version)
    try:
        info = decode(ModelInfo, about)
        with torch.device("meta"):
            size = sum(w.numel() for w in info.net.build().parameters()) * max(1, len(info.members))
    except (SettingsError, TypeError, RuntimeError) as error:
        raise ModelFileError(f"{path}: its settings cannot be used ({str(error)[:600]}).") from error
    if size > _MOST_PARAMETERS:
        raise ModelFileError(f"{path}: its network has {size:,} weights, but at most {_MOST_PARAMETERS:,} are read.")
    return info


def _head_of_0_1(about: dict[str, Any]) -> dict[str, Any]:
    """Return the head of a file of 0.1 as a table, from what its masks held."""
    with_objects = [kind for kind in get_args(LabelKind) if facts_of_kind(kind).has_objects]
    return {table_name(type(head_for(has_objects=about.get("masks") in with_objects))): {}}


def _check_head(path: Path, table: object, version: object) -> None:
    """Raise ModelFileError for a head, or a version of a head, that this version of unseam does not know."""
    known = {table_name(member): member for member in get_args(Head)}
    for name in table if isinstance(table, dict) else ():
        if name not in known:
            raise ModelFileError(f"{path}: its head {name[:200]!r} is unknown; known are {', '.join(known)}. Update unseam.")
        newest = known[name].version
        if not isinstance(version, int) or not 1 <= version <= newest:
            raise ModelFileError(
                f"{path}: its head {name!r} has version {str(version)[:20]}; this unseam knows versions up to {newest}. Update "
                "unseam."
            )


def _check_sum(about: dict[str, Any], weights: dict[str, Tensor]) -> str:
    return _sum_of_weights(weights, json.dumps(about).encode())


def _sum_of_weights(weights: dict[str, Tensor], before: bytes = b"") -> str:
    total = hashlib.sha256(before)
    for name in sorted(weights):
        total.update(f"{name} {tuple(weights[name].shape)}".encode())
        total.update(weights[name].numpy().data.cast("B"))
    return total.hexdigest()


def _by_member(weights: dict[str, Tensor], number: int) -> list[dict[str, Tensor]]:
    """Split the weights of an ensemble into those of each network, by the network's own names."""
    prefixes = [f"members.{index}." for index in range(number)]
    return [{name.removeprefix(p): w for name, w in weights.items() if name.startswith(p)} for p in prefixes]


def _damaged_members(sums: object, weights: dict[str, Tensor]) -> str:
    """Name the networks of an ensemble whose check sums differ; empty for a single network."""
    if not isinstance(sums, list):
        return ""
    parts = zip(sums, _by_member(weights, len(sums)), strict=True)
    damaged = [str(index) for index, (known, part) in enumerate(parts, 1) if known != _sum_of_weights(part)]
    return f" (network {', '.join(damaged)} of {len(sums)})" if damaged else ""


def _read_header(path: Path) -> dict[str, Any]:
    """Read our JSON in the header, of limited size so that a hostile file cannot fill the memory."""
    wrong = f"{path}: not a model file. Give model.safetensors or the run folder that `unseam train` wrote"
    if path.name.endswith((".caffemodel", ".caffemodel.h5")):
        wrong = f"{path}: a network of Caffe. Import it, and give the folder: unseam import {path} --out FOLDER"
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise ModelFileError(f"{wrong} (this is a pipe or a device).")
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _LARGEST_HEADER:
                raise ModelFileError(f"{wrong} (it does not begin with a safetensors header).")
            header = json.loads(file.read(length))
        about = json.loads(header["__metadata__"]["unseam"])
        if isinstance(about, dict) and str(about.get("format")).startswith("unseam checkpoint"):
            raise ModelFileError(f"{path}: a checkpoint, not a model. Give model.safetensors from the run folder.")
        if not isinstance(about, dict) or about.get("format") not in (FORMAT, ENSEMBLE_FORMAT, *_FORMATS_OF_0_1):
            raise ModelFileError(f"{path}: its format is not {FORMAT!r}; another version of unseam wrote it. Update unseam.")
    except OSError as error:
        raise ModelFileError(f"{wrong} ({error.strerror}).") from error
    except ModelFileError:  # a ValueError as well
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{wrong} (its header names no unseam model).") from error
    return about
