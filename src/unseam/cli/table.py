"""Scores as a small table at the terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from unseam.api.evaluate import Intervals, Scores

_WIDEST = 100
_LONGEST_NAME = 28
_PERCENT = 100


@dataclass(frozen=True)
class _Column:
    """What a person reads over a column and below the table."""

    header: str
    meaning: str
    is_length: bool = False


_OVERLAP = "shared pixels over the pixels of both together"
_SHOWN = {
    "seg": _Column("SEG", "mean IoU of each true object with its match, a missed one counts 0; 1 is best"),
    "panoptic_quality": _Column("PQ", "panoptic quality, objects found (F1) times how well (mean IoU); 1 is best"),
    "average_precision_50": _Column("AP50", "objects with an IoU above 0.5, over all found, invented and missed; 1 is best"),
    "average_precision": _Column("AP", "the same, mean over the IoU thresholds 0.5, 0.55, .. 0.95; 1 is best"),
    "f1": _Column("F1", "2 x found / (predicted + true objects) at IoU 0.5; 1 is best"),
    "precision": _Column("precision", "share of the predicted objects that are true; 1 is best"),
    "recall": _Column("recall", "share of the true objects that were found; 1 is best"),
    "iou": _Column("IoU", f"{_OVERLAP}; 1 is best"),
    "dice": _Column("Dice", "twice the shared pixels over the sum of both; 1 is best"),
    "pixel_precision": _Column("precision", "share of the predicted pixels that are right; 1 is best"),
    "pixel_recall": _Column("recall", "share of the true pixels that were found; 1 is best"),
    "hausdorff95_um": _Column("HD95 um", "Hausdorff 95: how far apart 95 % of the outlines are at most; 0 is best", True),
    "hausdorff95_px": _Column("HD95 px", "Hausdorff 95: how far apart 95 % of the outlines are at most; 0 is best", True),
    "surface_dice": _Column("surf Dice", "share of the outlines within the tolerance (--tolerance) of the other; 1 is best"),
    "pixel_error": _Column("pixel err", "share of wrong pixels; 0 is best"),
    "rand_error": _Column("Rand err", "pairs of pixels wrongly joined or parted, 1 - F-score; 0 is best"),
    "warping_error": _Column("warp err", "share of pixels that no bending of outlines puts right (topology); 0 is best"),
    "calibration_error": _Column("ECE", "how far probabilities are from the share of right pixels; 0 is best"),
}
_OF_OBJECTS = (
    *("seg", "panoptic_quality", "average_precision_50", "average_precision", "f1", "precision", "recall"),
    *("hausdorff95_um", "hausdorff95_px", "surface_dice", "calibration_error"),
)
_OF_CLASSES = (
    *("iou", "iou_class_", "dice", "pixel_error", "rand_error", "warping_error"),
    *("pixel_precision", "pixel_recall", "hausdorff95_um", "hausdorff95_px", "surface_dice", "calibration_error"),
)


def print_scores(scores: "Scores", intervals: "Intervals | None" = None) -> tuple[str, ...]:
    """A row an image and one for all of them, in as many columns as there is room for; files have them all.

    The columns that a person asks for first come first. With several classes, IoU and Dice are means over them, and the
    Rand error is left out: it is of one class only.

    Returns
    -------
    tuple of str
        The columns shown.
    """
    terminal = Console()
    width = min(terminal.width, _WIDEST) if terminal.is_terminal else _WIDEST
    names = [*scores.names, "95 % from"]
    longest = min(max(map(len, names)), _LONGEST_NAME)
    shown = _that_fit(_wanted(scores.columns), scores.columns, width - longest - 2)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("image", max_width=_LONGEST_NAME, no_wrap=True, overflow="ellipsis")
    for column in shown:
        table.add_column(_header(column, scores.columns), justify="right", no_wrap=True)
    for name, figures in scores.images():
        table.add_row(escape(name), *(_cell(column, figures[column]) for column in shown))
    pooled = scores.pooled()
    table.add_row("all", *(_cell(column, pooled[column]) for column in shown), style="bold")
    if intervals is not None and intervals.of:
        for index, word in enumerate(("from", "to")):
            level = f"{_PERCENT * intervals.level:g} % {word}"
            table.add_row(level, *(_cell(column, intervals.of[column][index]) for column in shown))
    Console(width=width).print(table)
    return tuple(shown)


def print_legend(columns: Sequence[str]) -> None:
    """What each of the columns shown means, and which way is better."""
    for column in columns:
        if column in _SHOWN:
            print(f"{_header(column, columns)}: {_SHOWN[column].meaning}")


def _wanted(columns: Sequence[str]) -> list[str]:
    """The columns that a person asks for, the first ones first."""
    if "seg" in columns:
        return [column for column in _OF_OBJECTS if column in columns]
    by_class = any(column.startswith("iou_class_") for column in columns)
    kept = [name for name in _OF_CLASSES if not (by_class and name == "rand_error")]
    return [column for name in kept for column in columns if column == name or _class_of(column, name)]


def _class_of(column: str, name: str) -> bool:
    return name.endswith("_") and column.startswith(name)


def _that_fit(wanted: Sequence[str], columns: Sequence[str], room: int) -> list[str]:
    shown: list[str] = []
    for column in wanted:
        room -= max(len(_header(column, columns)), len("0.0000")) + 2
        if room < 0:
            break
        shown.append(column)
    return shown


def _header(column: str, columns: Sequence[str]) -> str:
    if column in ("iou", "dice", "pixel_precision", "pixel_recall") and "iou_class_1" in columns:
        return f"mean {_SHOWN[column].header}"
    return _SHOWN[column].header if column in _SHOWN else column.replace("iou_class_", "IoU class ")


def _cell(column: str, value: int | float) -> str:
    if math.isnan(value):
        return "-"
    if column == "warping_error":  # a good one has three zeros, as in the paper's table 1
        return f"{value:.6f}"
    return f"{value:.2f}" if column in _SHOWN and _SHOWN[column].is_length else f"{value:.4f}"
