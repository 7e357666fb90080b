"""Plain values as YAML that every version and every reader takes for the same values; only what a description needs."""

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
"""Readers of YAML 1.1 take these, and more that do not begin with a letter, for something else than text."""


def yaml_text(value: dict[str, Any]) -> str:
    """Return dictionaries, lists, text, numbers and None as YAML in blocks.

    >>> print(yaml_text({"size": {"min": 208, "gain": 1e-05}, "names": ["a b", "no"], "tags": []}), end="")
    size:
      min: 208
      gain: 1.0e-05
    names:
      - "a b"
      - "no"
    tags: []
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _entry(f"{_scalar(key)}:", part)
    elif isinstance(value, (list, tuple)) and value:
        for part in value:
            first, *others = _lines(part)
            yield f"- {first}"
            yield from (f"  {line}" for line in others)
    else:
        yield _scalar(value)


def _entry(start: str, value: Any) -> Iterator[str]:
    lines = list(_lines(value))
    if isinstance(value, (dict, list, tuple)) and value:
        yield start
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{start} {lines[0]}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        text = repr(value)
        return re.sub(r"^(-?\d+)e", r"\1.0e", text)  # without a point YAML 1.1 reads text
    return json.dumps(value if value or not isinstance(value, tuple) else [])
