"""Exported networks as files of PyTorch: weights for ``torch.load``, and TorchScript.

Both are written into memory and read back from there; this file reads nothing that it did not write.
"""

import io
import json
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from unseam.sharing import plain_nets
from unseam.sharing.plain_form import PlainForm

Runner = Callable[[np.ndarray], np.ndarray]
"""From normalised images (B, C, H, W) to maps (B, K, H, W), with a network that was read back from its file."""


def weights_file(form: PlainForm) -> bytes:
    """Return the weights as a file for ``torch.load(..., weights_only=True)``, with the names that the model file has."""
    stream = io.BytesIO()
    torch.save(dict(form.net.state_dict()), stream)
    return stream.getvalue()


def run_weights(form: PlainForm, data: bytes) -> Runner:
    """Return what computes with the weights of such a file, in a new network."""
    net = getattr(plain_nets, form.kind)(**form.settings)
    net.load_state_dict(torch.load(io.BytesIO(data), weights_only=True))
    return _runner(net.eval())


def torchscript_file(form: PlainForm) -> bytes:
    """Return the network as TorchScript, with the facts of the form as the extra file ``unseam.json``.

    PyTorch calls TorchScript deprecated, and QuPath runs nothing else of ours.
    """
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        torch.jit.save(torch.jit.script(form.net), stream, _extra_files={"unseam.json": form.facts.encode()})
    return stream.getvalue()


def run_torchscript(form: PlainForm, data: bytes) -> Runner:
    """Return what computes with such a file."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        facts = {"unseam.json": ""}
        net = torch.jit.load(io.BytesIO(data), _extra_files=facts)
    assert json.loads(facts["unseam.json"]) == json.loads(form.facts)
    return _runner(net)


def _runner(net: nn.Module) -> Runner:
    def run(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            maps: np.ndarray = net(torch.from_numpy(images)).numpy()
        return maps

    return run
