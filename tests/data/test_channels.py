"""Channels of arrays, and the sentence on those whose first axis is not rows."""

import pytest

from unseam.data.channels import first_axis_hint


@pytest.mark.parametrize("shape", [(2, 120, 130), (1, 20, 30), (19, 20, 30)])
def test_a_short_first_axis_may_count_channels_or_planes(shape: tuple[int, ...]) -> None:
    hint = first_axis_hint(shape)
    assert f"first axis, of {shape[0]}, counts channels" in hint
    assert "counts planes" in hint


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 2), (20, 20, 30), (2, 3, 20, 30)])
def test_other_shapes_have_no_such_sentence(shape: tuple[int, ...]) -> None:
    assert first_axis_hint(shape) == ""
