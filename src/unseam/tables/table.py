"""A table: columns of equal length, each a NumPy array. It needs no pandas, and becomes a DataFrame where that is wanted."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from unseam.errors import DataError
from unseam.io import write_text_whole
from unseam.tables.csv_text import csv_text
from unseam.tables.parquet import write_parquet

if TYPE_CHECKING:
    import pandas

Cell = str | int | float | bool
_MOST_SHOWN = 20


class Table:
    """Named columns of equal length, in a fixed order.

    Parameters
    ----------
    columns
        Values by column: numbers, booleans or words. NaN is an empty cell.

    Notes
    -----
    ``table["area_um2"]`` is a NumPy array, ``list(table)`` has the names of the columns, and ``len(table)`` is the number of
    *rows*.
    The name of a column ends in its unit where it has one (``_px``, ``_um``, ``_um2``, ``_rad``).

    Examples
    --------
    >>> table = Table({"id": [1, 2, 3], "area_px": [5.0, 7.5, float("nan")]})
    >>> table.names, table["id"].max()
    (('id', 'area_px'), np.int64(3))
    >>> next(table.rows())
    {'id': 1, 'area_px': 5.0}
    """

    def __init__(self, columns: Mapping[str, Sequence[Cell] | Shaped[np.ndarray, "rows"]]) -> None:
        self._columns = {name: _as_column(values) for name, values in columns.items()}
        lengths = {len(column) for column in self._columns.values()}
        assert len(lengths) <= 1, "columns of one table have the same length"
        self._length = lengths.pop() if lengths else 0

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self._columns)

    def __getitem__(self, name: str) -> Shaped[np.ndarray, "rows"]:
        if name not in self._columns:
            raise KeyError(f"there is no column {name!r}; the table has {', '.join(self._columns)}")
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def get(self, name: str) -> Shaped[np.ndarray, "rows"] | None:
        """Return a column, or None if there is none of that name."""
        return self._columns.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.names == other.names and all(_are_equal(self[name], other[name]) for name in self)

    __hash__ = None  # type: ignore[assignment]  # its arrays can change

    def __repr__(self) -> str:
        return f"<unseam.Table of {len(self):,} row(s): {', '.join(self._columns)}>"

    def rows(self) -> Iterator[dict[str, Cell]]:
        """Yield each row as plain Python values, by column."""
        lists = [column.tolist() for column in self._columns.values()]
        return (dict(zip(self._columns, row, strict=True)) for row in zip(*lists, strict=True))

    def where(self, is_kept: Shaped[np.ndarray, "rows"]) -> "Table":
        """Return the rows for which an array of booleans is true, or whose numbers an array of integers lists.

        >>> Table({"id": [1, 2], "area_px": [5, 50]}).where(np.array([False, True]))["id"].tolist()
        [2]
        """
        return Table({name: column[is_kept] for name, column in self._columns.items()})

    def with_columns(self, more: Mapping[str, Sequence[Cell] | Shaped[np.ndarray, "rows"]], after: str = "") -> "Table":
        """Return the table with more columns, at the end or after a column."""
        columns: dict[str, Any] = {}
        for name, column in self._columns.items():
            columns[name] = column
            if name == after:
                columns |= dict(more)
        return Table(columns if after else columns | dict(more))

    def to_csv(self, path: str | Path | None = None) -> str:
        """Return the table as comma-separated text; with a path also write it, complete or not at all.

        Numbers have a decimal point and all their digits, booleans are ``TRUE`` and ``FALSE``, and an unknown value is an empty
        cell. If a word is not plain ASCII, the *file* begins with a byte order mark, without which Excel misreads it.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        text = csv_text(self._columns)
        if path is not None:
            write_text_whole(path, text if text.isascii() else f"\N{BYTE ORDER MARK}{text}")
        return text

    def to_parquet(self, path: str | Path) -> None:
        """Write the table as Parquet, complete or not at all.

        Raises OutputError without ``unseam[parquet]``, or if writing fails.
        """
        write_parquet(self._columns, Path(path))

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the table as a DataFrame of pandas, if that is installed. Raises DataError if not."""
        try:
            import pandas as pd
        except ImportError as error:
            raise DataError(
                "pandas is not installed, and only this method needs it. Run pip install pandas, or use to_csv and rows."
            ) from error
        return pd.DataFrame(dict(self._columns))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the first rows."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self)
        shown = self.where(np.arange(min(len(self), _MOST_SHOWN)))
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_short(value))}</td>" for value in row.values()) + "</tr>" for row in shown.rows()
        )
        left = f"<p>{len(self) - len(shown):,} more row(s)</p>" if len(shown) < len(self) else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left}"


def joined(tables: Sequence[Table]) -> Table:
    """Return the rows of several tables as one. A column that a table lacks is empty there.

    >>> joined([Table({"image": ["a"]}), Table({"image": ["b"], "mean": [2.0]})])["mean"].tolist()
    [nan, 2.0]
    """
    names = dict.fromkeys(name for table in tables for name in table)
    return Table({name: np.concatenate([_part(table, tables, name) for table in tables]) for name in names})


def _part(table: Table, tables: Sequence[Table], name: str) -> np.ndarray:
    if name in table:
        return table[name]
    kind = next(one[name].dtype.kind for one in tables if name in one)
    return np.full(len(table), "" if kind in "UO" else np.nan, None if kind not in "UO" else object)


def _as_column(values: Any) -> np.ndarray:
    column = np.asarray(values)
    assert column.ndim == 1, "a column has one axis"
    return column.astype(object) if column.dtype.kind == "U" else column  # so that words of any length can be joined


def _are_equal(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f" and other.dtype.kind == "f"))


def _short(value: Cell) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)
