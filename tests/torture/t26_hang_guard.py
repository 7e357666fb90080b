"""A test that hangs is ended, and says where it hung.

Runs pytest on a test that sleeps for ever, under the guard of ``tests/conftest.py``.
"""

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
    num = scale.of(1, 5)
    silent = 0
    for index in range(num):
        folder = scale.folder / str(index)
        folder.mkdir()
        shutil.copy(Path(__file__).parents[1] / "conftest.py", folder / "conftest.py")
        (folder / "test_hang.py").write_text(_HANGS)
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "hang_seconds=1", "--rootdir", str(folder), str(folder)]
        try:
            done = subprocess.run([sys.executable, *words], check=False, capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            silent += 1
            continue
        silent += not (done.returncode == 1 and "in test_that_hangs" in done.stderr)
    return Result("T26", num, 0, silent)
