from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from unseam.augment import Augment, Elastic, Scale
from unseam.data.crop_stock import ClassPixels, PixelsByRow, Stock
from unseam.data.crops import Crops
from unseam.data.sample import Sample
from unseam.nets import UNetConfig
from unseam.shapes import IGNORE

GEOMETRY = UNetConfig(first_width=2, depth=2).build().geometry
STILL = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)
MIRRORED = replace(Augment(grey=None), elastic=None, rotate=None)
STRONG = Augment(elastic=Elastic(sigma=20.0), scale=Scale(0.5, 3.0), grey=None)


def sample(classes, name="a"):
    classes = np.asarray(classes, np.uint8)
    return Sample(name, np.zeros((1, *classes.shape), np.float32), classes, np.ones(classes.shape, np.float32))


def dotted(height=300, width=320, at=(150, 160)):
    """Background with one pixel of class 1."""
    classes = np.zeros((height, width), np.uint8)
    classes[at] = 1
    return classes


def crops(samples, augment=STILL, crops="by_class", **more):
    chosen = {"output_size": 20, "batch_size": 1, "seed": 0} | more
    return Crops(Stock(samples, crops), augment, GEOMETRY, **chosen)


class Scripted:
    """A generator that draws the numbers that it is given."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def integers(self, end):
        number = self.numbers.pop(0)
        assert 0 <= number < end
        return number


def test_each_number_is_one_pixel_of_the_class_over_all_images(rng):
    """The plain way: list all pixels of a class, image by image and row by row."""
    maps = [rng.choice(np.array([0, 1, 4, IGNORE], np.uint8), shape) for shape in [(5, 7), (1, 9), (6, 1)]]
    maps.insert(1, np.full((3, 3), IGNORE, np.uint8))
    pixels = ClassPixels(maps)
    for order, klass in enumerate([0, 1, 4]):
        listed = [(index, *map(int, place)) for index, one in enumerate(maps) for place in np.argwhere(one == klass)]
        assert [pixels.draw(Scripted(order, number)) for number in range(len(listed))] == listed


def test_a_pixel_is_found_row_by_row(rng):
    chosen = rng.random((9, 11)) < 0.2
    chosen[[0, 4, 8]] = False
    found = [PixelsByRow(chosen).row_of(number) for number in range(int(chosen.sum()))]
    assert [(row, int(np.flatnonzero(chosen[row])[n])) for row, n in found] == [tuple(p) for p in np.argwhere(chosen).tolist()]


def test_each_class_is_drawn_as_often_as_the_others_and_in_it_each_pixel(rng):
    first = rng.choice(np.array([0, 1, 2], np.uint8), (40, 50), p=[0.9, 0.09, 0.01])
    second = np.where(rng.random((30, 30)) < 0.5, np.uint8(1), np.uint8(IGNORE))
    pixels = ClassPixels([first, second])
    drawn = [pixels.draw(rng) for _ in range(3000)]
    classes = np.bincount([(first, second)[index][row, column] for index, row, column in drawn])
    assert len(classes) == 3, "a pixel that is not annotated is no class"
    assert chisquare(classes).pvalue > 0.001
    ones = [index for index, row, column in drawn if (first, second)[index][row, column] == 1]
    shares = np.array([(first == 1).sum(), (second == 1).sum()]) / ((first == 1).sum() + (second == 1).sum())
    assert chisquare(np.bincount(ones), shares * len(ones)).pvalue > 0.001


@pytest.mark.parametrize("augment", [STILL, MIRRORED, STRONG], ids=["still", "mirrored", "strong"])
def test_the_drawn_pixel_is_in_the_crop_whatever_moves_it(augment):
    made = crops([sample(dotted())], augment)
    shown = [(made.batch(step)[1] == 1).any() for step in range(120)]
    assert np.mean(shown) > 0.35, "half of the crops are drawn for the one pixel"


def test_the_drawn_pixel_is_anywhere_in_the_crop_and_not_in_its_middle():
    made = crops([sample(dotted())], replace(MIRRORED, rotate=Augment().rotate))
    places = [torch.nonzero(made.batch(step)[1][0] == 1) for step in range(400)]
    quarters = np.array([(place[0] * 4 // made.output_size).tolist() for place in places if len(place)])
    assert len(quarters) > 150
    counts = np.bincount(quarters[:, 0] * 4 + quarters[:, 1], minlength=16)
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("at", [(0, 0), (299, 160), (150, 319)])
def test_the_middle_of_a_crop_lies_in_the_image(at):
    """Otherwise most of the crop could be mirrored: with nothing that moves pixels, at most three quarters are."""
    classes = np.indices((300, 320)).sum(0).astype(np.uint8) % 251  # no two neighbours are alike
    classes[at] = 254
    one = sample(classes)
    stock = Stock([one], "by_class")
    stock._by_class = ClassPixels([np.where(classes == 254, np.uint8(1), np.uint8(IGNORE))])
    made = Crops(stock, STILL, GEOMETRY, 20, 1, 0)
    for step in range(20):
        shown = made.batch(step)[1][0].numpy()
        assert (shown == 254).any()
        row, column = np.argwhere(shown == 254)[0]
        middle = np.array(at) + (made.output_size - 1) / 2 - (row, column)
        assert ((middle >= -0.5) & (middle <= np.array(classes.shape) - 0.5)).all()


@pytest.mark.parametrize("augment", [STILL, STRONG], ids=["still", "strong"])
@pytest.mark.parametrize("shape", [(300, 310), (5, 3), (1, 200)])
def test_pixels_that_are_not_annotated_are_never_drawn(shape, augment):
    """Of two annotated pixels, one is in each crop."""
    classes = np.full(shape, IGNORE, np.uint8)
    classes[0, -1], classes[-1, 0] = 0, 3
    if 1 in shape:
        classes[0, 100] = 1
    made = crops([sample(np.full((30, 30), IGNORE)), sample(classes, "b")], augment)
    for step in range(25):
        assert (made.batch(step)[1] != IGNORE).any()


def test_a_batch_is_a_function_of_seed_and_step_whatever_came_before():
    samples = [sample(dotted()), sample(np.random.default_rng(1).integers(0, 3, (60, 50)), "b")]

    def batch(step, **more):
        return torch.cat([part.flatten().float() for part in crops(samples, STRONG, **({"batch_size": 4} | more)).batch(step)])

    made = crops(samples, STRONG, batch_size=4)
    made.batch(6)
    assert torch.equal(torch.cat([part.flatten().float() for part in made.batch(7)]), batch(7))
    assert not torch.equal(batch(7), batch(8))
    assert not torch.equal(batch(7), batch(7, seed=1))


def test_ranks_make_parts_of_the_batch_of_one_process():
    samples = [sample(np.random.default_rng(1).integers(0, 3, (60, 50)))]
    whole = crops(samples, STRONG, batch_size=4).batch(5)
    parts = [crops(samples, STRONG, batch_size=2, rank=rank).batch(5) for rank in range(2)]
    for one, *others in zip(whole, *parts, strict=True):
        assert torch.equal(one, torch.cat(others))


def test_uniform_is_what_a_list_of_samples_gives():
    samples = [sample(dotted()), sample(dotted(50, 60, (3, 3)), "b")]
    for one, other in zip(Crops(samples, STRONG, GEOMETRY, 20, 2, 0).batch(3),
                          crops(samples, STRONG, "uniform", batch_size=2).batch(3), strict=True):  # fmt: skip
        assert torch.equal(one, other)
