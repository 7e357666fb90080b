"""Small things to report on, and names that try to be HTML."""

import numpy as np
import pytest

from unseam.metrics import CalibrationScore
from unseam.report.comparison import Comparison, Comparisons, ReportFacts, SeamCheck, SeamLine

EVIL = "<script>alert('x')</script>&\"'.png"


def objects(rng: np.random.Generator, name: str = "a") -> Comparison:
    """A map with one object of each kind of error: 1 right, 2 split, 3 and 4 merged, 5 missed; 9 invented."""
    truth, predicted = np.zeros((2, 60, 80), np.int32)
    truth[2:12, 2:12] = predicted[2:12, 2:12] = 1
    truth[2:12, 20:40] = 2
    predicted[2:12, 20:30], predicted[2:12, 30:40] = 2, 3
    truth[20:30, 2:12], truth[20:30, 13:23] = 3, 4
    predicted[20:30, 2:23] = 4
    truth[40:50, 2:12] = 5
    predicted[40:50, 60:70] = 9
    return Comparison(name, truth, predicted, rng.integers(0, 255, (60, 80)).astype(np.uint8), (100, 200), "stack")


@pytest.fixture(scope="session")
def of_objects() -> Comparisons:
    rng = np.random.default_rng(0)
    seams = SeamCheck("64 × 64 px of a.", 1e-12, (SeamLine((204, 204), 16, 3e-16, 0),))
    calibration = CalibrationScore((10, 90), (6.0, 89.1), (5, 89))
    facts = ReportFacts("instances", ("background", "object"), calibration, seams, ("image a",), "cells")
    return Comparisons(facts, (objects(rng), objects(rng, EVIL)))


@pytest.fixture(scope="session")
def of_classes() -> Comparisons:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, (40, 50)).astype(np.uint8)
    predicted = truth.copy()
    predicted[:10] = 0
    truth[-3:] = 255
    picture = rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)
    facts = ReportFacts("classes", ("background", EVIL, "axon"), CalibrationScore((3,), (1.5,), (2,)))
    return Comparisons(facts, (Comparison(EVIL, truth, predicted, picture), Comparison("b", truth, truth)))
