"""What training says before its first step: a line for each thing that will hurt, and nothing otherwise."""

from collections.abc import Sequence

import torch

from unseam.data.labels import LabelReading
from unseam.data.prepare import Annotated
from unseam.doctor.examine import examine
from unseam.doctor.finding import Finding
from unseam.doctor.item import Item
from unseam.nets import NetConfig
from unseam.recipes.run import Run


def warnings(annotated: Sequence[Annotated], reading: LabelReading, run: Run) -> list[str]:
    """Examine what is to be trained on; what would stop training was refused before, what is a note is left out."""
    items = [Item(one, one.name, f"the mask of {one.name}", " plane " in one.name) for one in annotated]
    found = examine(items, reading, context_of(run.net), run.data.validation)
    return [f"{one.kind}: {one.what} ({_places(one)}). To mend it, {one.mend}" for one in found if one.severity == "hurts"]


def context_of(net: NetConfig) -> int:
    """Pixels that a network needs round its output; no weights are drawn."""
    with torch.device("meta"):
        return net.build().context


def _places(finding: Finding) -> str:
    more = f" and {len(finding.where) - 1} more" if len(finding.where) > 1 else ""
    return f"{finding.where[0]}{more}"
