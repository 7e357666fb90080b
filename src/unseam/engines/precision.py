"""Choose the device and the number format that is fast on it."""

from typing import Literal

import torch

from unseam.engines.bfloat16 import bfloat16_speed
from unseam.errors import SettingsError

SettledPrecision = Literal["float32", "bfloat16"]
Precision = Literal["auto", "float32", "bfloat16"]
"""``auto``: bfloat16 where it is faster than float32, otherwise float32. On a processor this is measured."""

_WORTH = 1.1
"""bfloat16 must be this many times as fast: it has 8 bits, and a gain within the noise is not worth the lost ones."""


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether a device computes faster in bfloat16 than in float32: measured on a processor, asked of a GPU."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bfloat16_speed() >= _WORTH


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Choose the number format of convolutions; weights and energies always stay float32."""
    return torch.bfloat16 if settle_precision(precision, device) == "bfloat16" else torch.float32


def settle_precision(precision: Precision, device: torch.device) -> SettledPrecision:
    """Return the number format that ``auto`` stands for on a device, or the one that is named."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_fast_bfloat16(device) else "float32"


def describe_choice(device: torch.device) -> str:
    """Say what ``auto`` chose on a device, and why."""
    chosen = settle_precision("auto", device)
    if device.type != "cpu":
        return f"computing in {chosen}"
    return f"computing in {chosen}: bfloat16 is {bfloat16_speed():.2g} times as fast as float32 here (measured)"


def choose_device(name: str) -> torch.device:
    """Choose the named device, or for ``auto`` a CUDA GPU if there is one, otherwise the CPU.

    Raises `SettingsError` if this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # refuses "meta", which exists but computes nothing
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SettingsError(f"Device {name!r} is not available here. Give 'auto', 'cpu' or 'cuda'.") from error
    return device
