"""Settings: frozen dataclasses in Python, the same tree in TOML and JSON.

A field that may hold one of several dataclasses (a network, an optimiser) is a table named after the chosen one::

    [net.unet]              # Run.net = UNetConfig(first_width=32)
    first_width = 32

The name of the member may be omitted: ``schedule.warm_up`` is the warm-up of the chosen schedule, and a table without a
member's name belongs to the default member. So old files stay valid when a family gets its second member.

``false`` switches off an optional part (``Elastic | None``) and removes an optional limit (``float | None``).
"""

import dataclasses
import difflib
import math
import re
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

from unseam.errors import SettingsError

T = TypeVar("T")
_MAX_SHOWN_CHARS = 200


def check_range(owner: str, name: str, value: float | int, low: float | int, high: float | int) -> None:
    """Raise a :class:`SettingsError` for a setting outside [low, high]."""
    if not low <= value <= high:
        raise SettingsError(f"{owner}.{name} = {value}: it must lie between {low} and {high}.")


def table_name(cls: type) -> str:
    """Return the name of a dataclass in a settings file.

    >>> class WeightedCrossEntropy: ...
    >>> class UNetConfig: ...
    >>> table_name(WeightedCrossEntropy), table_name(UNetConfig)
    ('weighted_cross_entropy', 'unet')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Config")).lower()


def encode(value: Any, hint: Any = None) -> Any:
    """Turn a dataclass into plain tables, lists and numbers; ``hint`` is the declared type of its field."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = typing.get_type_hints(type(value))
        table = {
            field.name: encode(getattr(value, field.name), hints[field.name])
            for field in dataclasses.fields(value)
            if not _is_absent(getattr(value, field.name), field, hints[field.name])
        }
        return {table_name(type(value)): table} if len(_dataclasses_of(hint)) > 1 else table
    if value is None:
        return False  # TOML has no null
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value


def decode(cls: type[T], table: object, where: str = "") -> T:
    """Make a dataclass from the plain tables of a file: the inverse of :func:`encode`.

    Parameters
    ----------
    where
        The dotted path of the table, for messages.

    Raises
    ------
    SettingsError
        For an unknown name, a wrong type or a value out of range; it gives the place and the closest known name.
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where or 'The settings'}: got {_shown(table)}. Give a table with {', '.join(names)}.")
    if not where:
        _check_places(hints, table)
    for name in table:
        if name not in names:
            raise SettingsError(f"Unknown setting {_shown(_join(where, name))}. {_did_you_mean(name, names)}")
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name not in table and field.default is field.default_factory is dataclasses.MISSING:
            raise SettingsError(f"{_join(where, field.name)} is missing and has no default. Add it.")
    defaults = {field.name: _default(field) for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    tables = {name: _with_member(hints[name], value, type(defaults[name])) for name, value in table.items()}
    return cls(**{name: _decode_value(hints[name], value, _join(where, name)) for name, value in tables.items()})


def with_overrides(settings: T, overrides: Sequence[str]) -> T:
    """Apply ``path.to.setting=value`` overrides in order; values are written as in TOML.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Training:
    ...     steps: int = 100
    >>> with_overrides(Training(), ["steps=5000"])
    Training(steps=5000)
    """
    tree = encode(settings)
    for override in overrides:
        path, sign, text = override.partition("=")
        if not sign:
            raise SettingsError(f"--set {_cut(override)}: write a setting as path.to.setting=value.")
        head, *rest = path.strip().split(".")
        *parents, name = _full_path(tree, type(settings), [head, *rest])
        table = tree
        for parent in parents:
            if not isinstance(table.get(parent), dict):
                table[parent] = {}
            table = table[parent]
        table[name] = _parse_toml_value(text.strip())
        _drop_other_members(tree, type(settings), [*parents, name])
    return decode(type(settings), tree)


def _check_places(hints: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    """Raise SettingsError for a setting in a wrong table: ``data.normalise.over`` and ``over`` are ``normalise.over``."""
    known = {table: _names_in(hint) for table, hint in hints.items()}
    alone = {"": {name: value for name, value in tables.items() if name not in known}}
    inside = {table: value for table, value in tables.items() if known.get(table) and isinstance(value, Mapping)}
    for where, settings in (alone | inside).items():
        here = known.get(where, [*known])
        for name, value in settings.items():
            if name not in known and difflib.get_close_matches(name, here):
                continue  # the name is known here, or is told as misspelled
            homes = [f"{table}.{name}" for table in known if name in known[table]]
            meant = homes or difflib.get_close_matches(name, [*known], n=1)
            if name not in here and len(meant) == 1:
                rest = f".{next(iter(value))}" if not homes and isinstance(value, Mapping) and len(value) == 1 else ""
                raise SettingsError(
                    f"Unknown setting {_cut(_join(where, name) + rest)!r}. Did you mean {_cut(meant[0] + rest)!r}?"
                )


def _names_in(hint: Any) -> list[str]:
    """Return what may stand in the table of a field: names of members, and their settings."""
    members = _dataclasses_of(hint)
    names = [table_name(member) for member in members] if len(members) > 1 else []
    return names + [field.name for member in members for field in dataclasses.fields(member)]


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _with_member(hint: Any, value: Any, chosen: type) -> Any:
    """Insert the member's name into a table that omits it."""
    members = {table_name(member): member for member in _dataclasses_of(hint)}
    if len(members) > 1 and chosen in members.values() and isinstance(value, Mapping) and value:
        names = {field.name for field in dataclasses.fields(chosen)} - members.keys()
        return {table_name(chosen): value} if value.keys() <= names else value
    return value


def _full_path(tree: dict[str, Any], cls: type, path: Sequence[str]) -> list[str]:
    """Insert the member names that a path omits: ``net.depth`` is the depth of the network that the tree holds."""
    hint: Any = cls
    table: Any = tree
    full: list[str] = []
    for name in path:
        members = {table_name(member): member for member in _dataclasses_of(hint)}
        fields = {chosen: typing.get_type_hints(member) for chosen, member in members.items()}
        if len(members) > 1:
            current = table if isinstance(table, Mapping) else {}
            inner = next((chosen for chosen in members if chosen in current and name in fields[chosen]), None)
            if name in members or inner is None:  # an unknown name stays as it is, so that decode names it in its error
                hint = members.get(name)
            else:
                full.append(inner)
                hint, table = fields[inner][name], current[inner]
        else:
            hint = next(iter(fields.values()), {}).get(name)
        table = table.get(name) if isinstance(table, Mapping) else None
        full.append(name)
    return full


def _drop_other_members(tree: dict[str, Any], cls: type, path: Sequence[str]) -> None:
    """Remove the previous member's table when a path names another member: ``net.fcn.depth`` chooses the FCN.

    Settings that both members share by name (a width, a learning rate) are carried over, unless the path sets them.
    """
    hint: Any = cls
    table = tree
    for name in path:
        choices = {table_name(member): member for member in _dataclasses_of(hint)}
        if len(choices) > 1 and name in choices:
            known = {field.name for field in dataclasses.fields(choices[name])}
            for other in set(table) - {name}:
                before = table.pop(other)
                if isinstance(before, dict) and isinstance(table[name], dict):
                    table[name] = {key: value for key, value in before.items() if key in known} | table[name]
            hint = choices[name]
        elif len(choices) == 1:
            hint = typing.get_type_hints(next(iter(choices.values()))).get(name)
        table = table[name]


def _parse_toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # plain text, a number with thousands of digits, or endless brackets
        return text


def _decode_value(hint: Any, value: Any, where: str) -> Any:
    members = _dataclasses_of(hint)
    if members:
        if value is False and type(None) in get_args(hint):
            return None
        return _decode_member(members, value, where)
    if get_origin(hint) in (types.UnionType, typing.Union):
        options = [option for option in get_args(hint) if option is not type(None)]
        if value is False and bool not in options:
            return None
        return _decode_value(options[0], value, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise SettingsError(f"{where} = {_shown(value)}: it may be {', '.join(map(repr, get_args(hint)))}.")
        return value
    if get_origin(hint) is tuple:
        return _decode_tuple(hint, value, where)
    return _decode_scalar(hint, value, where)


def _decode_member(members: list[type], value: Any, where: str) -> Any:
    if len(members) == 1:
        return decode(members[0], value, where)
    by_name = {table_name(member): member for member in members}
    for name in value if isinstance(value, Mapping) else ():
        if name not in by_name:
            raise SettingsError(f"Unknown table [{_cut(f'{where}.{name}')}]. {_did_you_mean(name, list(by_name))}")
    if not isinstance(value, Mapping) or len(value) != 1:
        tables = ", ".join(f"[{where}.{name}]" for name in by_name)
        raise SettingsError(f"{where}: give exactly one of {tables}.")
    name, table = next(iter(value.items()))
    return decode(by_name[name], table, f"{where}.{name}")


def _decode_tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"{where} = {_shown(value)}: it must be a list.")
    items = get_args(hint)
    if items[-1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        raise SettingsError(f"{where} has {len(value)} entries; it must have {len(items)}.")
    return tuple(_decode_value(item, v, f"{where}[{i}]") for i, (item, v) in enumerate(zip(items, value, strict=True)))


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise SettingsError(f"{where} has too many digits: give a number below 1e308.") from error
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise SettingsError(f"{where} = {_shown(value)}: it must be of type {hint.__name__}.")
    if hint is int and abs(value) >= 2**63:
        raise SettingsError(f"{where} has too many digits: give a number below 9.2e18.")
    if hint is float and math.isnan(value):
        raise SettingsError(f"{where} is not a number.")
    return value


def _dataclasses_of(hint: Any) -> list[type]:
    options = get_args(hint) if get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    return [option for option in options if isinstance(option, type) and dataclasses.is_dataclass(option)]


def _is_absent(value: Any, field: dataclasses.Field[Any], hint: Any) -> bool:
    """Whether a file omits the field: it is None by default, and not a part that ``false`` switches off."""
    return value is None and field.default is None and not _dataclasses_of(hint)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _shown(value: object) -> str:
    try:
        return _cut(repr(value))
    except (ValueError, RecursionError):  # Python refuses to print a number with thousands of digits, or endless nesting
        return "a value that is too long to print"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}..."


def _did_you_mean(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(sorted(names))}."
