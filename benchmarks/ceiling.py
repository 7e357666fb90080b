"""The machine's own ceiling: how fast it multiplies matrices, in the number formats that networks are computed in."""

import time
from collections.abc import Callable

import torch


def least_seconds(job: Callable[[], object], repeats: int, warm_ups: int = 1) -> float:
    """The shortest of some runs, after some that are not counted: what the machine can do when nothing disturbs it."""
    for _ in range(warm_ups):
        job()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return min(taken)


def matrix_rates(sides: tuple[int, ...] = (2048, 4096), repeats: int = 5) -> dict[str, float]:
    """GFLOP/s of a square matrix product for each number format: the best over the sides."""
    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        best = 0.0
        for side in sides:
            left, right = torch.randn(2, side, side).to(dtype)
            best = max(best, 2 * side**3 / least_seconds(lambda: left @ right, repeats) / 1e9)  # noqa: B023
        rates[str(dtype).removeprefix("torch.")] = best
    return rates
