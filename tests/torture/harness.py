"""What every test of faults is given, and what it gives back."""

import ast
import importlib
import time
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
SEED = 20150518


@dataclass(frozen=True)
class Scale:
    """How much to break.

    Attributes
    ----------
    folder
        An empty folder of the test's own.
    share
        0: the short form, that of ``make test``; 1: the whole long form, that of ``make torture``; between: a part of it.
    seed
        What is random is drawn from it.
    """

    folder: Path
    share: float = 0.0
    seed: int = SEED

    def of(self, short: int, long: int) -> int:
        """How often: ``short``, or this share of ``long`` if that is more."""
        return max(short, round(long * self.share)) if self.share else short


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes
    ----------
    test
        Of the plan: ``T1``.
    runs
        How often something was broken.
    lost
        How often finished work was gone, a run could not go on, or it ended in another way than it should.
    silent
        How often something wrong was taken for right and nobody was told.
    note
        What the count says, and what could not be tried here.
    seconds
        Filled in by the harness.
    """

    test: str
    runs: int
    lost: int
    silent: int
    note: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Something was tried, and nothing was lost or passed in silence."""
        return self.runs > 0 and self.lost == 0 and self.silent == 0


def names() -> list[str]:
    """The modules of all tests, in order."""
    return sorted(path.stem for path in HERE.glob("t[0-9][0-9]*_*.py"))


def about(name: str) -> str:
    """What a test breaks: the first line of its docstring."""
    text = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].rstrip(".")


def measure(name: str, scale: Scale) -> Result:
    """Run one test by the name of its module."""
    began = time.monotonic()
    result = importlib.import_module(f"torture.{name}").run(scale)
    assert isinstance(result, Result)
    return replace(result, seconds=time.monotonic() - began)


def check(name: str, folder: Path) -> Result:
    """The short form, for pytest: fails unless the result is good."""
    result = measure(name, Scale(folder))
    assert result.is_good, result
    return result
