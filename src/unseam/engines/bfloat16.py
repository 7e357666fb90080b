"""How fast this processor computes in bfloat16, measured.

A processor may have instructions for bfloat16 that are slower than those for float32, and a virtual machine may lack the matrix
unit of its model. So no flag decides, but a measurement.
"""

import functools
import itertools
import math
import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F

_FEATURES, _SIDE = 64, 34
"""Measured maps: large enough for a matrix unit to show, small enough for a millisecond on one core."""

_REPEATS = 3
_EMULATED = 4.0
"""A processor that takes this many times as long emulates bfloat16, and every repeat would take a tenth of a second."""


@functools.cache
def bfloat16_speed() -> float:
    """Return how many times as fast as in float32 this processor computes convolutions in bfloat16.

    It is measured once a process and takes some tens of milliseconds: each convolution of Fig. 1 and its gradients, in turn in
    both formats, the least of three times. One core computes, since cores that wait for one another on a busy machine would
    spoil it. It draws no random numbers.
    """
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        jobs = [list(_convolutions(dtype)) for dtype in (torch.float32, torch.bfloat16)]
        for job in itertools.chain(*jobs):
            job()  # the first call compiles
        least = [[math.inf] * len(row) for row in jobs]
        for _ in range(_REPEATS):
            for row, times in zip(jobs, least, strict=True):
                times[:] = [min(before, _seconds(job)) for before, job in zip(times, row, strict=True)]
            in_float32, in_bfloat16 = map(sum, least)
            if in_bfloat16 > _EMULATED * in_float32:
                break
        return in_float32 / in_bfloat16
    finally:
        torch.set_num_threads(num_threads)


@torch.inference_mode()
def _convolutions(dtype: torch.dtype) -> Iterator[Callable[[], object]]:
    """Yield a 3x3 convolution, its gradients, and an up-convolution."""
    width, side = _FEATURES, _SIDE
    features, gradient = (_full((1, width, length, length), dtype) for length in (side, side - 2))
    kernel, bias = _full((width, width, 3, 3), dtype), _full((width,), dtype)
    up_kernel = _full((width, width // 2, 2, 2), dtype)
    place = ([1, 1], [0, 0], [1, 1], False, [0, 0], 1)  # stride, padding, dilation, not transposed, 1 group
    yield lambda: F.conv2d(features, kernel, bias)
    yield lambda: torch.ops.aten.convolution_backward(gradient, features, kernel, [width], *place, [True] * 3)
    yield lambda: F.conv_transpose2d(features[..., : side // 2, : side // 2], up_kernel, stride=2)


def _full(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    tensor = torch.full(shape, 0.01, dtype=dtype)
    return tensor.to(memory_format=torch.channels_last) if len(shape) == 4 else tensor


def _seconds(job: Callable[[], object]) -> float:
    """Return the time of this thread alone where the system counts it finely: other programs then disturb less."""
    is_fine = time.get_clock_info("thread_time").resolution < 1e-5
    clock = time.thread_time if is_fine else time.perf_counter
    start = clock()
    job()
    return clock() - start
