"""Freed memory kept: in processes of their own, for it cannot be undone."""

import subprocess
import sys

import pytest

from unseam.machine.kept_memory import keep_freed_memory

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator of Linux")

FAULTS = """
import resource
from unseam.machine.kept_memory import keep_freed_memory
kept = {call}
for _ in range(2):
    b"x" * (64 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    b"x" * (64 << 20)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(call: str, **environment: str) -> tuple[bool, int]:
    """What the call said, and how many pages five pieces of 64 MB took anew after the first two."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(call=call)], env=environment, check=True, capture_output=True, text=True
    )
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


@linux
def test_after_the_call_no_page_is_taken_anew():
    kept, faults = run("keep_freed_memory()")
    if not kept:
        pytest.skip("not the GNU C library")
    assert faults < 1000  # of 81,920
    assert run("False")[1] > 50_000  # without it every page is


@linux
@pytest.mark.parametrize("environment", [{"UNSEAM_KEEP_MEMORY": "0"}, {"MALLOC_TRIM_THRESHOLD_": "1000000"}], ids=str)
def test_it_can_be_switched_off_and_leaves_alone_what_the_user_set(environment):
    assert not run("keep_freed_memory()", **environment)[0]


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
