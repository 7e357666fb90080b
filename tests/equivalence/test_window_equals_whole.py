"""A window of an image is predicted as it is with all of the image, and computed from little more than itself.

Training is judged on such windows: the strip held out of each image must be what prediction would say of it.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.whole_image import make_exact
from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut
from unseam.engines import TorchEngine
from unseam.evaluation.validation import prepare_validation
from unseam.heads import Classes
from unseam.inference.predict import Predictor
from unseam.metrics import evaluate_class_maps
from unseam.nets import FCN, UNet
from unseam.training import TrainState

HEIGHT, WIDTH = 90, 300


@pytest.fixture(scope="module", params=[(UNet, 2), (UNet, 3), (FCN, 3)], ids=["UNet-2", "UNet-3", "FCN-3"])
def engine(request):
    net_class, depth = request.param
    torch.manual_seed(0)
    net = make_exact(net_class(first_width=4, depth=depth).double().eval(), seed=1)
    return TorchEngine(net, dtype=torch.float64)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(-4, 5, (1, HEIGHT, WIDTH)).astype(np.float64)


@pytest.fixture(scope="module")
def whole(engine, image):
    return Predictor(engine).probabilities(image)


@settings(max_examples=40)
@given(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1), st.integers(1, HEIGHT), st.integers(1, 80), st.booleans())
def test_any_window(engine, image, whole, top, left, height, width, is_tiled):
    window = Window(top, min(top + height, HEIGHT), left, min(left + width, WIDTH)).slices
    largest = engine.geometry.input_for_output(3 * engine.geometry.phase) if is_tiled else 1000
    predicted = Predictor(engine, largest).probabilities(image, window)
    assert np.array_equal(predicted, whole[:, *window])


@pytest.mark.parametrize("thickness", [1, 5, 60])
def test_a_strip_at_either_end(engine, image, whole, thickness):
    """Beyond the border lies the mirror image of more than the strip."""
    for window in (Window(0, HEIGHT, 0, thickness), Window(0, HEIGHT, WIDTH - thickness, WIDTH)):
        assert np.array_equal(Predictor(engine).probabilities(image, window.slices), whole[:, *window.slices])


def test_no_more_is_computed_than_a_window_needs(engine, image):
    shapes = []

    class Counting:
        geometry, num_classes = engine.geometry, engine.num_classes

        def __call__(self, tile: np.ndarray) -> np.ndarray:
            shapes.append(tile.shape[1:])
            return engine(tile)

    Predictor(Counting()).probabilities(image, (slice(3, 5), slice(200, 220)))
    ((rows, columns),) = shapes
    most = 2 * engine.geometry.context + 2 * engine.geometry.phase
    assert (rows - 2 <= most, columns - 20 <= most) == (True, True)


def test_training_is_judged_by_what_prediction_says(rng):
    torch.manual_seed(3)
    net = UNet(first_width=2, depth=2)
    image = rng.random((1, 70, 90), np.float32)
    truth = (rng.random((70, 90)) < 0.4).astype(np.uint8)
    sample = Sample("one", image, truth, np.ones((70, 90), np.float32))
    window = Window(0, 70, 71, 90)
    score_of = prepare_validation([HeldOut(sample, window)], Classes(), None, torch.device("cpu"))
    state = TrainState(net, torch.optim.SGD(net.parameters()))
    predicted = Predictor(TorchEngine(net)).probabilities(image).argmax(0).astype(np.uint8)[window.slices]
    expected = evaluate_class_maps([("one", predicted, truth[window.slices])]).pooled()["iou"]
    assert score_of(state).value == pytest.approx(expected)
    assert score_of(state).foreground == pytest.approx(predicted.mean())
