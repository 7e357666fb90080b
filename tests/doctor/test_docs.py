"""The page on the doctor lists each kind of finding, and no other."""

import re
from pathlib import Path
from typing import get_args

from unseam.doctor.examine import CONTEXT, HELD_OUT
from unseam.doctor.finding import FindingKind
from unseam.recipes import recipe_named

PAGE = Path(__file__).parents[2] / "docs/doctor.md"


def test_each_kind_of_finding_has_its_row():
    rows = re.findall(r"^\| `([^`]+)` \|(.+)\|(.+)\|(.+)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(kind for kind, *_ in rows) == sorted(get_args(FindingKind))
    assert all(cell.strip() for row in rows for cell in row)


def test_each_kind_is_found_somewhere_in_the_code():
    rooms = (PAGE.parents[1] / "src/unseam/doctor").glob("*.py")
    code = "".join(path.read_text(encoding="utf-8") for path in rooms if path.name != "finding.py")
    for kind in get_args(FindingKind):
        assert f'"{kind}"' in code, kind


def test_the_constants_are_those_of_the_recipes():
    import torch

    for name in ("default", "paper"):
        run = recipe_named(name)
        with torch.device("meta"):
            assert run.net.build().geometry.context <= CONTEXT
        assert run.data.validation == HELD_OUT
    with torch.device("meta"):
        assert recipe_named("paper").net.build().geometry.context == CONTEXT
