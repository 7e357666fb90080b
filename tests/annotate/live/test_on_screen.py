import copy

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from annotate_desk import RECIPE, SIDE, make_folder
from unseam.annotate.live.images import LiveImages
from unseam.annotate.live.on_screen import MOST_MOVED, OnScreen, margin_of, mixed, most_moved
from unseam.data.normalise import Normalise
from unseam.engines.torch_engine import TorchEngine
from unseam.heads import Classes, RidgeObjects
from unseam.inference.predict import Predictor
from unseam.nets import folded

BOX = (0, 0, SIDE, SIDE)
MAPS = arrays(np.uint8, (6, 6), elements=st.integers(0, 2))


def net_of(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    net = RECIPE.net.build().eval()
    torch.nn.init.normal_(net.classify.weight, std=3.0)
    return net


def screen_of(folder) -> OnScreen:
    return OnScreen(LiveImages(make_folder(folder).images, Normalise()), Classes(), "torch")


def iou(one: np.ndarray, other: np.ndarray, klass: int) -> float:
    either = ((one == klass) | (other == klass)).sum()
    return float(((one == klass) & (other == klass)).sum() / either) if either else 1.0


@given(MAPS, MAPS, MAPS)
def test_no_iou_falls_further_than_the_picture_moves(before, after, truth):
    """The promise of the module: with any truth at all."""
    moved = most_moved(before, after)
    for klass in range(3):
        if (before == klass).any():
            assert iou(before, truth, klass) - iou(after, truth, klass) <= moved + 1e-9


@given(MAPS, MAPS)
def test_movement_is_the_worst_jaccard_distance_of_the_classes_on_screen(before, after):
    distances = [1 - iou(before, after, klass) for klass in range(3) if (before == klass).any()]
    assert np.isclose(most_moved(before, after), max(distances))


def test_a_class_that_is_not_on_screen_may_appear_at_once():
    before = np.zeros((40, 40), np.uint8)
    after = before.copy()
    after[:3] = 1
    assert np.isclose(most_moved(before, after), 3 / 40)  # only the background moved
    assert np.isclose(most_moved(after, before), 1.0)


def test_a_picture_may_jump_only_if_it_is_told_so(tmp_path):
    screen, first, other = screen_of(tmp_path), net_of(0), net_of(2)
    before = screen.renew(first, 10, 0, BOX, may_jump=True)
    free = copy.deepcopy(screen).renew(other, 20, 0, BOX, may_jump=True)
    assert most_moved(before.classes, free.classes) > 3 * MOST_MOVED
    assert not free.is_held
    for step in range(20, 120, 10):
        after = screen.renew(other, step, 0, BOX, may_jump=False)
        assert most_moved(before.classes, after.classes) <= MOST_MOVED
        before = after


def test_held_pictures_arrive_at_the_newest_weights(tmp_path):
    """However far they are, and where the network settles the picture is its own."""
    screen, other = screen_of(tmp_path), net_of(0)
    screen.renew(mixed(other, net_of(2), 0.3), 10, 0, BOX, may_jump=True)
    for step in range(20, 600, 10):
        picture = screen.renew(other, step, 0, BOX, may_jump=False)
        if not picture.is_held:
            break
    assert not picture.is_held
    np.testing.assert_array_equal(picture.classes, whole(other, screen).argmax(axis=0))


def whole(net: torch.nn.Module, screen: OnScreen, number: int = 0) -> np.ndarray:
    return Predictor(TorchEngine(folded(net))).probabilities(screen.images.pixels(number))


def test_a_window_is_that_part_of_the_whole_image(tmp_path):
    """No pixel differs, wherever the window lies."""
    screen, net = screen_of(tmp_path), net_of(1)
    row, column, height, width = 7, 13, 20, 31
    picture = screen.renew(net, 1, 0, (row, column, height, width), may_jump=True)
    maps = whole(net, screen)[:, row : row + height, column : column + width]
    np.testing.assert_array_equal(picture.classes, maps.argmax(axis=0))
    np.testing.assert_allclose(picture.margin / 255, abs(maps[0] - maps[1]), atol=0.003)


def test_another_window_is_predicted_with_the_weights_on_screen(tmp_path):
    screen, net = screen_of(tmp_path), net_of(1)
    screen.renew(net, 30, 0, BOX, may_jump=True)
    picture = screen.look(1, BOX)
    assert (picture.image, picture.step) == (1, 30)
    np.testing.assert_array_equal(picture.classes, whole(net, screen, 1).argmax(axis=0))
    moved = screen.renew(net_of(2), 40, 0, (8, 8, 30, 30), may_jump=False)  # never seen before: compared all the same
    shown = whole(net, screen)[:, 8:38, 8:38].argmax(axis=0).astype(np.uint8)
    assert most_moved(shown, moved.classes) <= MOST_MOVED


def test_margin_is_the_lead_of_the_likeliest_class(rng):
    maps = rng.dirichlet(np.ones(4), size=(5, 6)).transpose(2, 0, 1).astype(np.float32)
    order = np.sort(maps, axis=0)
    np.testing.assert_array_equal(margin_of(maps), np.rint(255 * (order[-1] - order[-2])))


def test_doubt_grows_where_the_network_is_unsure(tmp_path):
    screen, net = screen_of(tmp_path), net_of(1)
    screen.renew(net, 1, 0, BOX, may_jump=True)
    calm, opposite = screen.doubt(net, 0, BOX), copy.deepcopy(net)
    with torch.no_grad():
        for weight in opposite.classify.parameters():
            weight.neg_()
    assert np.isclose(screen.doubt(opposite, 0, BOX), 2 * calm, rtol=0.05)  # the newest weights disagree nearly everywhere
    unsure = copy.deepcopy(net)
    for weight in unsure.classify.parameters():
        torch.nn.init.normal_(weight, std=1e-3)
    screen.renew(unsure, 2, 0, BOX, may_jump=True)
    assert calm < 0.9 < screen.doubt(unsure, 0, BOX)


def test_objects_that_the_network_is_surer_of_than_of_what_joins_them_are_parted(tmp_path):
    """Two discs that melt together above a half: the picture shows two pieces, and all else is as the head says."""
    screen = OnScreen(LiveImages(make_folder(tmp_path).images, Normalise()), RidgeObjects(), "torch")
    rows, columns = np.mgrid[:SIDE, :SIDE]
    hills = [np.exp(-((rows - 24) ** 2 + (columns - at) ** 2) / 150) for at in (15, 33)]
    likely = np.maximum(*hills).astype(np.float32) * 0.98
    assert ndimage.label(likely > 0.5)[1] == 1
    screen.maps = lambda *_: np.stack([1 - likely, likely])
    picture = screen.renew(net_of(3), 1, 0, BOX, may_jump=True)
    pieces, number = ndimage.label(picture.classes)
    assert number == 2
    assert (pieces[24, 15], pieces[24, 33]) == (1, 2)
    assert ((likely > 0.5) & (picture.classes == 0)).sum() < SIDE
    assert not ((likely <= 0.5) & (picture.classes > 0)).any()
