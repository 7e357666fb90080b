"""Add a toy member to a family the documented way: in a copy of the package, through one line, seen from a fresh process."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import unseam


def copy_package(tmp_path: Path) -> Path:
    """Copy the package to ``tmp_path/unseam``; return the copied folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(Path(unseam.__file__).parent, tmp_path / "unseam", ignore=ignored))


def add_line(path: Path, after: str, line: str) -> None:
    """Put ``line`` after the only line of a file that contains ``after``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    places = [index for index, old in enumerate(lines) if after in old]
    assert len(places) == 1, f"{path}: {len(places)} lines contain {after!r}; one is needed"
    lines.insert(places[0] + 1, line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_python(copy: Path, code: str | Sequence[object], timeout: float = 300) -> str:
    """Run Python code, or the arguments of ``python``, on the copied package; return what it printed."""
    arguments = ["-c", code] if isinstance(code, str) else [str(word) for word in code]
    environment = os.environ | {"PYTHONPATH": str(copy.parent), "COLUMNS": "300"}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False, env=environment, cwd=copy.parent, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
