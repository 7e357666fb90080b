"""Sizes against a walk through the layers, and tiles against the properties that they promise."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.network_sizes import output_length
from unseam.errors import SizeError
from unseam.geometry import AxisTiles, Geometry, lay_tiles, mirrored_range, path_geometry

UNET, FCN = 4, 2  # px lost in a step of the expansive path
PAPER = path_geometry(4, 4, UNET)

GEOMETRIES = st.sampled_from([path_geometry(depth, 4, lost) for depth in range(1, 6) for lost in (UNET, FCN)])


@pytest.mark.parametrize("lost_in_up_step", [UNET, FCN])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_every_length_is_that_of_the_walk(depth, lost_in_up_step):
    geometry = path_geometry(depth, 4, lost_in_up_step)
    for length in range(1, geometry.min_input + 4 * geometry.phase):
        walked = output_length(length, depth, lost_in_up_step)
        assert geometry.is_admissible(length) == (walked is not None), length
        if walked is not None:
            assert geometry.output_for(length) == walked


def test_the_papers_geometry():
    assert Geometry(context=92, phase=16, min_input=188) == PAPER
    assert PAPER.min_output == 4


def test_the_comparators_geometry():
    assert path_geometry(4, 4, FCN) == Geometry(context=77, phase=16, min_input=156)


def test_depth_seven_has_a_geometry():
    assert path_geometry(7, 4, UNET).phase == 128


@given(GEOMETRIES, st.integers(1, 5000))
def test_nearest_are_the_admissible_neighbours(geometry, length):
    below, above = geometry.nearest(length)
    assert geometry.is_admissible(below)
    assert geometry.is_admissible(above)
    if length < geometry.min_input:
        assert below == above == geometry.min_input
    else:
        assert below <= length <= above < below + 2 * geometry.phase
        assert above - below in (0, geometry.phase)


@given(GEOMETRIES, st.integers(1, 5000))
def test_input_for_output_is_the_smallest_that_gives_it(geometry, length):
    needed = geometry.input_for_output(length)
    assert geometry.output_for(needed) >= length
    smaller = needed - geometry.phase
    assert not geometry.is_admissible(smaller) or geometry.output_for(smaller) < length


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (570, "570 px .* 556 or 572"),
        (573, "573 px .* 572 or 588"),
        (187, "187 px .* 188 px .* 16 px.* 188"),
        (0, " 0 px .* 188"),
        (-16, "-16 px .* 188"),
    ],
)
def test_lengths_that_cannot_pass_are_refused_with_their_neighbours(length, message):
    with pytest.raises(SizeError, match=message):
        PAPER.output_for(length)


@settings(max_examples=300)
@given(GEOMETRIES, st.integers(1, 3000), st.integers(0, 2000))
def test_tiles_cover_an_axis_once_on_its_phase_grid(geometry, length, room):
    most = geometry.input_for_output(geometry.phase) + room
    tiles = lay_tiles(length, geometry, most)
    assert tiles.length == length
    assert tiles.input_tile <= most
    assert tiles.output_tile == geometry.output_for(tiles.input_tile)
    covered = [i for origin in tiles.origins for i in range(origin, origin + tiles.used(origin))]
    assert covered == list(range(length))
    assert all(1 <= tiles.used(origin) <= tiles.output_tile for origin in tiles.origins)
    assert all(origin % geometry.phase == 0 for origin in tiles.origins)
    assert all(b - a == tiles.stride for a, b in pairwise(tiles.origins))


@settings(max_examples=300)
@given(GEOMETRIES, st.integers(1, 3000), st.integers(0, 2000))
def test_tiles_are_the_fewest_and_then_the_smallest(geometry, length, room):
    most = geometry.input_for_output(geometry.phase) + room
    tiles = lay_tiles(length, geometry, most)
    if len(tiles.origins) == 1:
        assert tiles.input_tile == geometry.input_for_output(length)
        return
    assert geometry.input_for_output(length) > most, "one tile would have done"
    largest_stride = geometry.output_for(geometry.nearest(most)[0]) // geometry.phase * geometry.phase
    assert len(tiles.origins) == -(-length // largest_stride)
    smaller = tiles.stride - geometry.phase
    assert smaller * len(tiles.origins) < length, "smaller tiles would have done"
    assert tiles.input_tile == geometry.input_for_output(tiles.stride)


def test_the_papers_tile_is_used_to_384_of_its_388_px():
    tiles = lay_tiles(20 * 384, PAPER, 572)
    assert (tiles.input_tile, tiles.output_tile, tiles.stride) == (572, 388, 384)
    assert tiles.origins == tuple(range(0, 7680, 384))


def test_the_last_tile_is_used_in_part():
    tiles = lay_tiles(400, PAPER, 572)
    assert tiles == AxisTiles(400, input_tile=396, output_tile=212, stride=208, origins=(0, 208))
    assert [tiles.used(origin) for origin in tiles.origins] == [208, 192]


@pytest.mark.parametrize("length", [0, -3])
def test_an_empty_axis_is_refused(length):
    with pytest.raises(SizeError, match=f" {length} px .*at least 1"):
        lay_tiles(length, PAPER, 572)


@pytest.mark.parametrize("most", [-1, 0, 187, 188, 203])
def test_tiles_that_are_all_context_are_refused(most):
    with pytest.raises(SizeError, match=f"{most} px .*184 px .*at least 204 px"):
        lay_tiles(1000, PAPER, most)


@given(GEOMETRIES)
def test_the_tile_that_the_refusal_asks_for_will_do(geometry):
    needed = geometry.input_for_output(geometry.phase)
    assert lay_tiles(10_000, geometry, needed).stride == geometry.phase
    with pytest.raises(SizeError, match=f"at least {needed} px"):
        lay_tiles(10_000, geometry, needed - 1)


def test_a_small_image_may_be_one_tile_below_that():
    assert lay_tiles(4, PAPER, 188).origins == (0,)


@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 200))
def test_mirrored_range_is_numpys_reflection(length, before, after):
    expected = np.pad(np.arange(length), (before, after), mode="reflect")
    assert mirrored_range(-before, length + after, length).tolist() == expected.tolist()


@given(st.integers(1, 40), st.integers(-500, 500), st.integers(0, 50))
def test_mirrored_range_may_lie_anywhere(length, start, count):
    """Far from the image, too: the pattern repeats every 2 (length - 1) px and runs back and forth."""
    indices = mirrored_range(start, start + count, length).tolist()
    period = max(1, 2 * (length - 1))
    assert indices == mirrored_range(start + period, start + period + count, length).tolist()
    assert all(abs(a - b) == (length > 1) for a, b in pairwise(indices))
