from dataclasses import replace

import numpy as np
import pytest

from unseam.data.fingerprint import fingerprint
from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut


def sample(name: str = "a", instances: bool = False) -> Sample:
    classes = np.zeros((6, 8), np.uint8)
    classes[2:4, 2:5] = 1
    ids = classes.astype(np.int32) if instances else None
    return Sample(name, np.zeros((1, 6, 8), np.float32), classes, np.ones((6, 8), np.float32), ids)


def test_the_same_is_the_same_whatever_the_order_in_memory():
    one = sample()
    turned = replace(one, classes=np.asfortranarray(one.classes))
    assert fingerprint([one], []) == fingerprint([turned], [])


@pytest.mark.parametrize("what", ["name", "size", "annotation", "objects", "window", "held out or not"])
def test_another_is_another(what):
    one = sample(instances=True)
    window = Window(0, 6, 0, 2)
    before = fingerprint([one], [HeldOut(one, window)])
    other, parts = one, [HeldOut(one, window)]
    if what == "name":
        other = replace(one, name="b")
    elif what == "size":
        turned = {"classes": one.classes.T.copy(), "weights": one.weights.T, "instances": one.instances.T.copy()}
        other = replace(one, image=np.zeros((1, 8, 6), np.float32), **turned)
    elif what == "annotation":
        other = replace(one, classes=1 - one.classes)
    elif what == "objects":
        other = replace(one, instances=2 * one.instances)
    elif what == "window":
        parts = [HeldOut(one, Window(0, 6, 6, 8))]
    else:
        parts = []
    assert fingerprint([other], parts) != before
