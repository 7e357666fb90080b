"""Shapes in signatures are checked here, and only here: every test runs under jaxtyping's import hook."""

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# The hook must stand before the first import of the package.
_hook = install_import_hook("unseam", "beartype.beartype")

settings.register_profile("house", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("house")

SEED = 20150518  # the day on which the paper was put on arXiv


def pytest_report_header() -> str:
    import torch

    torch.set_num_threads(1)
    return f"unseam: random seed {SEED}, torch {torch.__version__} on one thread, hypothesis derandomised"


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(SEED)
