"""The tree of errors that the docstring draws is the tree of classes."""

import builtins
import inspect
import re

from unseam import errors


def drawn() -> dict[str, tuple[str, str]]:
    """Each error of the drawing, with its parent and the builtin that it names."""
    found, parents = {}, {}
    for line in errors.__doc__.splitlines():
        match = re.fullmatch(r"    ((?:│   |    )*)(?:[├└]── )(\w+) +(?:\((\w+)\))?.*", line)
        if match:
            depth = len(match[1]) // 4
            parents[depth] = match[2]
            found[match[2]] = (parents[depth - 1] if depth else "UnseamError", match[3] or "")
    return found


def test_the_tree_is_drawn_as_it_is():
    classes = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if kind is not errors.UnseamError}
    classes = {name: kind for name, kind in classes.items() if issubclass(kind, errors.UnseamError)}
    expected = {}
    for name, kind in classes.items():
        first, *others = kind.__bases__
        assert all(hasattr(builtins, other.__name__) for other in others)
        expected[name] = (first.__name__, others[0].__name__ if others else "")
    assert len(expected) >= 12
    assert drawn() == expected
