"""A test that hangs is ended, and says where it hung.

Runs pytest on a test that sleeps for ever, under the guard of ``tests/conftest.py``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from torture.harness import Result, Scale

_HANGS = """
import threading

def test_that_hangs():
    threading.Event().wait()
"""


def run(scale: Scale) -> Result:
    num, tests = scale.of(1, 5), Path(__file__).parents[1]
    silent, said = 0, ""
    for index in range(num):
        folder = scale.folder / str(index)
        folder.mkdir()
        shutil.copy(tests / "conftest.py", folder / "conftest.py")
        (folder / "test_hang.py").write_text(_HANGS)
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "hang_seconds=1", "--rootdir", str(folder), str(folder)]
        try:
            command, beside = [sys.executable, *words], os.environ | {"PYTHONPATH": str(tests)}  # what that file imports
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=beside)
        except subprocess.TimeoutExpired:
            silent += 1
            continue
        if not (done.returncode == 1 and "in test_that_hangs" in done.stderr):
            silent, said = silent + 1, f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
    return Result("T26", num, 0, silent, said)
