"""Read the closed list of a family from the source: which file holds each member."""

import ast
from pathlib import Path

import unseam

ROOT = Path(unseam.__file__).parent


def defined_names(path: Path) -> set[str]:
    """Names that a file defines at module level: functions, classes, constants."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def files_of_members(path: Path, name: str) -> set[Path]:
    """Files of the members in the list ``name`` of a file: a union, a tuple, a dict, or the fields of a dataclass.

    A string stands for the file of that name in the same folder; a name that is defined in the file itself is left out.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (node,) = [node for node in tree.body if name in _names_of(node)]
    value = node if isinstance(node, ast.ClassDef) else node.value
    parts = [part.annotation for part in value.body if isinstance(part, ast.AnnAssign)] if value is node else [value]
    words = value.keys if isinstance(value, ast.Dict) else value.elts if isinstance(value, ast.Tuple) else []
    found = {path.parent / f"{word.value}.py" for word in words if isinstance(word, ast.Constant)}
    used = {leaf.id for part in parts for leaf in ast.walk(part) if isinstance(leaf, ast.Name)}
    for imported in ast.walk(tree):
        if isinstance(imported, ast.ImportFrom) and {alias.asname or alias.name for alias in imported.names} & used:
            file = ROOT.parent / (imported.module or "").replace(".", "/")
            found |= {file.with_suffix(".py")} if (imported.module or "").startswith("unseam.") else set()
    return {file for file in found if file.is_file()}


def _names_of(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}
