"""``unseam measure --report``: a page beside the table."""

import re

import numpy as np
import pytest
import tifffile

from unseam.cli.app import USERS_MISTAKE, run


@pytest.fixture
def at_the_users(tmp_path, monkeypatch, rng):
    cells = np.zeros((2, 60, 70), np.uint16)
    cells[:, 5:15, 5:25], cells[:, 30:50, 30:50], cells[0, 5:9, 40:44] = 1, 2, 3
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for name, one in zip(("a", "b"), cells, strict=True):
        tifffile.imwrite(tmp_path / f"masks/{name}_masks.tif", one)
        tifffile.imwrite(tmp_path / f"images/{name}.tif", rng.integers(0, 1000, one.shape).astype(np.uint16))
    tifffile.imwrite(tmp_path / "stack_masks.tif", cells, metadata={"axes": "ZYX"})
    (tmp_path / "groups.csv").write_text("image,group\na,control\nb,treated\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_stands_beside_the_table(at_the_users, capsys):
    words = ["measure", "masks", "--images", "images", "--groups", "groups.csv", "--report", "--out", "cells.csv"]
    assert run(words) == 0
    assert "report: cells.html" in capsys.readouterr().out
    text = (at_the_users / "cells.html").read_text(encoding="utf-8")
    assert "5 objects in 2 plane(s) of 2 image(s)." in text
    assert "unseam measure masks --images images --out cells.csv --groups groups.csv --report" in text
    assert {"control", "treated"} <= set(re.findall(r"<text[^>]*>([^<]*)</text>", text))
    assert run([*words, "--overwrite"]) == 0


def test_planes_of_a_stack_are_shown_apart_and_without_an_image(at_the_users):
    assert run(["measure", "stack_masks.tif", "--report", "--out", "stack.csv"]) == 0
    text = (at_the_users / "stack.html").read_text(encoding="utf-8")
    assert "<h3>stack 0</h3>" in text
    assert "<h3>stack 1</h3>" in text
    assert "intensity_mean" not in text


def test_a_page_of_properties_that_cannot_be_drawn(at_the_users):
    assert run(["measure", "masks", "--properties", "solidity", "--report", "--out", "some.csv"]) == 0
    assert "There are none to show." in (at_the_users / "some.html").read_text(encoding="utf-8")


def test_classes_have_a_page_of_numbers(at_the_users):
    assert run(["measure", "masks", "--masks", "classes", "--report", "--out", "classes.csv"]) == 0
    text = (at_the_users / "classes.html").read_text(encoding="utf-8")
    assert "There are no objects." in text
    assert "rows of classes" in text


def test_a_file_that_is_no_report_is_kept_and_nothing_is_written(at_the_users, capsys):
    (at_the_users / "cells.html").write_text("mine", encoding="utf-8")
    assert run(["measure", "masks", "--report", "--out", "cells.csv"]) == USERS_MISTAKE
    assert "is not a report of unseam" in capsys.readouterr().err
    assert not (at_the_users / "cells.csv").exists()
    assert (at_the_users / "cells.html").read_text(encoding="utf-8") == "mine"
