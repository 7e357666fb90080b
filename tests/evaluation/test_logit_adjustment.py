"""The bias between classes: found again where it was put in, by brute force, and never beyond the annotation."""

import numpy as np
import pytest
import torch

from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut
from unseam.evaluation.logit_adjustment import measure_logit_adjustment
from unseam.geometry import Geometry
from unseam.heads import Classes
from unseam.inference.predict import Predictor
from unseam.nets import FCN, UNet, add_to_logits
from unseam.shapes import IGNORE

HEAD = Classes()


class Given:
    """An engine whose logits are the image."""

    geometry = Geometry(context=0, phase=1, min_input=1)

    def __init__(self, num_classes):
        self.num_classes = num_classes

    def __call__(self, tile):
        return tile


def part_of(logits, classes):
    height, width = classes.shape
    return HeldOut(
        Sample("a", logits.astype(np.float32), classes.astype(np.uint8), np.ones(classes.shape, np.float32)),
        Window(0, height, 0, width),
    )


def drawn(rng, num_classes, size=120):
    """Logits, and classes drawn from their soft-max: they need no adjustment."""
    logits = rng.normal(size=(num_classes, size, size)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    classes = (rng.random((size, size)) > np.cumsum(p, axis=0)).sum(axis=0)
    return logits, np.minimum(classes, num_classes - 1)


def measured(logits, classes):
    return measure_logit_adjustment(Predictor(Given(len(logits)), head=HEAD), HEAD, [part_of(logits, classes)], seed=0)


@pytest.mark.parametrize("num_classes", [2, 3, 4])
def test_a_bias_is_found_again(num_classes, rng):
    logits, classes = drawn(rng, num_classes)
    bias = np.array([0.0, 1.4, -0.7, 0.3][:num_classes])
    np.testing.assert_allclose(measured(logits + bias[:, None, None], classes), -bias, atol=0.1)


def test_two_classes_by_brute_force(rng):
    logits, classes = drawn(rng, 2, size=40)
    logits[1] += 0.9
    candidates = np.arange(-3, 3, 0.001)
    difference = (logits[1] - logits[0]).ravel()[:, None] + candidates
    energy = np.logaddexp(0, np.where(classes.ravel()[:, None] == 1, -difference, difference)).mean(axis=0)
    assert measured(logits, classes)[1] == pytest.approx(candidates[energy.argmin()], abs=0.002)


def test_classes_without_annotation_and_the_background_stay(rng):
    logits, classes = drawn(rng, 3)
    classes[classes == 2] = IGNORE
    found = measured(logits, classes)
    assert (found[0], found[2]) == (0, 0)
    classes[...] = IGNORE
    assert not measured(logits, classes).any()


def test_no_class_moves_far(rng):
    logits, classes = drawn(rng, 2)
    assert measured(logits, np.zeros_like(classes)).tolist() == [0, 0], "a class that is nowhere keeps its logit"
    assert measured(logits + np.array([0, 9.0])[:, None, None], classes)[1] == pytest.approx(-3)


@pytest.mark.parametrize("net", [UNet(num_classes=3, first_width=2, depth=1), FCN(num_classes=3, first_width=2, depth=1),
                                 UNet(num_classes=3, first_width=2, depth=1, resolution="half")])  # fmt: skip
def test_every_pixel_of_a_class_is_shifted(net, rng):
    image = torch.from_numpy(rng.normal(size=(1, 1, 40, 40)).astype(np.float32))
    shifts = torch.tensor([0.0, 1.5, -0.5])
    with torch.no_grad():
        before = net.eval()(image)
        add_to_logits(net, shifts)
        torch.testing.assert_close(net(image), before + shifts[:, None, None])
