"""Scores as a small table at the terminal."""

import math

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from unseam.metrics import Scores

_SHOWN = {
    "seg": "SEG",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "iou": "IoU",
    "dice": "Dice",
    "rand_error": "Rand error",
    "pixel_error": "pixel error",
}


def print_scores(scores: Scores) -> None:
    """A row an image and one for all of them; the columns that a person asks for first (``--json`` has them all).

    With several classes, IoU and Dice are means over them, and the Rand error is left out: it is of one class only.
    """
    columns = scores.columns
    by_class = [c for c in columns if c.startswith("iou_class_")]
    shown = [c for c in _SHOWN if c in columns and not (by_class and c == "rand_error")] + by_class
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("image")
    for column in shown:
        table.add_column(_header(column, is_mean=bool(by_class)), justify="right")
    for name, values in scores.rows():
        by_name = dict(zip(columns, values, strict=True))
        cells = ["-" if math.isnan(by_name[c]) else f"{by_name[c]:.4f}" for c in shown]
        table.add_row(escape(name), *cells, style="bold" if name == "all" else "")
    terminal = Console()
    if not terminal.is_terminal:  # in a file every column has room
        terminal = Console(width=200)
    terminal.print(table)


def _header(column: str, *, is_mean: bool) -> str:
    if column in ("iou", "dice") and is_mean:
        return f"mean {_SHOWN[column]}"
    return _SHOWN.get(column, column.replace("iou_class_", "IoU class "))
