"""Chunks cover a plane once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unseam.geometry.chunk_grid import ChunkGrid

grids = st.builds(ChunkGrid, st.integers(1, 60), st.integers(1, 60), st.integers(1, 25))


@given(grids)
def test_every_pixel_once(grid):
    counts = np.zeros((grid.height, grid.width), int)
    for chunk in range(len(grid)):
        counts[grid.window(chunk)] += 1
    assert (counts == 1).all()


@given(grids, st.data())
def test_touching_is_by_pixels(grid, data):
    owner = np.zeros((grid.height, grid.width), int)
    for chunk in range(len(grid)):
        owner[grid.window(chunk)] = chunk
    top, left = data.draw(st.integers(0, grid.height - 1)), data.draw(st.integers(0, grid.width - 1))
    bottom, right = data.draw(st.integers(top + 1, grid.height)), data.draw(st.integers(left + 1, grid.width))
    window = (slice(top, bottom), slice(left, right))
    assert list(grid.touching(window)) == np.unique(owner[window]).tolist()


def test_a_rim_ends_with_the_plane():
    grid = ChunkGrid(10, 20, 8)
    assert grid.window(0, rim=3) == (slice(0, 10), slice(0, 11))
    assert grid.window(2, rim=3) == (slice(0, 10), slice(13, 20))
    assert grid.place(5) == (1, 2)
    assert grid.beside(0) == (1, 3)
    assert grid.beside(5) == (None, None)
