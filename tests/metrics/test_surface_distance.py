import math

import numpy as np
import pytest
from hypothesis import given

from reference.metric_maps import CLASS_PAIRS, FULL_CLASS_PAIRS, INSTANCE_PAIRS
from reference.outline_distances import directed, outline_by_pixel, percentile_95
from unseam.errors import DataError, SettingsError
from unseam.metrics import SurfaceDistance, SurfaceScore
from unseam.metrics.surface_distance import outlines
from unseam.shapes import IGNORE, NOT_ANNOTATED

SPACING = (0.5, 0.25)


def square(top: int, left: int, size: int = 4) -> np.ndarray:
    labels = np.zeros((12, 14), np.int32)
    labels[top : top + size, left : left + size] = 1
    return labels


def test_by_hand():
    # both outlines have 12 px; shifted by 2 columns, the outermost columns are 2 px from the other outline
    score = SurfaceDistance(tolerance=1.0)(square(3, 5), square(3, 3))
    assert score.num_outline == (0, 24)
    assert score.num_near == (0, 16)
    assert score.hausdorff95[1] == 2
    assert score.columns() == {"hausdorff95_px": 2, "surface_dice": 16 / 24}


def test_lengths_are_physical():
    by_rows = SurfaceDistance(tolerance=0.9, unit="um", spacing=SPACING)(square(5, 3), square(3, 3))
    by_columns = SurfaceDistance(tolerance=0.9, unit="um", spacing=SPACING)(square(3, 5), square(3, 3))
    assert by_rows.columns()["hausdorff95_um"] == 1
    assert by_columns.columns() == {"hausdorff95_um": 0.5, "surface_dice": 1}
    assert by_rows.columns()["surface_dice"] < 1


def test_a_distance_of_the_tolerance_is_within_it():
    spacing = (0.1, 0.1)  # 3 * 0.1 is above 0.3 in floating point
    score = SurfaceDistance(tolerance=0.3, unit="um", spacing=spacing)(square(3, 6), square(3, 3))
    assert score.columns()["surface_dice"] == 1


def test_the_edge_of_the_image_and_of_the_annotation_is_no_outline():
    labels = np.ones((3, 4), np.int32)
    assert not outlines(labels, np.ones((3, 4), bool)).any()
    labels[:, 2:] = 0
    is_annotated = np.ones((3, 4), bool)
    is_annotated[:, 2] = False
    assert not outlines(labels, is_annotated).any()
    is_annotated[1, 2] = True
    assert np.argwhere(outlines(labels, is_annotated)).tolist() == [[1, 1]]


def test_touching_objects_have_an_outline_between_them():
    truth = np.array([[0, 1, 1, 1, 2, 2, 2, 0]] * 3)
    merged = (truth > 0).astype(int)
    score = SurfaceDistance(tolerance=0.0).from_instance_maps(merged, truth)
    assert score.num_outline == (0, 3 * 2 + 3 * 4)
    assert score.num_near == (0, 3 * 2 + 3 * 2)


def test_one_map_without_an_outline_costs_the_diagonal():
    empty = np.zeros((12, 14), np.int32)
    for pair in ((empty, square(3, 3)), (square(3, 3), empty)):
        columns = SurfaceDistance(unit="um", spacing=SPACING)(*pair).columns()
        assert columns == {"hausdorff95_um": math.hypot(12 * 0.5, 14 * 0.25), "surface_dice": 0}
    assert all(math.isnan(value) for value in SurfaceDistance()(empty, empty).columns().values())


@given(CLASS_PAIRS)
def test_against_every_pair_of_pixels(pair):
    score = SurfaceDistance(tolerance=0.6, unit="um", spacing=SPACING)(*pair).for_classes(3)
    is_annotated = pair[1] != IGNORE
    for k in (1, 2):
        one, other = (outline_by_pixel((labels == k).astype(int), is_annotated) for labels in pair)
        assert score.num_outline[k] == len(one) + len(other)
        if one and other:
            there, back = directed(one, other, SPACING), directed(other, one, SPACING)
            assert score.hausdorff95[k] == pytest.approx(max(percentile_95(there), percentile_95(back)))
            assert score.num_near[k] == sum(distance <= 0.6 for distance in there + back)


@given(INSTANCE_PAIRS)
def test_outlines_of_objects_against_every_pixel(pair):
    for labels in pair:
        is_annotated = pair[1] != NOT_ANNOTATED
        assert np.argwhere(outlines(labels, is_annotated)).tolist() == [list(p) for p in outline_by_pixel(labels, is_annotated)]


@given(FULL_CLASS_PAIRS)
def test_symmetric_and_perfect_against_itself(pair):
    there, back = SurfaceDistance()(*pair).columns(), SurfaceDistance()(*pair[::-1]).columns()
    assert there == pytest.approx(back, nan_ok=True)
    perfect = SurfaceDistance()(pair[0], pair[0])
    assert {value for value in perfect.hausdorff95 if not math.isnan(value)} <= {0}
    assert perfect.num_near == perfect.num_outline


def test_images_pool_by_their_outlines_and_as_a_mean_distance():
    one, other = SurfaceScore("px", (math.nan, 1.0), (0, 10), (0, 10)), SurfaceScore("px", (math.nan, 4.0), (0, 0), (0, 30))
    assert SurfaceScore.pool([one, other]) == {"hausdorff95_px": 2.5, "surface_dice": 0.25}
    three = one.for_classes(3)
    assert list(SurfaceScore.pool([three, three])) == [
        *("hausdorff95_px", "hausdorff95_px_class_1", "hausdorff95_px_class_2"),
        *("surface_dice", "surface_dice_class_1", "surface_dice_class_2"),
    ]


def test_refusals():
    with pytest.raises(SettingsError, match="tolerance is -1"):
        SurfaceDistance(-1.0)
    with pytest.raises(SettingsError, match=r"spacing is \(0\.0, 1\.0\).*above 0"):
        SurfaceDistance(spacing=(0.0, 1.0))
    with pytest.raises(DataError, match="same size"):
        SurfaceDistance()(square(1, 1), square(1, 1)[1:])
