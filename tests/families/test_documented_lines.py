"""The table "Adding a thing" of docs/architecture.md is true: its files and lists exist, and a test walks each row."""

import ast
import re
from pathlib import Path

import pytest

from families.closed_lists import ROOT, defined_names

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "architecture.md"

ROW_TESTS = {
    "a metric": "families/test_toy_metric.py::test_a_toy_metric_is_in_every_table",
    "an energy": "families/test_toy_energy.py::test_an_energy_through_the_documented_line",
    "a network": "families/test_toy_network.py::test_a_network_with_batch_normalisation_leaky_relu_and_another_first_layer",
    "an engine": "families/test_toy_engine.py::test_a_toy_engine_predicts_and_stands_in_the_help",
    "a head": "heads/test_one_file_and_one_line.py::test_a_head_is_one_file_and_one_line",
    "an augmentation": "families/test_parts_of_a_recipe.py::"
    "test_a_toy_augmentation_is_found_in_settings_and_files_and_changes_crops",
    "a format of large images": "families/test_readers.py::test_a_new_reader_is_one_file_and_one_line",
    "an image format": "families/test_readers.py::test_a_new_reader_is_one_file_and_one_line",
    "an optimiser": "families/test_parts_of_a_recipe.py::test_a_toy_optimiser_is_found_in_settings_and_files",
    "a schedule of the learning rate": "families/test_parts_of_a_recipe.py::"
    "test_a_toy_schedule_is_found_in_settings_and_files_and_old_files_stay_valid",
    "a folder layout": "families/test_a_new_layout.py::test_a_toy_layout_is_found",
    "a recipe": "families/test_parts_of_a_recipe.py::test_a_toy_recipe_trains_and_stands_in_the_help",
    "a verb": "families/test_a_new_verb.py::test_a_toy_verb_is_in_the_help_and_runs",
}
"""For each row the test that adds a toy member through the documented line."""

WITHOUT_TOY = {"a pass over chunks"}
"""A pass is a step of one computation, not a choice of a user: tests/scale runs all of them."""


def rows() -> dict[str, tuple[str, str]]:
    """For each thing what to write, and the one line."""
    section = PAGE.read_text(encoding="utf-8").split("\n## Adding a thing\n")[1].split("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line) for line in section.splitlines() if line.startswith("| ")][1:]
    return {thing.strip(): (write, line) for _, thing, write, line, _ in cells}


def spans(text: str, pattern: str) -> list[str]:
    return [span for span in re.findall(r"`([^`]+)`", text) if re.fullmatch(pattern, span)]


ROWS = rows()
each_row = pytest.mark.parametrize("thing", ROWS)


def test_the_table_is_read() -> None:
    assert len(ROWS) >= 12


@each_row
def test_the_new_file_has_a_place(thing):
    new, *known = spans(ROWS[thing][0], r"[\w/]+\.py")
    assert (ROOT / new).parent.is_dir(), f"{thing}: there is no folder for {new}"
    assert all((ROOT / name).is_file() for name in known), f"{thing}: {known}"


@each_row
def test_the_documented_line_exists(thing):
    """The file of the line is there and defines the list, or the function, that the row names."""
    files, names = spans(ROWS[thing][1], r"[\w/]+\.py"), spans(ROWS[thing][1], r"[A-Za-z_]+")
    assert files, f"{thing}: the row names no file for its line"
    assert names, f"{thing}: the row names no list"
    assert all((ROOT / file).is_file() for file in files), f"{thing}: {files}"
    missing = set(names) - set.union(*(defined_names(ROOT / file) for file in files))
    assert not missing, f"{thing}: {files} do not define {missing}"


@each_row
def test_a_test_adds_a_toy_member(thing):
    if thing in WITHOUT_TOY:
        return
    path, _, name = ROW_TESTS[thing].partition("::")
    functions = ast.walk(ast.parse((TESTS / path).read_text(encoding="utf-8")))
    defined = {node.name for node in functions if isinstance(node, ast.FunctionDef)}
    assert name in defined, f"{thing}: no test adds a toy member; see ROW_TESTS"
