"""The short form of every test of faults; ``make torture`` runs the long one."""

import pytest

from torture.__main__ import table
from torture.harness import Result, Scale, about, check, names


@pytest.mark.parametrize("name", names())
def test_nothing_is_lost(name, tmp_path):
    check(name, tmp_path)


@pytest.mark.parametrize("name", names())
def test_each_says_what_it_breaks(name):
    assert 10 < len(about(name)) < 110
    assert "|" not in about(name)


def test_how_often(tmp_path):
    assert Scale(tmp_path).of(20, 1000) == 20
    assert Scale(tmp_path, 0.1).of(20, 1000) == 100
    assert Scale(tmp_path, 0.001).of(20, 1000) == 20


@pytest.mark.parametrize("result", [Result("T0", 0, 0, 0), Result("T0", 5, 1, 0), Result("T0", 5, 0, 1)])
def test_what_is_not_good(result):
    assert not result.is_good
    assert Result("T0", 5, 0, 0).is_good


def test_the_table(tmp_path):
    text = table([(names()[0], Result("T0", 1000, 2, 3, "why", 4.4))], 1.0, 7)
    assert f"| T0 | {about(names()[0])} | 1,000 | 2 | 3 | 4 | why |" in text
    assert "100% of the long form, seed 7" in text
