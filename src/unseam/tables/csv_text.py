"""Comma-separated text that Excel, R and pandas read alike."""

import csv
import io
import math
from collections.abc import Mapping

import numpy as np

_EXACT = 1e15


def csv_text(columns: Mapping[str, np.ndarray]) -> str:
    """Return columns as text: decimal points, all digits, ``TRUE`` and ``FALSE``, empty cells for NaN.

    >>> print(csv_text({"id": np.array([1, 2]), "round": np.array([True, False]), "mean": np.array([0.1, np.nan])}), end="")
    id,round,mean
    1,TRUE,0.1
    2,FALSE,
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(_cells(column) for column in columns.values()), strict=True))
    return text.getvalue()


def _cells(column: np.ndarray) -> list[object]:
    values = column.tolist()
    if column.dtype.kind == "b":
        return ["TRUE" if value else "FALSE" for value in values]
    if column.dtype.kind == "f":  # a whole number is written without ".0", so that a count stays a count
        return [_number(value) for value in values]
    return values


def _number(value: float) -> float | int | str:
    if math.isnan(value):
        return ""
    return int(value) if value.is_integer() and abs(value) < _EXACT else value
