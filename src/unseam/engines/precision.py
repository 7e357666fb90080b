"""Choose the device and the number format that is fast on it."""

from typing import Literal

import torch

from unseam.errors import SettingsError

Precision = Literal["auto", "float32", "bfloat16"]
"""``auto``: bfloat16 where the hardware computes in it, otherwise float32."""


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 in hardware. Without, a CPU is ten times slower in it than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16", False) or capabilities.get("avx512_bf16", False))


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Choose the number format of convolutions; weights and energies always stay float32."""
    if precision == "float32" or (precision == "auto" and not has_fast_bfloat16(device)):
        return torch.float32
    return torch.bfloat16


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
