"""What ``measure`` returns: the tables, and where they are written."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unseam.tables import Table

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Measurements:
    """The tables of a measurement.

    Attributes
    ----------
    objects
        One row an object: of instance maps.
    images
        One row an image, or a plane of a stack.
    classes
        One row a class of an image: of class maps.
    groups
        One row a group, or a class of a group; empty unless groups were given.
    notes
        Sentences on what was left out and why.
    """

    objects: Table
    images: Table
    classes: Table
    groups: Table
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> Table:
        """The objects, or for class maps the classes."""
        return self.classes if len(self.classes.names) else self.objects

    def to_csv(self, path: str | Path | None = None) -> str:
        """Return the main table as CSV, and write it if there is a path; see :meth:`unseam.Table.to_csv`."""
        return self.main.to_csv(path)

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the main table as a DataFrame."""
        return self.main.to_pandas()

    def _repr_html_(self) -> str:
        return self.main._repr_html_()
