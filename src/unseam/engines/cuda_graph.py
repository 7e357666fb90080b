"""A network on a CUDA GPU whose work is recorded once for each size of tile, and replayed after that.

A forward pass of the paper's network is some fifty small programs for the GPU, and each must be started by Python. On a
fast GPU and a small tile starting them takes longer than they do; a recording (a CUDA graph) is started at once.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unseam.engines.footprint import Footprint
from unseam.engines.torch_engine import TorchEngine
from unseam.geometry import Geometry

_WARM_UP = 3
"""Passes before a recording: libraries choose their algorithms and take their memory in the first."""


@dataclass(frozen=True)
class Recording:
    """What a size of tile needs to be computed again: tiles go into ``images``, logits come out in ``logits``."""

    graph: torch.cuda.CUDAGraph
    images: Tensor
    logits: Tensor
    images_host: Tensor
    logits_host: Tensor


class GraphEngine:
    """Runs a network as :class:`TorchEngine` does, with the same logits, and records what is asked for again.

    The first tile of a size is computed as usual, since images that are one tile each may all have other sizes; with the
    second of that size the work is recorded. Off a CUDA GPU nothing is recorded.

    Parameters
    ----------
    engine
        Computes whatever is not recorded.
    max_recordings
        Sizes that are kept; each holds the memory of a pass. The one that was not used for longest makes room.
    """

    def __init__(self, engine: TorchEngine, max_recordings: int = 2) -> None:
        self.engine = engine
        self.max_recordings = max_recordings
        self._recordings: OrderedDict[tuple[int, ...], Recording] = OrderedDict()
        self._last_size: tuple[int, ...] | None = None
        # Weights in the format that they are computed in: otherwise each replay would convert them again.
        self._net = copy.deepcopy(engine.net).to(engine.dtype)

    @property
    def geometry(self) -> Geometry:
        """The network's."""
        return self.engine.geometry

    @property
    def num_classes(self) -> int:
        """K of the network."""
        return self.engine.num_classes

    def __str__(self) -> str:
        """What computes, for the user."""
        return f"{self.engine}{', recorded' if self.engine.device.type == 'cuda' else ''}"

    def __call__(self, tile: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "klass rows cols"]:
        """Logits of one input tile, float32 (float64 if that is the engine's format); they hold until the next call."""
        recording = self._recordings.get(tile.shape)
        if recording is None:
            is_first, self._last_size = tile.shape != self._last_size, tile.shape
            if is_first or self.engine.device.type != "cuda":
                return self.engine(tile)
            recording = self._recordings[tile.shape] = self._record(tile.shape)
            if len(self._recordings) > self.max_recordings:
                self._recordings.popitem(last=False)
        self._recordings.move_to_end(tile.shape)
        recording.images_host.numpy()[0] = tile
        with torch.inference_mode(), torch.cuda.device(self.engine.device):
            recording.images.copy_(recording.images_host, non_blocking=True)
            recording.graph.replay()
            recording.logits_host.copy_(recording.logits, non_blocking=True)
            torch.cuda.current_stream().synchronize()
        return recording.logits_host[0].numpy()

    @property
    def kept_bytes(self) -> int:
        """Of this process: the tile and the logits of each recording, which the GPU reads and writes there."""
        return sum(kept.images_host.nbytes + kept.logits_host.nbytes for kept in self._recordings.values())

    def footprint(self, tile_shape: tuple[int, int, int]) -> Footprint:
        """Bytes of this process for an input tile (C, H, W); the recordings themselves are in the memory of the GPU."""
        takes = self.engine.footprint(tile_shape)
        if self.engine.device.type != "cuda":
            return takes
        num_channels, height, width = tile_shape
        rows, columns = (self.geometry.output_for(length) for length in (height, width))
        tile, logits = 4 * num_channels * height * width, max(4, self.engine.dtype.itemsize) * self.num_classes * rows * columns
        return Footprint(takes.kept + tile + logits, takes.passing)

    def release(self) -> None:
        """Forget the recordings, and give back the memory of the GPU that PyTorch has at hand."""
        self._recordings.clear()
        self.engine.release()

    def logits(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """What is recorded: logits of tiles that lie on the device, in the number format that engines hand over."""
        logits = self._net(images.to(self.engine.dtype))
        return logits if logits.dtype == torch.float64 else logits.float()

    def _record(self, size: tuple[int, ...]) -> Recording:
        with torch.inference_mode(), torch.cuda.device(self.engine.device):
            images = torch.zeros((1, *size), device=self.engine.device).to(memory_format=torch.channels_last)
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(_WARM_UP):
                    logits = self.logits(images)
            torch.cuda.current_stream().wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                logits = self.logits(images)
            images_host = torch.empty(images.shape, pin_memory=True)
            logits_host = torch.empty(logits.shape, dtype=logits.dtype, pin_memory=True)
            return Recording(graph, images, logits, images_host, logits_host)
