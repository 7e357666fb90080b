"""Run a network in PyTorch, on the CPU or on a GPU, as it is written or compiled."""

import shutil
import sys
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from unseam.engines.base import geometries_of, geometry_of
from unseam.engines.footprint import Footprint, bytes_as_written, bytes_of_largest_weight, num_weights
from unseam.errors import SettingsError
from unseam.geometry import Geometry
from unseam.machine.channels_last import channels_last

_MAPS = 1.05
"""Memory of maps and library scratch relative to maps; measured, docs/performance.md."""

_LIBRARY_BYTES = 24 * 2**20
"""PyTorch's code that the first tile loads, and its threads: 14 MB measured, docs/performance.md."""

_HEAP_BYTES = 2 * 32 * 2**20
"""Freed blocks that the C library keeps but cannot use for maps. It keeps blocks of up to 32 MiB (glibc's largest
M_MMAP_THRESHOLD) and returns larger ones to the system. The number of idle blocks is measured, docs/performance.md."""


class TorchEngine:
    """Runs a network in PyTorch on a device.

    Parameters
    ----------
    net
        With ``geometry`` and ``config.num_classes``; it is put into evaluation mode (no drop-out).
    dtype
        Number format of the convolutions. In float64 tiles agree with one pass to about 1e-15, the rounding error.
    is_compiled
        Compile a program for each size of tile. This takes most of a minute, and on the CPU a C++ compiler, so it pays for
        thousands of tiles of one size. Raises `SettingsError` if there is no C++ compiler.
    note
        Why no other engine computes; part of the engine's name.
    """

    def __init__(
        self,
        net: nn.Module,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        *,
        is_compiled: bool = False,
        note: str = "",
    ) -> None:
        self._order = channels_last(len(geometries_of(net)))
        self.net = net.to(device).to(memory_format=self._order).eval()  # type: ignore[call-overload]
        self.device = torch.device(device)
        self.dtype = dtype
        self.is_compiled = is_compiled
        self.note = note
        if is_compiled and self.device.type == "cpu":
            _check_compiler()
        self._forward = torch.compile(self.net, dynamic=False) if is_compiled else self.net
        self._footprint = lru_cache(maxsize=64)(self._count)

    @property
    def geometry(self) -> Geometry:
        return geometry_of(self.net)

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        return geometries_of(self.net)

    @property
    def num_classes(self) -> int:
        return int(self.net.config.num_classes)

    def __str__(self) -> str:
        where = f"{torch.get_num_threads()} threads" if self.device.type == "cpu" else str(self.device)
        note = f" ({self.note})" if self.note else ""
        return f"PyTorch{' compiled' * self.is_compiled}{note}, {str(self.dtype).removeprefix('torch.')}, {where}"

    def __call__(self, tile: Float[np.ndarray, "channel *space"]) -> Float[np.ndarray, "klass *smaller"]:
        """Return the logits of one input tile, float32 (float64 if that is the engine's format)."""
        with torch.inference_mode():
            images = torch.from_numpy(tile)[None].to(self.device, memory_format=self._order)
            if self.dtype in (torch.bfloat16, torch.float16):
                with torch.autocast(self.device.type, self.dtype):
                    logits = self._forward(images).float()
            else:
                logits = self._forward(images.to(self.dtype))
            return logits[0].cpu().contiguous().numpy()  # class by class, as all that follows reads it

    kept_bytes = 0
    """PyTorch frees the memory of a tile."""

    def footprint(self, tile_shape: tuple[int, ...]) -> Footprint:
        """Return the bytes of this process for an input tile (C, H, W) or (C, D, H, W); on a GPU maps do not count."""
        return self._footprint(tile_shape)

    def release(self) -> None:
        """Free the GPU memory that PyTorch keeps for the next tile."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _count(self, tile_shape: tuple[int, ...]) -> Footprint:
        if self.device.type != "cpu":
            return Footprint(0, _LIBRARY_BYTES)
        maps = bytes_as_written(self.net, (1, *tile_shape), self.dtype)
        largest = bytes_of_largest_weight(self.net, self.dtype)
        weights = 2 * largest  # the copy in use and the one before, which lies idle
        if self.dtype.itemsize < 4:
            weights = largest + self.dtype.itemsize * num_weights(self.net)  # autocast keeps a copy of each
        idle = min(_HEAP_BYTES, 2 * maps)  # small maps leave few idle blocks
        return Footprint(0, int(_MAPS * maps) + idle + weights + _LIBRARY_BYTES)


def _check_compiler() -> None:
    names = ("cl",) if sys.platform == "win32" else ("g++", "clang++", "c++")
    if not any(shutil.which(name) for name in names):
        raise SettingsError(
            f"The engine 'compiled' needs a C++ compiler, and this machine has none of {', '.join(names)}. Install one or give "
            "--engine torch."
        )


def make(net: nn.Module, device: str, dtype: torch.dtype) -> TorchEngine:
    """Make the engine on any device of PyTorch."""
    return TorchEngine(net, device, dtype)
