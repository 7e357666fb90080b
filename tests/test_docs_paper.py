"""docs/paper.md keeps its word: each symbol and each test that it names exists, and no departure is missing."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
SPANS = re.findall(r"`([^`\n]+)`", PAGE)
SYMBOLS = sorted({span for span in SPANS if re.fullmatch(r"unseam(\.\w+)+", span)})
TESTS = sorted({span for span in SPANS if span.startswith("tests/")})
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]


def resolved(symbol: str) -> object:
    """The object of a dotted name: the longest part that is a module, then attributes."""
    parts = symbol.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = getattr(found, name, None) or vars(found)["__dataclass_fields__"][name]
        return found
    raise ModuleNotFoundError(symbol)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_symbol_exists(symbol):
    assert resolved(symbol) is not None


@pytest.mark.parametrize("test", TESTS)
def test_test_exists(test):
    path, _, name = test.partition("::")
    assert (ROOT / path).is_file(), f"{path} is not there"
    if name:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path} has no {name}"


def test_a_name_that_is_not_there_would_show():
    with pytest.raises((AttributeError, KeyError)):
        resolved("unseam.nets.unet.VNet")


def test_rows_are_numbered_through_and_whole():
    assert [int(row[0]) for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 50
    for row in ROWS:
        assert len(row) == 5, row
        assert all(row), row


def test_each_row_has_a_symbol_and_a_test_or_says_what_is_missing():
    for number, _, symbol, test, departure in ROWS:
        assert symbol == "—" or symbol.strip("`") in SYMBOLS, number
        assert test == "—" or test.strip("`") in TESTS, number
        if "—" in (symbol, test):
            assert departure != "—", f"row {number} has neither a test nor a word about it"


def test_nothing_is_presented_as_a_quotation():
    for number, statement, *_ in ROWS:
        assert not re.search('["“”«»]', statement), f"row {number}"


def departing() -> set[str]:
    """Every class and function whose docstring states a departure."""
    found = set()
    for path in sorted((ROOT / "src").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and "Departs" in (ast.get_docstring(node) or ""):
                found.add(f"{module}.{node.name}")
    return found


def test_the_departures_are_those_of_the_docstrings():
    section = PAGE.split("\n## Departures in one place\n")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `(unseam[\w.]+)` \|", section, re.MULTILINE)
    assert sorted(listed) == sorted(departing())
