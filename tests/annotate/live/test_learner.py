from dataclasses import replace

import numpy as np
import pytest
import torch

from annotate_desk import GROUND, RECIPE, SQUARE, make_folder, painted
from unseam.annotate.live import images as images_module
from unseam.annotate.live.images import LiveImages
from unseam.annotate.live.learner import Learner
from unseam.annotate.live.recipe import LiveRecipe
from unseam.annotate.live.stock import StrokeStock
from unseam.annotate.ops import RUN
from unseam.augment import Augment, Elastic, Rotate, Scale
from unseam.data.normalise import Normalise
from unseam.shapes import IGNORE


def learner_of(folder, recipe: LiveRecipe = RECIPE, num_classes: int = 2) -> Learner:
    """A learner with two strokes on the first image."""
    images, stock = LiveImages(make_folder(folder).images, Normalise()), StrokeStock("classes", recipe.weight_map)
    stock.add_image(0, *images.checked_size(0))
    for box, value in ((GROUND, 0), (SQUARE, 1)):
        stock.paint(0, np.frombuffer(painted(0, box, value)[1], RUN))
    return Learner(recipe, stock, images, num_classes, seed=1)


MOVED = replace(RECIPE, augment=Augment(elastic=Elastic(), rotate=Rotate(), mirror=None, scale=Scale(0.6, 1.8), grey=None))


@pytest.mark.parametrize("recipe", [RECIPE, MOVED])
def test_every_crop_shows_its_class_however_it_is_turned(tmp_path, recipe):
    learner = learner_of(tmp_path, recipe)
    for step in range(12):
        batch = learner.batch(step)
        for number, classes in enumerate(batch.classes):
            assert (classes == (step + number) % 2).any()
        assert set(batch.classes.unique().tolist()) <= {0, 1, IGNORE}


def test_a_large_image_gives_the_same_crops(tmp_path, monkeypatch):
    """Only what a crop can read is read, and that is enough however it is turned and scaled."""
    whole = learner_of(tmp_path, MOVED)
    monkeypatch.setattr(images_module, "LARGEST_IN_MEMORY", 100)
    large = learner_of(tmp_path, MOVED)
    assert not isinstance(large.images.pixels(0), np.ndarray)
    for step in range(6):
        one, other = whole.batch(step), large.batch(step)
        torch.testing.assert_close(one.images, other.images, rtol=0, atol=0)
        assert torch.equal(one.classes, other.classes)


def test_a_crop_near_the_middle_of_a_large_map_needs_no_more_than_its_reach(tmp_path):
    learner = learner_of(tmp_path, MOVED)
    reach = MOVED.reach(learner.input_size)
    rng = np.random.default_rng(0)
    for _ in range(200):
        matrix = np.eye(2)
        for part in (MOVED.augment.rotate, MOVED.augment.scale):
            matrix = matrix @ part(rng)
        corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * learner.input_size / 2
        spread = (
            np.abs(matrix @ corners.T).max() + np.abs(matrix @ (corners * learner.output_size / learner.input_size).T).max()
        )
        assert spread + 4 * 10.0 <= reach + 1


def test_steps_follow_the_strokes_alone(tmp_path):
    first, second = learner_of(tmp_path), learner_of(tmp_path)
    first.learn(6)
    for _ in range(6):
        second.learn(1)
    for name, weight in first.state.net.state_dict().items():
        torch.testing.assert_close(second.state.net.state_dict()[name], weight, rtol=0, atol=0)


def test_new_classes_change_nothing_of_the_others(tmp_path):
    learner = learner_of(tmp_path)
    learner.learn(15)
    image = torch.from_numpy(learner.images.pixels(0).copy())[None]
    with torch.no_grad():
        before = learner.averaged.eval()(image)
        learner.grow(4)
        after = learner.averaged.eval()(image)
    torch.testing.assert_close(after[:, :2], before)
    assert (after[:, 2:] < before.amax(dim=1, keepdim=True).amin()).all() or float(after[:, 2:].max()) == -3.0
    learner.learn(1)
    assert learner.step == 16
