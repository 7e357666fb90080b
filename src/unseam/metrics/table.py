"""The scores of many images as one table: a row an image, and a row for all of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from unseam.metrics.score import Figure, Score


class Row(NamedTuple):
    """One row: the image's name, and a value a column (NaN: nothing to score)."""

    name: str
    values: tuple[Figure, ...]


@dataclass(frozen=True)
class Scores:
    """Scores of some images under the same metrics.

    Parameters
    ----------
    names
        The images, in the order in which they came; at least one.
    per_image
        For each image the scores of all metrics, in one order.

    Notes
    -----
    The row of all images is no mean of the rows above it. Each metric says how it pools:

    ==========================================  ==========================================================
    pixel error, calibration, best threshold    pixels of all images together
    IoU, Dice, precision, recall of pixels      intersections and unions of all images together, per class
    Rand error, Rand index error, Hausdorff 95  mean over images
    warping error, splits, mergers              pixels, and mistakes, of all images together
    DET                                         what is to be mended in all images together
    surface Dice                                outlines of all images together, per class
    SEG                                         mean over the true objects of all images
    precision, recall, F1, matched IoU, AP, PQ  objects of all images together
    aggregated Jaccard index                    pixels of the objects of all images together
    ==========================================  ==========================================================
    """

    names: tuple[str, ...]
    per_image: tuple[tuple[Score, ...], ...]

    def __post_init__(self) -> None:
        assert self.names, "a table of no image"
        assert len(self.names) == len(self.per_image)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.pooled())

    def pooled(self) -> dict[str, Figure]:
        """Give the figures of all images together, by column."""
        figures: dict[str, Figure] = {}
        for of_one_metric in zip(*self.per_image, strict=True):
            figures |= type(of_one_metric[0]).pool(of_one_metric)
        return figures

    def images(self) -> Iterator[tuple[str, dict[str, Figure]]]:
        """Give each image's name and its figures, by column."""
        for name, scores in zip(self.names, self.per_image, strict=True):
            figures: dict[str, Figure] = {}
            for score in scores:
                figures |= score.columns()
            yield name, figures

    def rows(self) -> list[Row]:
        """List a row an image, then the row "all"; values in the order of :attr:`columns`."""
        pooled = self.pooled()
        return [
            Row(name, tuple(figures[column] for column in pooled))
            for name, figures in (*self.images(), ("all", pooled))
        ]

    def to_json(self) -> dict[str, object]:
        """Give plain lists, names and numbers for ``json.dump``; ``None`` where nothing could be scored."""
        return {
            "images": [{"name": name, "scores": _plain(figures)} for name, figures in self.images()],
            "all": _plain(self.pooled()),
        }


def _plain(figures: dict[str, Figure]) -> dict[str, Figure | None]:
    return {column: None if math.isnan(value) else value for column, value in figures.items()}
