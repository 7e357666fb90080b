"""A table of the paper next to ours, with the differences: as Markdown, as JSON, and as lines for a terminal."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from unseam.io import write_bytes_whole


@dataclass(frozen=True)
class PaperRow:
    """The values of one entry; None where a value is unknown."""

    who: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class PaperTable:
    """The paper's rows and ours, one value per column."""

    title: str
    columns: tuple[str, ...]
    paper: tuple[PaperRow, ...]
    ours: tuple[PaperRow, ...]
    made: tuple[tuple[str, str], ...]
    """Name and value of each fact about our training: images, steps, time, device."""
    differences: tuple[str, ...]
    """Sentences that say why the rows cannot be compared to the last digit."""

    def __post_init__(self) -> None:
        assert all(len(row.values) == len(self.columns) for row in (*self.paper, *self.ours))

    def lines(self) -> list[list[str]]:
        """Return the table as text: a heading, then one line per row."""
        rows = [[row.who, *map(_shown, row.values)] for row in (*self.paper, *self.ours)]
        return [["", *self.columns], *rows]

    def markdown(self) -> str:
        head, *rows = (f"| {' | '.join(line)} |" for line in self.lines())
        made = "\n".join(f"| {what} | {how} |" for what, how in self.made)
        differences = "\n".join(f"- {sentence}" for sentence in self.differences)
        table = "\n".join([head, "|---" + "|---:" * len(self.columns) + "|", *rows])
        return f"# {self.title}\n\n{table}\n\n## Ours\n\n| | |\n|---|---|\n{made}\n\n## What differs\n\n{differences}\n"

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write ``table.md`` and ``table.json``."""
        files = folder / "table.md", folder / "table.json"
        write_bytes_whole(files[0], self.markdown().encode(errors="backslashreplace"))
        write_bytes_whole(files[1], json.dumps(asdict(self), indent=2).encode())
        return files


def format_number(value: float | int) -> float | None:
    """Return a value for a row; None where there was nothing to score."""
    return None if math.isnan(value) else float(value)


def _shown(value: float | None) -> str:
    """Format a value with four decimal places, or six if it is small, and never with an exponent.

    >>> _shown(0.0003529), _shown(0.9203), _shown(5e-6), _shown(None), _shown(0.0)
    ('0.000353', '0.9203', '0.000005', '-', '0')
    """
    if value is None:
        return "-"
    places = 0 if value == 0 else 4 if abs(value) >= 1e-3 else 6
    return f"{value:.{places}f}"
