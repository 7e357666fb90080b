"""The report as text in 100 columns: findings grouped by severity, the most severe first, with a few places each."""

import textwrap
from collections.abc import Sequence

from unseam.doctor.finding import SEVERITIES, CheckReport, Finding, Place, Severity

_WIDTH = 100
_TITLES: dict[Severity, str] = {"stops": "STOPS THE WORK", "hurts": "WILL HURT THE RESULT", "note": "WORTH KNOWING"}
_MOST_PLACES = 3


def render_page(report: CheckReport) -> str:
    """Return the whole report as text for a terminal."""
    lines = _wrapped(report.checked)
    if report.understood:
        lines += _wrapped(report.understood)
    for severity in SEVERITIES:
        found = [finding for finding in report.findings if finding.severity == severity]
        if found:
            lines += ["", _TITLES[severity]]
            for finding in found:
                lines += _finding_lines(finding)
    if not report.findings:
        lines += ["Nothing to mend was found."]
    return "\n".join(lines)


def _finding_lines(finding: Finding) -> list[str]:
    lines = _wrapped(f"- {finding.kind}: {finding.what}", indent="  ")
    for name, text in (("where", _places(finding.where, finding.what)), ("effect", finding.effect), ("mend", finding.mend)):
        if text:
            lines += _wrapped(f"{name + ':':8s}{text}", first="    ", indent=" " * 12)
    return lines


def _places(where: Sequence[Place], what: str) -> str:
    first_of_file: dict[str, Place] = {}  # a few files say more than many places in one file
    for place in where:
        first_of_file.setdefault(place.file, place)
    shown = [str(place) for place in list(first_of_file.values())[:_MOST_PLACES]]
    if len(where) == 1 and shown[0] in what:
        return ""
    more = f", and {len(where) - len(shown)} more" if len(where) > len(shown) else ""
    return ", ".join(shown) + more


def _wrapped(text: str, indent: str = "", first: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
