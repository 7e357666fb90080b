"""Any image becomes one channel, and colour keeps the contrast of what is stained."""

import numpy as np
import pytest

from unseam.data.one_channel import how_grey, one_channel
from unseam.errors import DataError


def test_grey_stays_as_it_is(rng):
    image = rng.integers(0, 60000, (8, 9)).astype(np.uint16)
    assert one_channel(image) is image
    for channels in (1, 3):
        same = one_channel(np.repeat(image[..., None], channels, -1))
        np.testing.assert_array_equal(same, image)
    assert how_grey(image) == ()


def test_of_stains_on_white_the_darkest_channel_is_read_and_of_light_on_black_the_brightest(rng):
    stained = np.full((20, 20, 3), 240, np.uint8)
    stained[:5, :5] = (90, 40, 130)
    assert one_channel(stained)[0, 0] == 40
    assert "darkest" in how_grey(stained)[0]
    light = np.zeros((20, 20, 3), np.float32)
    light[:5, :5] = (0.1, 0.0, 0.9)
    assert one_channel(light)[0, 0] == np.float32(0.9)
    assert "brightest" in how_grey(light)[0]


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_other_numbers_of_channels_are_refused_with_the_remedy(channels):
    with pytest.raises(DataError, match=rf"has {channels} channels.*--channel"):
        one_channel(np.zeros((30, 30, channels), np.uint8) + np.arange(channels, dtype=np.uint8))
