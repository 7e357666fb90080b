"""Warnings before the first step of training: one line for each finding that will hurt."""

from collections.abc import Sequence

import torch

from unseam.data.labels import LabelReading
from unseam.data.prepare import Annotated
from unseam.doctor.examine import examine
from unseam.doctor.finding import Finding
from unseam.doctor.item import Item
from unseam.nets import NetConfig
from unseam.recipes.run import Run


def find_warnings(annotated: Sequence[Annotated], reading: LabelReading, run: Run) -> list[str]:
    """Examine the training images and return the findings that hurt. Training has already refused those that stop it."""
    names = [one.stack or one.name for one in annotated]
    items = [Item(one, name, f"the mask of {name}", one.plane) for one, name in zip(annotated, names, strict=True)]
    found = examine(items, reading, context_of(run.net), run.data.validation)
    return [f"{one.kind}: {one.what} ({_first_place(one)}). To mend it, {one.mend}" for one in found if one.severity == "hurts"]


def context_of(net: NetConfig) -> int:
    """Return the pixels that a network needs around its output. No weights are drawn."""
    with torch.device("meta"):
        return net.build().context


def _first_place(finding: Finding) -> str:
    more = f" and {len(finding.where) - 1} more" if len(finding.where) > 1 else ""
    return f"{finding.where[0]}{more}"
