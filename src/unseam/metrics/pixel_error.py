"""The share of wrong pixels: the pixel error of the ISBI 2012 challenge (sec. 4, table 1)."""

from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import PixelMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, ratio

_ERROR = Column("pixel_error", "pixel err", "share of wrong pixels", 0, place=10, place_of_objects=15)


@dataclass(frozen=True)
class PixelScore(Counts):
    """Wrong pixels and annotated pixels of one image."""

    num_wrong: int
    num_pixels: int

    @property
    def error(self) -> float:
        """Share of the annotated pixels that have the wrong class; NaN if none is annotated."""
        return ratio(self.num_wrong, self.num_pixels)

    def figures(self) -> Figures:
        """Give ``pixel_error``."""
        return ((_ERROR, self.error),)


@dataclass(frozen=True)
class PixelError(PixelMetric[PixelScore]):
    """Share of pixels with the wrong class.

    **Source:** the paper, sec. 4, table 1; Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142.

    **Departs:** the challenge was sent a probability a pixel, and scored it as the squared distance to the
    truth's 0 and 1 (or as an F-score at the best threshold). Here the class has been decided; for a decided
    class the squared distance is the share of wrong pixels.

    Examples
    --------
    One of three annotated pixels is wrong; the fourth was not annotated and does not count.

    >>> import numpy as np
    >>> score = PixelError()(np.array([[0, 1], [1, 1]]), np.array([[0, 1], [0, 255]]))
    >>> round(score.error, 3)
    0.333
    """

    pooling: ClassVar = "pixels of all images together"

    def from_contingency(self, table: Contingency) -> PixelScore:
        """Score a table of classes that has been counted already."""
        wrong = table.count[table.predicted != table.truth]
        return PixelScore(num_wrong=int(wrong.sum()), num_pixels=table.num_pixels)
