"""Pages that are made from the code: the commands, the settings, and the functions and classes of ``import unseam``."""

import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path

from numpydoc.docscrape import NumpyDocString

import unseam
from unseam.api import plot
from unseam.cli.app import VERBS, app
from unseam.recipes import RECIPES, recipe_named
from unseam.recipes.run import Run
from unseam.settings import encode, table_name


class MissingDocstringError(Exception):
    """A public name, or a setting, that nothing explains."""


PYTHON = {
    "Train and load": ("check", "train", "load", "import_caffe", "Model"),
    "Predict and score": ("predict", "Segmentation", "evaluate", "Evaluation", "write_report"),
    "Measure": ("measure", "Measurements", "Table"),
    "For other programs": ("write_outlines", "read_outlines", "export"),
    "The parts of the paper": ("UNet", "FCN", "weight_map"),
    "Errors": ("UnseamError",),
}
"""The pages of the Python reference: every public name stands on one."""

DRAWING = "Draw"
TYPES = (
    "unseam.runs.watch.Watch",
    "unseam.doctor.finding.CheckReport",
    "unseam.model.model_info.ModelInfo",
    "unseam.recipes.run.Run",
    "unseam.api.predict_watch.PredictWatch",
    "unseam.api.predict_watch.Predicted",
    "unseam.api.export.Exported",
    "unseam.metrics.table.Scores",
    "unseam.metrics.bootstrap.Intervals",
    "unseam.metrics.surface_distance.SurfaceDistance",
    "unseam.metrics.calibration.CalibrationScore",
    "unseam.metrics.threshold_scan.ThresholdScanScore",
    "unseam.data.normalise.GreyRange",
)
"""What the functions take and return, beside arrays."""


def generate(folder: Path) -> None:
    """Write all generated pages into the section of the reference."""
    (folder / "commands.rst").write_text(commands(), encoding="utf-8")
    (folder / "settings.rst").write_text(settings(), encoding="utf-8")
    (folder / "python").mkdir(exist_ok=True)
    for name, text in python().items():
        (folder / "python" / f"{name}.rst").write_text(text, encoding="utf-8")


def _headed(title: str, line: str = "=") -> str:
    return f"{title}\n{line * len(title)}\n\n"


def commands() -> str:
    """Every verb with all its options, as cyclopts writes them."""
    parts = [_headed("Commands"), "Made from the command line itself: ``unseam VERB --help`` says the same.\n\n"]
    for verb in VERBS:
        name = verb.removesuffix("_")
        text = app[name].generate_docs(output_format="rst", heading_level=2)
        usage = text.index("::\n")  # what stands before it: a label and a title
        body = re.sub(r"\.\. contents::.*\n(?:   .*\n)*", "", text[usage:])
        parts += [
            _headed(f"unseam {name}", "-"),
            re.sub(rf"^    {name}\b", f"    unseam {name}", body, flags=re.MULTILINE),
            "\n",
        ]
    return "".join(parts)


def settings() -> str:
    """Every setting with its path for ``--set``, its value in each recipe, and what its dataclass says about it."""
    recipes = {name: encode(recipe_named(name), Run) for name in RECIPES}
    parts = [
        _headed("Settings"),
        "Every setting of a training, by its path, as ``--set path=value`` and ``config.toml`` take it, with its value in each "
        "recipe. A dash: the recipe does not use that part. :doc:`options` says which to try first.\n\n",
    ]
    for path, cls in _tables(Run, ""):
        rows = list(_rows(path, cls, recipes))
        if not rows:
            continue
        parts += [_headed(path or "The run itself", "-"), _summary(cls) + "\n\n"]
        parts.append(".. list-table::\n   :header-rows: 1\n   :widths: 28 34 12 12 14\n   :class: settings\n\n")
        for row in [("setting", "what it does", *RECIPES), *rows]:
            parts += [
                f"   {'-' if number else '* -'} {cell}\n" if not number else f"     - {cell}\n"
                for number, cell in enumerate(row)
            ]
        parts.append("\n")
    return "".join(parts)


def _tables(cls: type, path: str) -> Iterator[tuple[str, type]]:
    """Walk over the dataclasses below ``cls``; where a field may hold one of several, each has its own path."""
    yield path, cls
    for name, hint in typing.get_type_hints(cls).items():
        members = [member for member in (typing.get_args(hint) or (hint,)) if dataclasses.is_dataclass(member)]
        for member in members:
            below = ".".join(part for part in (path, name, table_name(member) if len(members) > 1 else "") if part)
            yield from _tables(typing.cast(type, member), below)


def _rows(path: str, cls: type, recipes: dict[str, typing.Any]) -> Iterator[tuple[str, ...]]:
    hints, said = typing.get_type_hints(cls), _attributes(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if any(dataclasses.is_dataclass(one) for one in (typing.get_args(hint) or (hint,))):
            continue  # it has a table of its own
        where = f"{path}.{field.name}" if path else field.name
        yield (f"``{where}``", said.get(field.name, ""), *(_value(tree, where) for tree in recipes.values()))


def _value(tree: typing.Any, where: str) -> str:
    for part in where.split("."):
        if not isinstance(tree, dict) or part not in tree:
            return "–"
        tree = tree[part]
    return f"``{json.dumps(tree)}``"


def _summary(cls: type) -> str:
    doc = NumpyDocString(_docstring(cls))
    return " ".join([*doc["Summary"], "", *doc["Extended Summary"]]).strip()


def _attributes(cls: type) -> dict[str, str]:
    """Return what the docstring of a dataclass says about each field; fields that share an entry share its text."""
    doc = NumpyDocString(_docstring(cls))
    entries = [*doc["Attributes"], *doc["Parameters"]]
    return {name.strip(): " ".join(entry.desc) for entry in entries for name in entry.name.split(",")}


def _docstring(cls: type) -> str:
    text = cls.__doc__ or ""
    if not text or text.startswith(f"{cls.__name__}("):  # the one that dataclass makes
        raise MissingDocstringError(f"{cls.__module__}.{cls.__name__} has no docstring")
    return inspect.cleandoc(text)


def python() -> dict[str, str]:
    """Return the pages of the Python reference: an overview, and one for each group of names."""
    shown = {name for names in PYTHON.values() for name in names} | {"plot"}
    if shown != set(unseam.__all__):
        raise MissingDocstringError(
            f"docs/site/generate.py: these names are on no page, or gone: {sorted(shown ^ set(unseam.__all__))}"
        )
    pages = {_slug(title): _page(title, names) for title, names in PYTHON.items()}
    pages[_slug(DRAWING)] = _drawing()
    pages["types"] = _types()
    order = [*(_slug(title) for title in (*PYTHON, DRAWING)), "types"]
    tree = "".join(f"   {name}\n" for name in order)
    lead = "Made from the docstrings. :doc:`/howto/python` shows them at work.\n\n"
    pages["index"] = _headed("From Python") + lead + ".. toctree::\n   :maxdepth: 2\n\n" + tree
    return pages


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")


def _page(title: str, names: tuple[str, ...]) -> str:
    parts = [_headed(title), ".. py:currentmodule:: unseam\n\n"]
    for name in names:
        found = getattr(unseam, name)
        if not found.__doc__:
            raise MissingDocstringError(f"unseam.{name} has no docstring")
        if name == "UnseamError":
            parts.append(".. automodule:: unseam.errors\n   :members:\n   :undoc-members:\n   :show-inheritance:\n\n")
            continue
        kind = "autoclass" if isinstance(found, type) else "autofunction"
        members = "   :members:\n   :undoc-members:\n" if kind == "autoclass" and name not in ("UNet", "FCN") else ""
        parts.append(f".. {kind}:: unseam.{name}\n{members}\n")
    return "".join(parts)


def _drawing() -> str:
    parts = [_headed(DRAWING), ".. py:currentmodule:: unseam.plot\n\n", f"{(plot.__doc__ or '').strip()}\n\n"]
    for name, found in vars(plot).items():
        if callable(found) and not name.startswith("_") and getattr(found, "__module__", "") == plot.__name__:
            parts.append(f".. autofunction:: unseam.plot.{name}\n\n")
    return "".join(parts)


def _types() -> str:
    lead = "What functions take and return, beside arrays. Most people read their fields and never make one.\n\n"
    return (
        _headed("Types")
        + lead
        + "".join(f".. autoclass:: {name}\n   :members:\n   :exclude-members: figures\n\n" for name in TYPES)
    )
