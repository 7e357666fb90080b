from dataclasses import replace

import numpy as np
import pytest

from reference.touching_cells import touching_cells
from reference.weight_map import separation_term
from unseam.data.normalise import Normalise
from unseam.data.prepare import Annotated, prepare
from unseam.data.weight_map import WeightMap
from unseam.errors import DataError, LabelError, SettingsError
from unseam.heads import Classes
from unseam.heads.ridge import cut_ridge
from unseam.shapes import IGNORE

NORMALISE = Normalise()
EQ_2 = WeightMap()


def annotated(labels: np.ndarray, name: str = "a", image: np.ndarray | None = None, **more) -> Annotated:
    if image is None:
        image = np.random.default_rng(0).integers(0, 255, labels.shape).astype(np.uint8)
    return Annotated(name, image, labels, **more)


def stripes(values: list[int], height: int = 30, width: int = 40, thickness: int = 4) -> np.ndarray:
    """Columns of these values over and over, so that each comes in several pieces."""
    row = np.repeat(np.resize(values, -(-width // thickness)), thickness)[:width]
    return np.tile(row, (height, 1)).astype(np.uint8)


def cells(size: int = 60) -> np.ndarray:
    return touching_cells(np.random.default_rng(2), size, 8)


def test_binary_masks():
    prepared = prepare([annotated(stripes([0, 255]))], NORMALISE, EQ_2)
    assert (prepared.reading.kind, prepared.num_logits, prepared.channels) == ("binary", 2, 1)
    sample = prepared.samples[0]
    np.testing.assert_array_equal(sample.classes, stripes([0, 1]))
    assert sample.instances is None
    np.testing.assert_array_equal(sample.image, NORMALISE(annotated(stripes([0, 255])).image))


def test_classes_with_ignore():
    prepared = prepare([annotated(stripes([0, 1, 2, 255]))] * 2, NORMALISE, EQ_2)
    assert (prepared.reading.kind, prepared.num_logits) == ("classes", 3)
    np.testing.assert_array_equal(prepared.samples[0].classes, stripes([0, 1, 2, IGNORE]))
    assert not prepared.samples[0].weights[stripes([0, 1, 2, 255]) == 255].any(), "what nobody annotated weighs nothing"


def test_instances_are_kept_whole_and_cut_for_training():
    labels = cells()
    prepared = prepare([annotated(labels)], NORMALISE, EQ_2)
    assert (prepared.reading.kind, prepared.num_logits) == ("instances", 2)
    sample = prepared.samples[0]
    np.testing.assert_array_equal(sample.instances, labels)
    np.testing.assert_array_equal(sample.classes, cut_ridge(labels) > 0)
    assert (sample.classes[labels > 0] == 0).any(), "cells touch here, so a ridge was cut"


def test_objects_that_nobody_annotated():
    labels = cells().astype(np.int32)
    labels[:, :10] = -1
    sample = prepare([annotated(labels)], NORMALISE, EQ_2).samples[0]
    assert (sample.classes[:, :10] == IGNORE).all()
    assert not sample.weights[:, :10].any()
    assert (sample.instances[:, :10] == -1).all()


def test_the_weight_map_of_instances_is_eq_2():
    labels = cells()
    sample = prepare([annotated(labels)], NORMALISE, WeightMap(w0=7.0, sigma=4.0, balance=0.0)).samples[0]
    expected = 1 + separation_term(cut_ridge(labels), 7.0, 4.0)
    np.testing.assert_allclose(sample.weights, expected, rtol=1e-4, atol=1e-5)
    assert sample.weights.max() > 5


def test_the_pieces_of_a_binary_mask_are_cells_to_eq_2():
    mask = np.zeros((30, 30), np.uint8)
    mask[5:25, 4:13] = mask[5:25, 16:26] = 255
    sample = prepare([annotated(mask)], NORMALISE, WeightMap(w0=7.0, sigma=4.0, balance=0.0)).samples[0]
    pieces = np.zeros((30, 30), int)
    pieces[5:25, 4:13], pieces[5:25, 16:26] = 1, 2
    np.testing.assert_allclose(sample.weights, 1 + separation_term(pieces, 7.0, 4.0), rtol=1e-4, atol=1e-5)


def test_classes_have_no_gaps_to_keep_open():
    sample = prepare([annotated(stripes([0, 1, 2]))], NORMALISE, WeightMap(balance=0.0), masks="classes").samples[0]
    np.testing.assert_array_equal(sample.weights, np.ones_like(sample.weights))


@pytest.mark.parametrize("values", [[0, 0, 0, 255], [0, 1, 1, 2, 0, 0]])
def test_balance_1_gives_every_class_the_same_sum_of_weights(values):
    prepared = prepare([annotated(stripes(values))], NORMALISE, WeightMap(w0=0.0, balance=1.0))
    sample = prepared.samples[0]
    sums = [sample.weights[sample.classes == k].sum() for k in range(prepared.num_logits)]
    np.testing.assert_allclose(sums, sums[0], rtol=1e-5)


@pytest.mark.parametrize("balance", [0.0, 0.25, 0.5, 1.0])
def test_class_weights_have_mean_1_over_the_annotated_pixels_of_all_images(balance):
    items = [annotated(stripes([0, 0, 255]), "a"), annotated(stripes([0, 0, 0, 0, 255], height=12), "b")]
    prepared = prepare(items, NORMALISE, WeightMap(w0=0.0, balance=balance))
    every = np.concatenate([sample.weights.ravel() for sample in prepared.samples])
    assert every.mean() == pytest.approx(1.0, rel=1e-5)
    counts = [sum(int((s.classes == k).sum()) for s in prepared.samples) for k in (0, 1)]
    assert prepared.class_weights[1] / prepared.class_weights[0] == pytest.approx((counts[0] / counts[1]) ** balance)


def test_colours_are_channels_and_grey_saved_as_colour_is_grey(rng):
    labels = stripes([0, 255])
    colour = rng.integers(0, 255, (*labels.shape, 3)).astype(np.uint8)
    assert prepare([annotated(labels, image=colour)], NORMALISE, EQ_2).channels == 3
    grey = np.repeat(colour[..., :1], 3, axis=-1)
    told = []
    assert prepare([annotated(labels, image=grey)], NORMALISE, EQ_2, tell=told.append).channels == 1
    assert any("three equal channels" in sentence for sentence in told)
    assert prepare([annotated(labels, image=grey), annotated(labels, "b", colour)], NORMALISE, EQ_2).channels == 3


def test_pixel_sizes_that_agree_are_kept():
    labels = stripes([0, 255])
    one, other = {"spacing_um": (0.5, 0.5)}, {"spacing_um": (0.7, 0.7)}
    assert prepare([annotated(labels, **one), annotated(labels, "b")], NORMALISE, EQ_2).spacing_um == (0.5, 0.5)
    assert prepare([annotated(labels, **one), annotated(labels, "b", **other)], NORMALISE, EQ_2).spacing_um is None
    assert prepare([annotated(labels)], NORMALISE, EQ_2).spacing_um is None


def test_what_was_decided_is_told():
    told = []
    prepare([annotated(stripes([0, 1, 2, 255]))] * 2, NORMALISE, EQ_2, tell=told.append)
    assert "classes" in told[0]
    assert "'not annotated'" in told[1]


def nan_image() -> np.ndarray:
    image = np.zeros((30, 40))
    image[4, 7] = np.nan
    return image


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([], DataError, r"at least one image"),
        ([annotated(stripes([0, 1]), "x", np.zeros((30, 41)))], DataError, r"x: .*30 x 41 .*mask 30 x 40"),
        (
            [annotated(stripes([0, 1]), "x"), annotated(stripes([0, 1]), "y", np.zeros((30, 40, 2)))],
            DataError, r"y has 2 channel\(s\), x has 1\b",
        ),
        ([annotated(stripes([0, 1]), "x", nan_image())], DataError, r"x: 1 pixel\(s\).*row 4, column 7"),
        ([annotated(stripes([3]), "x")], LabelError, r"x.*value 3"),
        ([annotated(np.full((5, 5), 0.5), "x")], LabelError, r"x: .*row 0, column 0 is 0\.5"),
        ([annotated(np.full((5, 5), -7), "x")], LabelError, r"x: .* is -7"),
        ([annotated(np.zeros((5, 5, 3), np.uint8), "x", np.zeros((5, 5, 3)))], DataError, r"x"),
        ([annotated(np.zeros((), np.uint8), "x", np.zeros(()))], DataError, r"x"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_named(items, error, message):
    with pytest.raises(error, match=message):
        prepare(items, NORMALISE, EQ_2)


def test_a_value_that_the_declared_classes_do_not_have():
    with pytest.raises(LabelError, match=r"a: .*value 2"):
        prepare([annotated(stripes([0, 1, 2]))], NORMALISE, EQ_2, declared=[(0, "sky"), (1, "sea")])


def test_the_file_that_a_plane_is_of_comes_along():
    items = [annotated(stripes([0, 255]), "s plane 0", group="s"), annotated(stripes([0, 255]), "t")]
    assert [sample.group for sample in prepare(items, NORMALISE, EQ_2).samples] == ["s", ""]


def test_a_mask_in_colours_is_named_as_such():
    colours = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(LabelError, match=r"a: .*\(8, 8, 3\).*grey image"):
        prepare([Annotated("a", np.zeros((8, 8), np.uint8), colours)], Normalise(), WeightMap())


def test_planes_that_differ_tenfold_are_told_and_may_share_one_range():
    stack = [annotated(stripes([0, 255]), f"z plane {n}", stack="z", plane=n) for n in range(3)]
    stack = [replace(one, image=(one.image // (1, 20, 1)[one.plane]).astype(np.uint8)) for one in stack]
    alone = annotated(stripes([0, 255]), "alone")
    told = []
    own = prepare([*stack, alone], NORMALISE, EQ_2, tell=told.append).samples
    (note,) = [sentence for sentence in told if "normalise.over=stack" in sentence]
    assert note.startswith("z: plane 1 spans 12 grey levels")
    told.clear()
    common = prepare([*stack, alone], Normalise(over="stack"), EQ_2, tell=told.append).samples
    assert not any("normalise.over" in sentence for sentence in told)
    assert np.ptp(own[1].image) == 1
    assert np.ptp(common[1].image) == pytest.approx(12 / 253, rel=0.1)
    np.testing.assert_array_equal(own[3].image, common[3].image)


def test_the_ridge_makes_background_between_objects_that_fill_the_image():
    tiles = np.kron(np.arange(1, 17).reshape(4, 4), np.ones((9, 9), int)).astype(np.uint16)
    assert prepare([annotated(tiles)], NORMALISE, EQ_2, masks="instances").samples[0].classes.min() == 0
    with pytest.raises(SettingsError, match=r"fill all annotated pixels.*head\.ridge_objects"):
        prepare([annotated(tiles)], NORMALISE, EQ_2, masks="instances", head=Classes())
    tiles[:3] = 0
    assert prepare([annotated(tiles)], NORMALISE, EQ_2, masks="instances", head=Classes()).num_logits == 2
