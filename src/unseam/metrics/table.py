"""The scores of many images as one table: one row per image, and one row for all of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from unseam.metrics.score import Column, Figure, Score


class Row(NamedTuple):
    """The name of an image and one value per column (NaN: nothing to score)."""

    name: str
    values: tuple[Figure, ...]


@dataclass(frozen=True)
class Scores:
    """Scores of several images under the same metrics.

    Parameters
    ----------
    names
        Names of the images, in the given order; at least one.
    per_image
        The scores of all metrics, in the same order for each image.
    is_of_objects
        Whether the maps are instance maps.

    Notes
    -----
    The row of all images is not the mean of the other rows: each metric states in ``pooling`` how it pools.
    """

    names: tuple[str, ...]
    per_image: tuple[tuple[Score, ...], ...]
    is_of_objects: bool = False

    def __post_init__(self) -> None:
        assert self.names, "a table needs an image"
        assert len(self.names) == len(self.per_image)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.described)

    @property
    def described(self) -> tuple[Column, ...]:
        """The columns in the order of files."""
        return tuple(column for score in self.per_image[0] for column, _ in score.figures())

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns of a table for people, the most wanted ones first."""
        is_by_class = any(column.klass is not None for column in self.described)
        kept = [c for c in self.described if self._place(c) and not (is_by_class and c.is_of_one_class)]
        return tuple(sorted(kept, key=self._place))

    def _place(self, column: Column) -> int:
        return column.place_of_objects if self.is_of_objects else column.place

    def pooled(self) -> dict[str, Figure]:
        """Return the figures of all images together, by column."""
        figures: dict[str, Figure] = {}
        for of_one_metric in zip(*self.per_image, strict=True):
            figures |= type(of_one_metric[0]).pool(of_one_metric)
        return figures

    def images(self) -> Iterator[tuple[str, dict[str, Figure]]]:
        """Yield the name and the figures, by column, of each image."""
        for name, scores in zip(self.names, self.per_image, strict=True):
            figures: dict[str, Figure] = {}
            for score in scores:
                figures |= score.columns()
            yield name, figures

    def rows(self) -> list[Row]:
        """Return one row per image, then the row "all"; values in the order of :attr:`columns`."""
        pooled = self.pooled()
        named = (*self.images(), ("all", pooled))
        return [Row(name, tuple(figures[column] for column in pooled)) for name, figures in named]

    def to_json(self) -> dict[str, object]:
        """Return plain lists, names and numbers for ``json.dump``; ``None`` where there is nothing to score."""
        images = [{"name": name, "scores": _plain(figures)} for name, figures in self.images()]
        return {"images": images, "all": _plain(self.pooled())}


def _plain(figures: dict[str, Figure]) -> dict[str, Figure | None]:
    return {column: None if math.isnan(value) else value for column, value in figures.items()}
