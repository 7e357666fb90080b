"""Which device, and which number format it computes fast in."""

from typing import Literal

import torch

from unseam.errors import SettingsError
from unseam.training.ranks import Ranks

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


def device_of_rank(name: str, ranks: Ranks) -> torch.device:
    """Where one of several processes computes: the GPU of its number on this machine, if there is one for each; or the CPU.

    Raises
    ------
    SettingsError
        If there are too few GPUs for ``cuda``, or another device is named.
    """
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cuda" and num_gpus < ranks.local_world:
        raise SettingsError(
            f"{ranks.local_world} processes came for {num_gpus} CUDA GPU(s) on this machine; each needs its own. Start fewer "
            "(torchrun --nproc-per-node), or give --device cpu."
        )
    if name not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"Device {name!r} came for several processes; each takes its own. Give 'auto', 'cpu' or 'cuda'.")
    return torch.device("cpu" if name == "cpu" or num_gpus < ranks.local_world else f"cuda:{ranks.local_rank}")
