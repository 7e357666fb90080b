"""docs/reliability.md keeps its word: every test that it names exists, and every test of faults stands in its table."""

import re
from pathlib import Path

import pytest

from torture.harness import about, names

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[^`\s]+)`", PAGE)))


@pytest.mark.parametrize("test", TESTS)
def test_test_exists(test):
    path, _, name = test.partition("::")
    assert (ROOT / path).is_file(), f"{path} is not there"
    assert not name or re.search(rf"^(def|class) {name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_promise_names_one():
    rows = [line for line in PAGE.split("## Promises")[1].split("\n## ")[0].splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 5
    assert all("`tests/" in row.rsplit(" | ", 1)[1] for row in rows)


def test_the_last_table_is_good_and_names_what_it_ran():
    table = PAGE.split("## The last run")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| T")]
    assert rows
    whats = {about(name) for name in names()}
    for row in rows:
        assert row[1] in whats
        assert int(row[2].replace(",", "")) > 0
        assert row[3:5] == ["0", "0"], f"{row[0]} lost something"


def test_how_to_report_a_hole():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report a\nvulnerability" in text
    assert "@" not in text
    assert "docs/reliability.md" in text
