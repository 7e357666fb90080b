"""The nearest of all warpings, by walking through every map that homotopic flips can reach: tiny maps only."""

from functools import cache

import numpy as np

from reference.homotopic_warp import num_components


def best_warp_error(start: np.ndarray, goal: np.ndarray) -> int:
    """Fewest pixels in which any warping of ``start`` differs from ``goal``."""
    reached, waiting = {_key(start)}, [_key(start)]
    while waiting:
        key = waiting.pop()
        for place in range(start.size):
            flipped = bytes([*key[:place], 1 - key[place], *key[place + 1 :]])
            if flipped not in reached and _components(flipped, start.shape) == _components(key, start.shape):
                reached.add(flipped)
                waiting.append(flipped)
    wanted = _key(goal)
    return min(sum(a != b for a, b in zip(key, wanted, strict=True)) for key in reached)


def _key(image: np.ndarray) -> bytes:
    return image.astype(np.uint8).tobytes()


@cache
def _components(key: bytes, shape: tuple[int, int]) -> tuple[int, int]:
    return num_components(np.frombuffer(key, np.uint8).reshape(shape))
