"""Planes of a stack that span very different grey ranges."""

import numpy as np
import pytest

from unseam.data.normalise import GreyRange, Normalise
from unseam.data.stack_ranges import ranges_by_stack, stack_note, uneven_planes


def ranges(*spans):
    return [(GreyRange(100.0, 100.0 + span),) for span in spans]


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ((3000, 38), "plane 1 spans 38 grey levels, plane 0 spans 3,000"),
        ((38, 45, 3000, 41), "planes 0, 1 and 3 span 38 to 45 grey levels, plane 2 spans 3,000"),
        ((1, 1, 1, 1, 80), "planes 0 to 3 span 1 grey levels, plane 4 spans 80"),
        ((1.0, 0.1), "plane 1 spans 0.1 grey levels, plane 0 spans 1"),
        ((1, 9) * 10, "10 planes (0, 2, 4, 6, 8 and more) span 1 grey levels, plane 1 spans 9"),
    ],
)
def test_uneven_planes_are_named(spans, words):
    assert uneven_planes(ranges(*spans)) == words


@pytest.mark.parametrize("spans", [(5,), (100, 60, 20), (100, 0, 0), (0, 0)])
def test_even_planes_and_planes_of_one_value_are_not(spans):
    assert uneven_planes(ranges(*spans)) is None


def test_the_channel_is_named():
    planes = [(GreyRange(0, 9), GreyRange(0, 900)), (GreyRange(0, 9), GreyRange(0, 3))]
    assert uneven_planes(planes) == "plane 1 spans 3 grey levels of channel 1, plane 0 spans 900"


def test_the_note_names_the_option_and_is_not_given_where_the_stack_has_one_range():
    assert "--this takes one range" in stack_note(ranges(1, 100), Normalise(), "--this")[0]
    assert stack_note(ranges(1, 100), Normalise(over="stack"), "--this") == ()
    assert stack_note(ranges(90, 100), Normalise(), "--this") == ()


def test_only_planes_of_one_stack_share_a_range(rng):
    images = [rng.integers(0, top, (9, 8), np.uint8) for top in (10, 200, 50, 100, 30)]
    own = [Normalise(over="stack").ranges_of([image])[0] for image in images]
    found = ranges_by_stack(images, ["a", "", "b", "a", ""], Normalise(over="stack"))
    assert found[0] == found[3] == Normalise(over="stack").ranges_of([images[0], images[3]])[0]
    assert [found[1], found[2], found[4]] == [own[1], own[2], own[4]]
    assert ranges_by_stack(images, ["a"] * 5, Normalise()) == own
