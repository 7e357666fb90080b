"""Scores as a small table at the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from unseam.api.evaluate import Column, Intervals, Scores

_WIDEST = 100
_LONGEST_NAME = 28
_PERCENT = 100


def print_scores(scores: "Scores", intervals: "Intervals | None" = None) -> tuple["Column", ...]:
    """Print one row per image and one for all images, and return the columns that fit, the main ones first."""
    terminal = Console()
    width = min(terminal.width, _WIDEST) if terminal.is_terminal else _WIDEST
    names = [*scores.names, "95 % from"]
    longest = min(max(map(len, names)), _LONGEST_NAME)
    shown = _fit(scores.shown, width - longest - 2)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("image", max_width=_LONGEST_NAME, no_wrap=True, overflow="ellipsis")
    for column in shown:
        table.add_column(column.title(), justify="right", no_wrap=True)
    for name, figures in scores.images():
        table.add_row(escape(name), *(column.text(figures[column.name]) for column in shown))
    pooled = scores.pooled()
    table.add_row("all", *(column.text(pooled[column.name]) for column in shown), style="bold")
    if intervals is not None and intervals.of:
        for index, word in enumerate(("from", "to")):
            level = f"{_PERCENT * intervals.level:g} % {word}"
            table.add_row(level, *(column.text(intervals.of[column.name][index]) for column in shown))
    Console(width=width).print(table)
    return tuple(shown)


def print_legend(columns: "Iterable[Column]") -> None:
    """Print what each column means and which value is best. Columns of single classes need no explanation."""
    for column in columns:
        if column.klass is None:
            print(f"{column.title()}: {column.legend}")


def _fit(wanted: Sequence["Column"], room: int) -> list["Column"]:
    """Return the first columns that fit into the room, in characters."""
    shown: list[Column] = []
    for column in wanted:
        room -= max(len(column.title()), len("0.0000")) + 2
        if room < 0:
            break
        shown.append(column)
    return shown
