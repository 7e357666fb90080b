"""The floors of the house: imports run strictly down, members of a family never meet, files stay small."""

import ast
from collections import Counter
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import unseam
from families.closed_lists import files_of_members

ROOT = Path(unseam.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

FLOOR = {
    "errors": 1, "shapes": 1, "_version": 1,
    "networks": 2, "settings": 2, "losses": 2, "metrics": 2, "geometry": 2, "machine": 2,
    "io": 3, "nets": 3, "heads": 3, "augment": 3, "training": 3, "engines": 3,
    "data": 4, "inference": 4, "tables": 4, "outlines": 4,
    "model": 5, "recipes": 5, "evaluation": 5,
    "runs": 6, "report": 6, "doctor": 6, "scale": 6, "sharing": 6, "measuring": 6,
    "annotate": 7,
    "api": 8,
    "cli": 9, "__main__": 10,
}  # fmt: skip
TOP = {"__init__", "__main__", "_version", "errors", "settings", "shapes"}
"""The only files that lie loose in the package; every workflow has a room."""

INNER_FLOORS = {
    "data": {
        # 1: which files belong together, and what they hold; the kinds of masks, which a layout may settle
        "file_names": 1, "unread_kinds": 1, "left_out": 1, "pairs": 1, "challenge_layouts": 1, "layout": 1, "cases": 1,
        "declaration": 1,
        "read_pair": 1, "pixel_size": 1, "channels": 1, "markers": 1, "kinds": 1, "mask_colours": 1, "orientations": 1,
        # 2: what the masks mean
        "label_pieces": 2, "label_rims": 2, "label_evidence": 2, "label_faults": 2, "label_background": 2,
        "label_reading": 2, "labels": 2,
        # 3: samples
        "sample": 3, "resolution": 3, "normalise": 3, "stack_ranges": 3, "grey_facts": 3, "weight_map": 3, "prepare": 3,
        "annotated": 3, "rescale": 3, "one_channel": 3,
        # 4: what is held out, and crops
        "split": 4, "folds": 4, "fingerprint": 4, "copy_paste": 4, "crop_stock": 4, "crops": 4,
    },
    "annotate": {
        # 1: what is said and what is painted; 2: files, places to look at; 3: the two processes
        "messages": 1, "ops": 1, "rank": 2, "project": 2, "live": 3, "server": 3,
    },
}  # fmt: skip
"""Inside a room a file or folder imports from its own inner floor or a lower one; a room without a table has one floor."""


@dataclass(frozen=True)
class Family:
    """Where a family's closed list is (a name, or a pattern of files), and which further files may import its members."""

    file: str
    name: str
    may_import: tuple[str, ...] = ()


FAMILIES = {
    "metrics": Family("metrics/__init__.py", "Metric", ("metrics/evaluate.py",)),
    "energies": Family("losses/__init__.py", "Loss"),
    "heads": Family("heads/__init__.py", "Head"),
    "networks": Family("nets/__init__.py", "NetConfig", ("nets/cpu_training.py",)),
    "augmentations": Family("augment/augment.py", "Augment", ("augment/__init__.py",)),
    "optimisers": Family("training/optim.py", "Optimiser"),
    "schedules": Family("training/optim.py", "Schedule"),
    "recipes": Family("recipes/__init__.py", "RECIPES"),
    "engines": Family("engines/choose.py", "*_engine.py", ("engines/__init__.py", "engines/compiled_engine.py")),
    "readers": Family("io/__init__.py", "Reader", ("io/decoder_main.py",)),
    "readers of large images": Family("io/large/__init__.py", "LargeReader", ("io/large/tiff_image.py",)),
    "verbs": Family("cli/app.py", "VERBS"),
}
"""Members of a family never import each other, and no other file of their folder imports a member."""

DUPLICATES = {
    "annotate": "the verb of the command line calls the function of that name", "check": "the same", "evaluate": "the same",
    "export": "the same", "measure": "the same", "networks": "the same", "predict": "the same", "train": "the same",
    "make": "each file of an engine has one, as the list of engines asks",
}  # fmt: skip
"""Public functions and classes that two files define, with the reason. This list may only shrink."""


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


def test_no_workflow_lies_loose_at_the_top() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == TOP


def inner_floor(path: Path) -> int | None:
    """The inner floor of a file; None if its room has no table or it is the face of the room."""
    here, *rest = path.relative_to(ROOT).parts
    inner = rest[0].removesuffix(".py") if rest else "__init__"
    return None if inner == "__init__" else INNER_FLOORS.get(here, {}).get(inner)


def imported_files(path: Path) -> set[Path]:
    """Files of the package that a file imports from."""
    stems = {ROOT.parent / name.replace(".", "/") for name in imports(path)}
    return {file for stem in stems for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()} - {path}


@pytest.mark.parametrize("here", INNER_FLOORS)
def test_every_file_of_a_room_with_inner_floors_has_one(here: str) -> None:
    inside = {path.stem for path in (ROOT / here).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert inside - {"__init__"} == set(INNER_FLOORS[here]), f"give each file of {here} an inner floor in tests/test_house.py"


@pytest.mark.parametrize("path", [p for p in FILES if inner_floor(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_down_inside_a_room(path: Path) -> None:
    for other in imported_files(path):
        if room(other) == room(path) and (there := inner_floor(other)) is not None:
            assert there <= inner_floor(path), f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}, which is higher"


def test_no_files_import_each_other_in_a_circle() -> None:
    faces = {path for path in FILES if path.name == "__init__.py"}  # importing a file imports its face first
    TopologicalSorter({path: imported_files(path) - faces for path in FILES if path not in faces}).prepare()


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_closed_list_knows_the_members_of_a_family(family: str) -> None:
    known = FAMILIES[family]
    closed_list = ROOT / known.file
    folder = set(closed_list.parent.glob("*.py"))
    listed = set(closed_list.parent.glob(known.name)) if "*" in known.name else files_of_members(closed_list, known.name)
    for path in folder - {closed_list, *(ROOT / name for name in known.may_import)}:
        met = sorted(str(other.relative_to(ROOT)) for other in imported_files(path) & listed & folder - {closed_list})
        assert not met, f"{path.relative_to(ROOT)} imports {met}, of the family {family}"


def test_one_public_name_means_one_thing() -> None:
    names = Counter(
        node.name
        for path in FILES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, number in names.items() if number > 1} == set(DUPLICATES)


@pytest.mark.parametrize("path", sorted((ROOT / "cli").glob("*.py")), ids=lambda p: p.name)
def test_the_command_line_uses_the_api_only(path: Path) -> None:
    """So a program can do all that a person at a terminal can."""
    for name in imports(path):
        assert name.split(".")[1] in ("api", "cli", "errors", "_version"), f"{path.name} imports {name}: give it a face in api/"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_no_future_annotations() -> None:
    guilty = [p for p in FILES if "from __future__ import annotations" in p.read_text(encoding="utf-8")]
    assert not guilty, "postponed annotations would hide the shapes from the tests"


def test_nothing_loads_code() -> None:
    """No pickle, no eval: no file that we read can run anything."""
    banned = ("pickle.load", "weights_only=False", "allow_pickle=True", "extractall", "yaml.load", "torch.load")
    reads_own = {ROOT / "sharing/torch_files.py": {"torch.load"}, ROOT / "sharing/plain_form.py": {"torch.load"}}
    for path in FILES:  # the one reads back what it wrote, the other tells people how to; tests/test_gates.py looks closer
        text = path.read_text(encoding="utf-8")
        for word in set(banned) - reads_own.get(path, set()):
            assert word not in text, f"{path.relative_to(ROOT)} has {word}"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), f"{path.relative_to(ROOT)} calls {node.func.id}"


IO_FLOOR = {
    "axes": 0,
    "calibration": 0,
    **dict.fromkeys(("alpha", "disk", "guard", "image_file", "units", "coded_size", "lock", "ome_xml"), 1),
    **dict.fromkeys(("tiff_walk", "tiff_colours", "tiff_calibration", "tiff_metadata", "unfinished"), 2),
    **dict.fromkeys(("decoder_process", "label_colours"), 2),
    **dict.fromkeys(("tiff_checks", "tiff_labels", "write", "settle"), 3),
    **dict.fromkeys(("tiff_file", "lossless", "append_journal", "manifest", "output_folder", "write_images"), 4),
    **dict.fromkeys(("tiff", "pictures", "arrays"), 5),  # the readers: never of one another
    "__init__": 6,
    **dict.fromkeys(("large", "result", "caffe", "decoder_main"), 7),
}
"""Floors inside `io`: axes, system and terms, one format's parts, files, readers, the face, images larger than memory."""


@pytest.mark.parametrize("path", sorted((ROOT / "io").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_down_inside_io(path: Path) -> None:
    here = path.relative_to(ROOT / "io").parts[0].removesuffix(".py")
    for name in imports(path):
        first, *more = name.split(".")[1:]
        if first == "io" and more:
            there = more[0] if more[0] in IO_FLOOR else "__init__"
            is_below = IO_FLOOR[there] < IO_FLOOR[here] or (there == here and (ROOT / "io" / here).is_dir())
            assert is_below, f"{path.relative_to(ROOT)} imports {name}: floor {IO_FLOOR[there]} from {IO_FLOOR[here]}"


def test_large_readers_do_not_import_each_other() -> None:
    members = {"array_image", "tiff_image", "whole_image", "zarr_image"}
    for member in members:
        found = {name.split(".")[3] for name in imports(ROOT / f"io/large/{member}.py") if name.startswith("unseam.io.large.")}
        assert not found & members
