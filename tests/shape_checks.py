"""Shapes in signatures are checked while tests run: jaxtyping's import hook, where there are shapes.

The hook decorates every function, and its decorator binds the arguments of each call anew: that was two thirds of the time of
the tests. A signature without an array has no shapes, and its types are mypy's to check.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import jaxtyping

_jaxtyped = jaxtyping.jaxtyped


def install() -> None:
    """Call it before the first import of the package."""
    jaxtyping.jaxtyped = _where_there_are_shapes  # by this name the hook's decorators find it
    jaxtyping.install_import_hook("unseam", "beartype.beartype")


def _where_there_are_shapes(*, typechecker: Callable[..., Any]) -> Callable[[Any], Any]:
    def decorate(thing: Any) -> Any:
        return _jaxtyped(thing, typechecker=typechecker) if has_shapes(thing) else thing

    return decorate


def has_shapes(thing: Any) -> bool:
    """Whether a function takes or gives arrays of stated shapes, or a data class is made of them."""
    if inspect.isclass(thing):
        return dataclasses.is_dataclass(thing) and has_shapes(thing.__init__)
    annotations = inspect.get_annotations(getattr(thing, "__func__", thing)).values()
    return any("jaxtyping." in repr(annotation) for annotation in annotations)
