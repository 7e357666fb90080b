"""Every test runs with the shapes in signatures checked, and under a guard against hanging."""

import faulthandler
import os
import re
import threading

import pytest
import torch
from hypothesis import settings

import shape_checks

shape_checks.install()
torch.set_num_threads(1)  # in each of several processes that share the cores

settings.register_profile("house", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("house")

SEED = 20150518  # the day on which the paper was put on arXiv


def pytest_report_header() -> str:
    return f"unseam: random seed {SEED}, torch {torch.__version__} on one thread, hypothesis derandomised"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that processes that share the tests end together."""
    items.sort(key=lambda item: item.path.name not in ("test_torture.py", "test_torchrun.py", "test_cluster.py"))


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where a browser must be there (`.ci/run`), a test that was skipped for want of it has failed."""
    report = yield
    reason = str(report.longrepr)
    if (
        report.skipped
        and os.environ.get("UNSEAM_BROWSER_TESTS") == "required"
        and re.search("needs (a browser|node|TypeScript)", reason)
    ):
        report.outcome, report.longrepr = "failed", f"skipped where it must run: {reason}"
    return report


_TERMINAL = pytest.StashKey[int]()


def pytest_addoption(parser):
    parser.addini("hang_seconds", "a test that takes longer shows where it is, and ends all", default="120")


def pytest_configure(config):
    config.stash[_TERMINAL] = os.dup(2)  # what a test says is kept back; what a hanging one says must be seen


def pytest_unconfigure(config):
    os.close(config.stash[_TERMINAL])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    seconds, terminal, done = int(item.config.getini("hang_seconds")), item.config.stash[_TERMINAL], threading.Event()
    guard = threading.Thread(target=_end_what_hangs, args=(seconds, terminal, done), daemon=True)
    guard.start()
    faulthandler.dump_traceback_later(10 * seconds, exit=True, file=terminal)  # native code may let no thread run
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        done.set()
        guard.join()


def _end_what_hangs(seconds: int, terminal: int, done: threading.Event) -> None:
    """Counts seconds in which it ran: one in which the whole process was stopped is not the test's fault."""
    for _ in range(seconds):
        if done.wait(1):
            return
    faulthandler.dump_traceback(terminal)
    os._exit(1)
