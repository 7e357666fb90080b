"""What masks hold is decided in one file; all others ask for facts."""

import ast
from pathlib import Path
from typing import get_args

import unseam
from unseam.data.kinds import LabelKind, MaskChoice, facts_of_kind

ROOT = Path(unseam.__file__).parent
DECIDES = "data/labels.py"
OTHER_WORDS = {  # the same words, but not a kind of masks
    "io/result/ome_metadata.py": "kinds of result arrays",
    "io/result/tiff_pyramid.py": "kinds of result arrays",
    "scale/predict_store.py": "what --save may name",
    "api/predict.py": "what --save may name",
}


def compared(path: Path) -> list[int]:
    """Lines that compare with one of the three words, or look something up by all of them."""
    kinds, found = set(get_args(LabelKind)), []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        operands = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        operands += node.keys if isinstance(node, ast.Dict) else []
        words = {w.value for o in operands if o is not None for w in ast.walk(o) if isinstance(w, ast.Constant)}
        if words & kinds if isinstance(node, ast.Compare) else words >= kinds:
            found.append(node.lineno)
    return found


def test_one_file_decides_and_one_table_says_what_follows():
    found = {str(path.relative_to(ROOT)): compared(path) for path in sorted(ROOT.rglob("*.py"))}
    found = {name: lines for name, lines in found.items() if lines}
    assert found.keys() == {DECIDES, "data/kinds.py", *OTHER_WORDS}, found


def test_the_choice_of_a_user_is_written_once():
    words = {*get_args(LabelKind), "auto"}
    assert set(get_args(MaskChoice)) == words
    for path in sorted(ROOT.rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name == "data/kinds.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
                named = {w.value for w in ast.walk(node.slice) if isinstance(w, ast.Constant)}
                assert not named >= words, f"{name}:{node.lineno} writes the choice again; import MaskChoice"


def test_only_numbered_objects_are_objects():
    assert [kind for kind in get_args(LabelKind) if facts_of_kind(kind).has_objects] == ["instances"]
    assert [kind for kind in get_args(LabelKind) if facts_of_kind(kind).has_pieces] == ["binary"]
