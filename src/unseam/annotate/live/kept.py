"""What survives the process: the weights of the live network, in one file, written whole."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unseam.annotate.live.learner import Learner
from unseam.annotate.live.on_screen import OnScreen
from unseam.io import make_folders, write_bytes_whole
from unseam.settings import encode

_LARGEST = 2**30
_MOST_STEPS = 10**9


@dataclass(frozen=True)
class Kept:
    """The file of the live network's weights: newest, averaged, on screen.

    Strokes are not in it: the journal has them. A file that is missing, damaged, or of another network is passed over: the
    network then learns anew from all strokes.
    """

    path: Path

    def save(self, learner: Learner, screen: OnScreen) -> None:
        """Write the weights. Raises OutputError if they cannot be written; the file before stays."""
        parts = {"net": learner.state.net.state_dict(), "averaged": learner.averaged.state_dict()}
        if screen.net is not None:
            parts["screen"] = screen.net.state_dict()
        tensors = {f"{part}.{name}": tensor.contiguous() for part, state in parts.items() for name, tensor in state.items()}
        tensors["about"] = _as_tensor(json.dumps(self._about(learner, screen)))
        make_folders(self.path.parent)
        write_bytes_whole(self.path, save_tensors(tensors))

    def restore(self, learner: Learner, screen: OnScreen) -> bool:
        """Take the weights over, if they fit; return whether they do. The optimiser begins anew."""
        try:
            if self.path.stat().st_size > _LARGEST:
                return False
            tensors = load_tensors(self.path.read_bytes())
            about = json.loads(bytes(tensors.pop("about").tolist()))
        except (OSError, SafetensorError, ValueError, KeyError):
            return False
        if not isinstance(about, dict) or about.get("net") != self._about(learner, screen)["net"]:
            return False
        expected = {name: (tensor.shape, tensor.dtype) for name, tensor in learner.state.net.state_dict().items()}
        found = {part: _part(tensors, part) for part in ("net", "averaged", "screen")}
        for part, state in found.items():
            is_absent = part == "screen" and not state
            fits = {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()} == expected
            if not is_absent and not (fits and all(bool(torch.isfinite(tensor).all()) for tensor in state.values())):
                return False
        step, step_on_screen = (about.get(name) for name in ("step", "step_on_screen"))
        if not (isinstance(step, int) and isinstance(step_on_screen, int) and 0 <= step_on_screen <= step < _MOST_STEPS):
            return False
        learner.take_over(found["net"], found["averaged"], step)
        if found["screen"]:
            screen.take_over(learner.averaged, found["screen"], step_on_screen)
        return True

    def _about(self, learner: Learner, screen: OnScreen) -> dict[str, object]:
        net = {"config": encode(learner.state.net.config), "kind": learner.stock.kind}
        return {"net": net, "step": learner.step, "step_on_screen": screen.step}


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}


def _as_tensor(text: str) -> Tensor:
    return torch.tensor(list(text.encode()), dtype=torch.uint8)
