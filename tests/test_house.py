"""The floors of the house: imports run strictly down, members of a family never meet, files stay small."""

import ast
from pathlib import Path

import pytest

import unseam

ROOT = Path(unseam.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

FLOOR = {
    "errors": 1, "shapes": 1, "_version": 1,
    "settings": 2, "losses": 2, "metrics": 2, "geometry": 2, "machine": 2,
    "io": 3, "nets": 3, "heads": 3, "augment": 3, "training": 3, "engines": 3,
    "data": 4, "inference": 4,
    "model": 5, "recipes": 5, "evaluation": 5,
    "runs": 6, "report": 6, "doctor": 6, "scale": 6,
    "api": 7, "reproduce": 7,
    "cli": 8, "__main__": 9,
}  # fmt: skip
FAMILIES = {"metrics", "augment", "losses"}


def room(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return [name for name in found if name.startswith("unseam.")]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_down(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return  # the face of the package; lazy
    assert here in FLOOR, f"{here} has no floor: add it to the table and to docs/architecture.md"
    for name in imports(path):
        there = name.split(".")[1]
        if there in (here, "__version__"):
            continue
        assert FLOOR[there] < FLOOR[here], f"{path.relative_to(ROOT)} imports {name}: floor {FLOOR[there]} from {FLOOR[here]}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_no_future_annotations() -> None:
    guilty = [p for p in FILES if "from __future__ import annotations" in p.read_text(encoding="utf-8")]
    assert not guilty, "postponed annotations would hide the shapes from the tests"


def test_nothing_loads_code() -> None:
    """No pickle, no eval: no file that we read can run anything."""
    banned = ("pickle.load", "weights_only=False", "allow_pickle=True", "extractall", "yaml.load", "torch.load")
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for word in banned:
            assert word not in text, f"{path.relative_to(ROOT)} has {word}"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), f"{path.relative_to(ROOT)} calls {node.func.id}"
