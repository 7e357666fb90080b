"""Input tiles are windows of the mirrored image, and their outputs cover it without gap or overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unseam.errors import SizeError
from unseam.geometry import path_geometry
from unseam.inference.tiles import plan_tiles, read_tiles

GEOMETRIES = [path_geometry(depth, 4, lost) for depth in (1, 2, 3) for lost in (4, 2)]
PAPER = path_geometry(4, 4, 4)


@given(st.sampled_from(GEOMETRIES), st.integers(1, 90), st.integers(1, 90), st.integers(1, 4), st.integers(0, 2), st.data())
def test_each_tile_is_a_window_of_the_mirrored_image(geometry, height, width, parts, channels, data):
    most = geometry.input_for_output(max(geometry.phase, max(height, width) // parts))
    plan = plan_tiles((height, width), (geometry, geometry), most)
    image = np.random.default_rng(height).random((channels, height, width))
    context, side = geometry.context, most + geometry.phase
    mirrored = np.pad(image, ((0, 0), (context, side), (context, side)), mode="reflect")
    tiles = list(read_tiles(image, plan))
    assert len(tiles) == len(plan)
    tile = data.draw(st.sampled_from(tiles))
    rows, columns = plan.input_tile
    top, left = (part.start for part in tile.place)  # in the frame of the padded image this is the window's origin
    assert np.array_equal(tile.input, mirrored[:, top : top + rows, left : left + columns])


@given(st.sampled_from(GEOMETRIES), st.integers(1, 200), st.integers(1, 200), st.integers(1, 6))
def test_the_used_parts_cover_each_pixel_once(geometry, height, width, parts):
    most = geometry.input_for_output(max(geometry.phase, max(height, width) // parts))
    plan = plan_tiles((height, width), (geometry, geometry), most)
    count = np.zeros((height, width), int)
    for tile in read_tiles(np.zeros((1, height, width), np.float32), plan):
        count[tile.place] += 1
    assert (count == 1).all()


def test_tiles_come_row_by_row():
    plan = plan_tiles((800, 500), (PAPER, PAPER), 572)
    places = [tuple(part.start for part in t.place) for t in read_tiles(np.zeros((1, 800, 500), np.float32), plan)]
    assert places == sorted(places)
    assert len(places) == len(plan) == 6


def test_both_axes_have_their_own_tile():
    """A long strip is not cut into square tiles that are mostly mirror."""
    plan = plan_tiles((20, 1000), (PAPER, PAPER), 572)
    assert plan.input_tile == (204, 524)
    (first, *_) = read_tiles(np.zeros((1, 20, 1000), np.float32), plan)
    assert first.input.shape == (1, 204, 524)


def test_a_tile_is_contiguous_and_its_own():
    image = np.zeros((2, 50, 50), np.float32)
    for tile in read_tiles(image, plan_tiles((50, 50), (GEOMETRIES[1], GEOMETRIES[1]), 40)):
        assert tile.input.flags.c_contiguous
        assert not np.shares_memory(tile.input, image)


def test_the_type_of_the_image_stays():
    for dtype in (np.float32, np.float64):
        (tile,) = read_tiles(np.zeros((1, 5, 5), dtype), plan_tiles((5, 5), (PAPER, PAPER), 1000))
        assert tile.input.dtype == dtype


class Watched(np.ndarray):
    """Remembers which windows were read."""

    windows: list[tuple[slice, slice]]

    def __getitem__(self, key):
        if isinstance(key, tuple) and isinstance(key[1], slice):
            self.windows.append(key[1:])
        return np.asarray(self)[key]


def test_only_the_window_of_a_tile_is_read():
    """A scan on the disk is never read whole."""
    image = np.zeros((1, 3000, 2000), np.float32).view(Watched)
    image.windows = []
    plan = plan_tiles((3000, 2000), (PAPER, PAPER), 572)
    for _ in read_tiles(image, plan):
        pass
    assert len(image.windows) == len(plan)
    for rows, columns in image.windows:
        assert 0 < rows.stop - rows.start <= 572
        assert 0 < columns.stop - columns.start <= 572


@pytest.mark.parametrize(("height", "width"), [(0, 5), (5, 0)])
def test_an_empty_image_is_refused(height, width):
    with pytest.raises(SizeError, match="0 px"):
        plan_tiles((height, width), (PAPER, PAPER), 572)
