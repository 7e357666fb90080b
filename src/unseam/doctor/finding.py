"""Findings of the doctor, each with its place, its effect and its remedy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["stops", "hurts", "note"]
SEVERITIES: tuple[Severity, ...] = ("stops", "hurts", "note")

FindingKind = Literal[
    # files and pairs
    "no data",
    "no partner",
    "unreadable file",
    "sizes differ",
    "left out",
    "mask unreadable",
    "how files are read",
    # grey values
    "channels differ",
    "bit depth differs",
    "blank image",
    "saturated image",
    "few grey levels",
    "intensity drift",
    "planes differ",
    "tiny image",
    # masks
    "masks unclear",
    "masks guessed",
    "two codings",
    "mixed numbers",
    "background unclear",
    "mask is the image",
    "class missing",
    "rare class",
    "imbalance",
    "not annotated",
    "empty mask",
    # mask and image
    "mask inverted",
    "two kinds of contrast",
    "mask shifted",
    "mask turned",
    "mask of another image",
    # objects
    "outlines only",
    "one number, two regions",
    "objects touch",
    "thin border",
    "specks",
    "objects too large",
    "objects too small",
    "object sizes differ",
    # what is held out
    "duplicate image",
    "same mask twice",
    # with a model
    "other channels than the model",
    "other scale than the model",
    "other contrast than the model",
    "model is weak",
    "model is old",
]
"""The closed list of kinds; ``docs/doctor.md`` explains each."""


@dataclass(frozen=True)
class Place:
    """A file (or the name of an array) and, if known, a pixel and a plane in it, counted from 0."""

    file: str
    row: int | None = None
    column: int | None = None
    plane: int | None = None

    def __str__(self) -> str:
        plane = f" plane {self.plane}" if self.plane is not None else ""
        at = f" (row {self.row}, column {self.column})" if self.row is not None else ""
        return f"{self.file}{plane}{at}"


@dataclass(frozen=True)
class Finding:
    """One fault, in all images that have it.

    Attributes
    ----------
    severity
        ``stops``: training, or prediction with a model, is refused; ``hurts``: the result gets worse; ``note``: worth knowing.
    what
        A sentence with figures, without a full stop.
    where
        All places, the worst or the first one first.
    effect, mend
        What the fault does to the result, and what to do, with the command or option.
    """

    kind: FindingKind
    severity: Severity
    what: str
    where: tuple[Place, ...]
    effect: str
    mend: str


@dataclass(frozen=True)
class CheckReport:
    """What was checked, what the masks hold and how sure that is, and the findings, most severe first."""

    checked: str
    understood: str = ""
    findings: tuple[Finding, ...] = field(default=())

    @property
    def stops(self) -> bool:
        return any(finding.severity == "stops" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, with all places."""
        return {"checked": self.checked, "masks": self.understood, "findings": [asdict(f) for f in self.findings]}


def by_severity(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Sort findings: most severe first, otherwise in the given order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def shorten_list(number: int, total: int, what: str = "image") -> str:
    """Return words for a part of all images.

    >>> shorten_list(3, 12), shorten_list(12, 12), shorten_list(1, 1)
    ('in 3 of 12 images', 'in all 12 images', 'in the image')
    """
    if number == total:
        return f"in all {total} {what}s" if total > 1 else f"in the {what}"
    return f"in {number} of {total} {what}s"
