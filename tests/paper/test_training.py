"""Section 3: the energy, the weight map, momentum, one large tile a step, and the augmentation of section 3.1."""

import math

import numpy as np
import pytest
import torch

from reference.cross_entropy import energy
from unseam.augment import Augment, Elastic, GreyValues, Rotate
from unseam.data.crops import Crops
from unseam.data.sample import Sample
from unseam.data.weight_map import weight_map
from unseam.losses import WeightedCrossEntropy
from unseam.nets import UNet, UNetConfig
from unseam.recipes.paper import paper
from unseam.settings import decode, encode, with_overrides
from unseam.training.optim import SGD


def test_the_recipe_trains_the_papers_network():
    assert paper().net == UNetConfig() == UNetConfig(in_channels=1, num_classes=2, first_width=64, depth=4, dropout=0.5)


def test_momentum_is_0_99():
    optimiser = paper().optimiser
    assert isinstance(optimiser, SGD)
    assert optimiser.momentum == 0.99


def test_momentum_lets_many_samples_share_in_an_update():
    """The optimiser that is built, not only its setting: of a gradient seen 100 steps ago a share of 0.99^100 is left."""
    weight = torch.nn.Linear(1, 1, bias=False)
    optimiser = SGD(learning_rate=1.0, momentum=paper().optimiser.momentum).build(weight)
    moved = []
    for step in range(101):
        before = float(weight.weight.detach())
        weight.weight.grad = torch.full((1, 1), float(step == 0))
        optimiser.step()
        moved.append(before - float(weight.weight.detach()))
    assert moved[0] == pytest.approx(1, rel=1e-4)
    assert moved[100] == pytest.approx(0.99**100, rel=1e-3)


def test_a_step_is_one_tile_of_572_px():
    run = paper()
    geometry = UNet(first_width=1).geometry
    sample = Sample("one", np.zeros((1, 600, 600), np.float32), np.zeros((600, 600), np.uint8), np.ones((600, 600), np.float32))
    training = run.training
    crops = Crops([sample], run.augment, geometry, training.output_size, training.batch_size, seed=0)
    images, classes, weights = crops.batch(0)
    assert images.shape == (1, 1, 572, 572)
    assert classes.shape == weights.shape == (1, 388, 388)


def test_nothing_that_the_paper_does_not_name_bends_its_training():
    """No clipped gradients, no schedule, no decay, no end after some minutes; settings that are written keep that."""
    for run in (paper(), decode(type(paper()), encode(paper())), with_overrides(paper(), [])):
        assert (run.training.clip_norm, run.training.minutes) == (None, None)
        assert run.optimiser.weight_decay == 0
        assert [run.schedule.factor(progress) for progress in (0.0, 0.5, 1.0)] == [1, 1, 1]


def test_energy_is_the_weighted_log_of_the_soft_max(rng):
    """Eq. 1 by a loop over pixels; the sum of the paper is our mean times the number of pixels."""
    logits = rng.normal(size=(1, 3, 5, 4)).astype(np.float32)
    classes = rng.integers(0, 3, (1, 5, 4)).astype(np.uint8)
    weights = rng.uniform(0, 10, (1, 5, 4)).astype(np.float32)
    ours = WeightedCrossEntropy()(*(torch.from_numpy(part) for part in (logits, classes, weights)))
    assert float(ours) == pytest.approx(energy(logits, classes, weights), rel=1e-6)
    by_hand = 0.0
    for i, j in np.ndindex(5, 4):
        p = np.exp(logits[0, :, i, j]) / np.exp(logits[0, :, i, j]).sum()
        by_hand += weights[0, i, j] * math.log(p[classes[0, i, j]])
    assert 20 * float(ours) == pytest.approx(-by_hand, rel=1e-5)


def test_weight_map_has_w0_10_and_sigma_5():
    recipe = paper().weight_map
    assert (recipe.w0, recipe.sigma) == (10.0, 5.0)
    # A gap of three px between two cells: in its middle d1 = d2 = 2 px.
    gap = np.array([[1, 0, 0, 0, 2]])
    ours = weight_map(gap)  # without settings: the defaults are the paper's, too
    assert ours[0, 2] == pytest.approx(1 + 10 * math.exp(-((2 + 2) ** 2) / (2 * 5**2)), rel=1e-6)


def test_weight_map_balances_the_classes():
    """The paper's w_c: each class weighs as much as any other over all of its pixels."""
    assert paper().weight_map.balance == 1.0
    cells = np.zeros((20, 20), int)
    cells[3:8, 3:8] = 1
    weights = weight_map(cells, w0=0.0, class_weights="balanced")
    assert weights[cells > 0].sum() == pytest.approx(weights[cells == 0].sum(), rel=1e-5)


def test_elastic_vectors_have_10_px_on_a_3_by_3_grid(rng):
    elastic = paper().augment.elastic
    assert elastic == Elastic(grid=3, sigma=10.0)
    drawn = np.stack([elastic(rng) for _ in range(2000)])
    assert drawn.shape[1:] == (2, 3, 3)
    assert drawn.std() == pytest.approx(10, rel=0.02)
    assert abs(drawn.mean()) < 0.3


def test_displacements_are_smooth_between_the_vectors(rng):
    """Bicubic: on a tile of 572 px no displacement changes by more than a small part of a px from one px to the next."""
    elastic = paper().augment.elastic
    field = elastic.basis(572) @ elastic(rng) @ elastic.basis(572).T
    assert field.shape == (2, 572, 572)
    for axis in (1, 2):
        assert np.abs(np.diff(field, axis=axis)).max() < 0.5
        assert np.abs(np.diff(field, n=2, axis=axis)).max() < 0.01


def test_all_the_papers_variations_are_on():
    augment = paper().augment
    assert isinstance(augment, Augment)
    assert isinstance(augment.rotate, Rotate)
    assert isinstance(augment.grey, GreyValues)
    assert augment.scale is None, "the paper has none"


def test_shift_is_the_random_place_of_the_crop():
    """Every crop is cut round another place, anywhere in the image: a ramp shows where."""
    image = np.stack(np.mgrid[:40, :40].astype(np.float32))
    sample = Sample("one", image, np.zeros((40, 40), np.uint8), np.ones((40, 40), np.float32))
    still = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)
    crops = Crops([sample], still, UNet(first_width=1, depth=1).geometry, 4, 1, seed=0)
    middle = crops.input_size // 2
    centres = np.array([crops.crop(k, 0)[0][:, middle, middle].numpy() for k in range(500)])
    assert centres.min() < 2
    assert centres.max() > 37
    np.testing.assert_allclose(centres.mean(0), 19.5, atol=1.6)
