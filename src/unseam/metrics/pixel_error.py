"""The share of wrong pixels: the pixel error of the ISBI 2012 challenge (sec. 4, table 1)."""

from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import PixelMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, ratio

_ERROR = Column("pixel_error", "pixel err", "share of wrong pixels", 0, place=10, place_of_objects=15)


@dataclass(frozen=True)
class PixelScore(Counts):
    """Numbers of wrong pixels and of annotated pixels."""

    num_wrong: int
    num_pixels: int

    @property
    def error(self) -> float:
        """Share of the annotated pixels with the wrong class; NaN without annotated pixels."""
        return ratio(self.num_wrong, self.num_pixels)

    def figures(self) -> Figures:
        return ((_ERROR, self.error),)


@dataclass(frozen=True)
class PixelError(PixelMetric[PixelScore]):
    """Share of pixels with the wrong class.

    **Source:** the paper, sec. 4, table 1; Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142.

    **Departs:** the challenge received a probability per pixel, and scored its squared distance to the 0 and 1 of the truth
    (or an F-score at the best threshold). Here each pixel has one predicted class; then the squared distance is the share of
    wrong pixels.

    Examples
    --------
    One of three annotated pixels is wrong. The fourth is unannotated and does not count.

    >>> import numpy as np
    >>> score = PixelError()(np.array([[0, 1], [1, 1]]), np.array([[0, 1], [0, 255]]))
    >>> round(score.error, 3)
    0.333
    """

    pooling: ClassVar = "pixels of all images together"

    def from_contingency(self, table: Contingency) -> PixelScore:
        wrong = table.count[table.predicted != table.truth]
        return PixelScore(num_wrong=int(wrong.sum()), num_pixels=table.num_pixels)
