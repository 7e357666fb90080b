"""Which device, and which number format it computes fast in."""

from typing import Literal

import torch

from unseam.errors import SettingsError

Precision = Literal["auto", "float32", "bfloat16"]
"""``auto`` takes bfloat16 where the hardware computes in it, float32 elsewhere."""


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 in hardware; a CPU without is ten times slower in it than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    can = torch.cpu.get_capabilities()
    return bool(can.get("amx_bf16", False) or can.get("avx512_bf16", False))


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The number format for convolutions; weights and energies stay float32 whatever it is."""
    if precision == "float32" or (precision == "auto" and not has_fast_bfloat16(device)):
        return torch.float32
    return torch.bfloat16


def choose_device(name: str) -> torch.device:
    """``auto``: a CUDA GPU if there is one, otherwise the CPU; or the device that is named.

    Raises
    ------
    SettingsError
        If there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # a device that computes nothing (meta) is none
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SettingsError(f"Device {name!r} is not available here. Give 'auto', 'cpu' or 'cuda'.") from error
    return device
