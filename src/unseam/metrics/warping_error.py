"""Mistakes of topology, and no others: the warping error of the ISBI 2012 challenge (sec. 4, table 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Integer

from unseam.errors import DataError
from unseam.metrics.components import check_cell_class
from unseam.metrics.contingency import check_class_maps
from unseam.metrics.homotopic_warp import warp
from unseam.metrics.score import Column, Figure, Figures, Reads, Score, ratio
from unseam.metrics.topology_errors import Mistake, TopologyError, topology_errors
from unseam.shapes import IGNORE

_MEANING = "share of pixels that no bending of outlines puts right (topology)"
_ERROR = Column("warping_error", "warp err", _MEANING, 0, place=12, decimals=6, is_of_one_class=True)
_IN_BOTH = Column("split_merger_error", "split/merge err", "the same, of splits and mergers only", 0, decimals=6)
_SPLITS = Column("splits", "splits", "places where a cell is parted", 0, decimals=0)
_MERGERS = Column("mergers", "mergers", "places where cells are joined", 0, decimals=0)


@dataclass(frozen=True)
class WarpingScore(Score):
    """Where the warped truth and the prediction still differ, and how many pixels were annotated."""

    mistakes: tuple[TopologyError, ...]
    num_pixels: int

    @cached_property
    def num_disagreeing(self) -> int:
        """Pixels that still differ."""
        return sum(patch.size for patch in self.mistakes)

    @cached_property
    def num_in_splits_and_mergers(self) -> int:
        """Those of them that part a cell or join several."""
        return sum(patch.size for patch in self.mistakes if patch.mistake in (Mistake.SPLIT, Mistake.MERGER))

    @cached_property
    def num_splits(self) -> int:
        """Patches that part a cell."""
        return self.number_of(Mistake.SPLIT)

    @cached_property
    def num_mergers(self) -> int:
        """Patches that join cells."""
        return self.number_of(Mistake.MERGER)

    @property
    def error(self) -> float:
        """Share of the annotated pixels that still differ (Jain et al. 2010); NaN if none is annotated."""
        return ratio(self.num_disagreeing, self.num_pixels)

    @property
    def split_merger_error(self) -> float:
        """The same, only of the pixels in splits and mergers: what the challenge's table lists."""
        return ratio(self.num_in_splits_and_mergers, self.num_pixels)

    @property
    def loss(self) -> float:
        """The challenge picked its threshold by :attr:`split_merger_error`."""
        return self.split_merger_error

    def number_of(self, mistake: Mistake) -> int:
        """Count the patches that make this mistake."""
        return sum(patch.mistake is mistake for patch in self.mistakes)

    def figures(self) -> Figures:
        """Give ``warping_error``, ``split_merger_error`` and the numbers of ``splits`` and ``mergers``."""
        errors = ((_ERROR, self.error), (_IN_BOTH, self.split_merger_error))
        return (*errors, (_SPLITS, self.num_splits), (_MERGERS, self.num_mergers))

    @classmethod
    def together(cls, scores: Sequence["WarpingScore"]) -> "WarpingScore":
        """Put the mistakes of all images in one list; each place is one in its own image."""
        mistakes = tuple(chain.from_iterable(score.mistakes for score in scores))
        return cls(mistakes, sum(score.num_pixels for score in scores))

    @classmethod
    def pool(cls, scores: Sequence["WarpingScore"]) -> dict[str, Figure]:
        """Pool the pixels and the mistakes of all images."""
        num_pixels = sum(score.num_pixels for score in scores)
        return {
            "warping_error": ratio(sum(score.num_disagreeing for score in scores), num_pixels),
            "split_merger_error": ratio(sum(score.num_in_splits_and_mergers for score in scores), num_pixels),
            "splits": sum(score.num_splits for score in scores),
            "mergers": sum(score.num_mergers for score in scores),
        }


@dataclass(frozen=True)
class WarpingError:
    """Share of pixels that differ after the truth was bent towards the prediction without tearing it.

    A border that lies elsewhere costs nothing; a gap in a membrane, a cell cut in two, one invented or
    forgotten costs the pixels that it would take to mend it. The truth is bent by flipping simple pixels in
    which it differs from the prediction, until none is left (:mod:`unseam.metrics.homotopic_warp`). Cells
    hang together over four neighbours, membranes over eight; beyond the image all is membrane.

    What is promised: the warped truth has as many cells and holes as the truth; the order of flips is fixed,
    so the same maps always give the same figure; no further flip of one pixel brings the two nearer. What is
    not: that no longer sequence of flips, through pixels in which both agree, would. The nearest of all
    warpings can be found by trying them all on a few pixels only (of 200 pairs of noise maps of 3 x 4 px, the
    worst that can come, ours was the nearest for 111), and the challenge's program does not find it either.
    So a border that was moved by more than its width counts as a merger where it was and as a split where it
    came to lie.

    Pixels that nobody annotated are membrane in both maps: they never differ, never flip and never count, and
    they part cells in both, just as for :class:`RandError`.

    Parameters
    ----------
    cell_class
        Class inside the cells; all other classes are membrane.

    Raises
    ------
    SettingsError
        ``cell_class`` cannot be a class.

    **Source:** the paper, sec. 4, table 1; Jain et al. (2010), "Boundary learning by optimization with
    topological constraints", CVPR, 2488-2495, doi:10.1109/CVPR.2010.5539950. Neighbourhoods, what lies beyond
    the image, and the figure of the table (pixels of splits and mergers, least over the thresholds 0, 0.1,
    .. 0.9) as in the challenge's own program, ``trainableSegmentation.metrics.WarpingError`` of Fiji.

    **Departs:** the challenge's program visits each differing pixel once, the surest first; we go on until
    nothing flips, so less is left. It names each remaining pixel by its neighbours; we name each patch by
    what it does to the number of cells and holes.

    Examples
    --------
    The wall has moved by one px, which costs nothing, and has a gap of one px, which joins two cells.

    >>> truth = np.array([[1, 0, 0, 1, 1], [1, 0, 0, 1, 1], [1, 0, 0, 1, 1]])
    >>> predicted = np.array([[1, 1, 0, 0, 1], [1, 1, 1, 1, 1], [1, 1, 0, 0, 1]])
    >>> score = WarpingError()(predicted, truth)
    >>> round(score.error, 4), score.mistakes[0].mistake.value
    (0.0667, 'merger')
    """

    reads: ClassVar = Reads.CLASSES
    pooling: ClassVar = "pixels and mistakes of all images together"

    cell_class: int = 1

    def __post_init__(self) -> None:
        check_cell_class(self.cell_class)

    def __call__(
        self,
        predicted: Integer[np.ndarray, "height width"],
        truth: Integer[np.ndarray, "_height _width"],
        *,
        may_warp: Bool[np.ndarray, "_height _width"] | None = None,
    ) -> WarpingScore:
        """Score a predicted class map against the true one. Not symmetric.

        Parameters
        ----------
        predicted, truth
            Class maps of one size.
        may_warp
            Where the truth may be bent, such as near its borders; everywhere if not given, as in the
            challenge. Elsewhere a difference counts as it stands.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than classes.
        """
        warped = self.warped_truth(predicted, truth, may_warp=may_warp)
        is_annotated = truth != IGNORE
        mistakes = topology_errors(warped, (predicted == self.cell_class) & is_annotated)
        return WarpingScore(mistakes, num_pixels=int(is_annotated.sum()))

    def warped_truth(
        self,
        predicted: Integer[np.ndarray, "height width"],
        truth: Integer[np.ndarray, "_height _width"],
        *,
        may_warp: Bool[np.ndarray, "_height _width"] | None = None,
    ) -> Bool[np.ndarray, "height width"]:
        """Bend the cells of the truth towards those of the prediction; parameters as when called.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than classes.
        """
        check_class_maps(predicted, truth)
        if may_warp is not None and may_warp.shape != truth.shape:
            raise DataError(
                f"may_warp has the shape {may_warp.shape} and the truth {truth.shape}; both must have one. "
                "Make it from the truth itself."
            )
        is_cell = (predicted == self.cell_class) & (truth != IGNORE)
        return warp(truth == self.cell_class, is_cell, np.ones(truth.shape, bool) if may_warp is None else may_warp)
