"""The warping error of the ISBI 2012 challenge, which counts only mistakes of topology (sec. 4, table 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import ClassVar

import numpy as np
from jaxtyping import Bool

from unseam.errors import DataError
from unseam.metrics.components import check_cell_class
from unseam.metrics.contingency import LabelMap, TrueMap, check_class_maps
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
    """The patches where the warped truth and the prediction still differ, and the number of annotated pixels.

    The numbers are cached, because a bootstrap pools the same scores a thousand times.
    """

    mistakes: tuple[TopologyError, ...]
    num_pixels: int

    @cached_property
    def num_disagreeing(self) -> int:
        return sum(patch.size for patch in self.mistakes)

    @cached_property
    def num_in_splits_and_mergers(self) -> int:
        """Differing pixels in patches that split a cell or merge several."""
        return sum(patch.size for patch in self.mistakes if patch.mistake in (Mistake.SPLIT, Mistake.MERGER))

    @cached_property
    def num_splits(self) -> int:
        return self.number_of(Mistake.SPLIT)

    @cached_property
    def num_mergers(self) -> int:
        return self.number_of(Mistake.MERGER)

    @property
    def error(self) -> float:
        """Share of the annotated pixels that still differ (Jain et al. 2010); NaN without annotated pixels."""
        return ratio(self.num_disagreeing, self.num_pixels)

    @property
    def split_merger_error(self) -> float:
        """The same share of the pixels in splits and mergers only, which the challenge's table lists."""
        return ratio(self.num_in_splits_and_mergers, self.num_pixels)

    @property
    def loss(self) -> float:
        return self.split_merger_error  # the challenge chose its threshold by this figure

    def number_of(self, mistake: Mistake) -> int:
        return sum(patch.mistake is mistake for patch in self.mistakes)

    def figures(self) -> Figures:
        errors = ((_ERROR, self.error), (_IN_BOTH, self.split_merger_error))
        return (*errors, (_SPLITS, self.num_splits), (_MERGERS, self.num_mergers))

    @classmethod
    def together(cls, scores: Sequence["WarpingScore"]) -> "WarpingScore":
        """List the mistakes of all images together; each place is in the frame of its image."""
        mistakes = tuple(chain.from_iterable(score.mistakes for score in scores))
        return cls(mistakes, sum(score.num_pixels for score in scores))

    @classmethod
    def pool(cls, scores: Sequence["WarpingScore"]) -> dict[str, Figure]:
        num_pixels = sum(score.num_pixels for score in scores)
        return {
            "warping_error": ratio(sum(score.num_disagreeing for score in scores), num_pixels),
            "split_merger_error": ratio(sum(score.num_in_splits_and_mergers for score in scores), num_pixels),
            "splits": sum(score.num_splits for score in scores),
            "mergers": sum(score.num_mergers for score in scores),
        }


@dataclass(frozen=True)
class WarpingError:
    """Share of pixels that differ after the truth is bent towards the prediction without changing its topology.

    A border in another place costs nothing. A gap in a membrane, a cell cut in two, an invented or a lost cell costs the
    pixels that a correction would take. To bend the truth, simple pixels in which it differs from the prediction are flipped
    until no such pixel remains (:mod:`unseam.metrics.homotopic_warp`). Cells are connected over four neighbours, membranes
    over eight. Everything beyond the image is membrane.

    Three things are guaranteed. The warped truth has as many cells and holes as the truth. The order of flips is fixed, so
    the same maps always give the same figure. No further flip of one pixel brings the two nearer. A longer sequence of
    flips, through pixels in which both agree, still could. The nearest of all warpings is known only from trying them all,
    which is possible for a few pixels (of 200 pairs of noise maps of 3 x 4 px, the worst case, ours was the nearest for 111);
    the challenge's program does not find it either. So a border that moved by more than its width counts as a merger in its
    old place and as a split in its new one.

    Unannotated pixels are membrane in both maps: they never differ, flip or count, and they separate cells in both, as in
    :class:`RandError`.

    Parameters
    ----------
    cell_class
        Class inside the cells; all other classes are membrane.

    Raises
    ------
    SettingsError
        ``cell_class`` is not a class.

    **Source:** the paper, sec. 4, table 1; Jain et al. (2010), "Boundary learning by optimization with topological
    constraints", CVPR, 2488-2495, doi:10.1109/CVPR.2010.5539950. The neighbourhoods, the membrane beyond the image, and the
    figure of the table (pixels of splits and mergers, least over the thresholds 0, 0.1, .. 0.9) follow the challenge's
    program, ``trainableSegmentation.metrics.WarpingError`` of Fiji.

    **Departs:** the challenge's program visits each differing pixel once, the most certain first. We continue until nothing
    flips, so fewer pixels remain. It classifies each remaining pixel by its neighbours; we classify each patch by its effect
    on the number of cells and holes.

    Examples
    --------
    The wall has moved by one px, which costs nothing. It has a gap of one px, which merges two cells.

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
        self, predicted: LabelMap, truth: TrueMap, *, may_warp: Bool[np.ndarray, "_height _width"] | None = None
    ) -> WarpingScore:
        """Score a predicted class map against the true one. Not symmetric.

        Parameters
        ----------
        predicted, truth
            Class maps of one size.
        may_warp
            Where the truth may be bent, such as near its borders; by default everywhere, as in the challenge. Elsewhere
            every difference counts.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold values that are not classes.
        """
        warped = self.warped_truth(predicted, truth, may_warp=may_warp)
        is_annotated = truth != IGNORE
        mistakes = topology_errors(warped, (predicted == self.cell_class) & is_annotated)
        return WarpingScore(mistakes, num_pixels=int(is_annotated.sum()))

    def warped_truth(
        self, predicted: LabelMap, truth: TrueMap, *, may_warp: Bool[np.ndarray, "_height _width"] | None = None
    ) -> Bool[np.ndarray, "height width"]:
        """Bend the cells of the truth towards those of the prediction; parameters and errors as in the call."""
        check_class_maps(predicted, truth)
        if may_warp is None:
            may_warp = np.ones(truth.shape, bool)
        if may_warp.shape != truth.shape:
            raise DataError(
                f"may_warp has the shape {may_warp.shape} and the truth {truth.shape}. They must have the same shape. Make "
                "may_warp from the truth."
            )
        # Unannotated pixels are no cell in either map. They agree from the start, so they never flip, and a cell cannot reach
        # through them into another one.
        is_cell = (predicted == self.cell_class) & (truth != IGNORE)
        return warp(truth == self.cell_class, is_cell, may_warp)
