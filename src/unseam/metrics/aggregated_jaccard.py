"""The aggregated Jaccard index of nuclei in pathology, and its one-to-one form."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unseam.metrics.base import ObjectMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, ratio

_MEANING = "shared pixels of matched objects over all pixels of objects"
_AJI = Column("aggregated_jaccard", "AJI", _MEANING, 1)
_AJI_PLUS = Column("aggregated_jaccard_plus", "AJI+", f"{_MEANING}, each matched once", 1)


@dataclass(frozen=True)
class AggregatedJaccardScore(Counts):
    """Pixels in the intersections and unions of matched objects, in AJI and in AJI+. Unmatched objects add to the unions."""

    intersection: int
    union: int
    intersection_one_to_one: int
    union_one_to_one: int

    @property
    def index(self) -> float:
        """AJI; NaN if neither map has an object."""
        return ratio(self.intersection, self.union)

    @property
    def index_one_to_one(self) -> float:
        """AJI+; NaN if neither map has an object."""
        return ratio(self.intersection_one_to_one, self.union_one_to_one)

    def figures(self) -> Figures:
        return (_AJI, self.index), (_AJI_PLUS, self.index_one_to_one)


@dataclass(frozen=True)
class AggregatedJaccard(ObjectMetric[AggregatedJaccardScore]):
    """Shared pixels of matched objects over all pixels of matched and unmatched ones.

    In the original index (AJI) each true object takes the predicted one with the largest IoU, even if another true object has
    taken it too; among equals the one that shares most pixels, then the one with the lowest id. In the one-to-one form
    (AJI+) the matching has the largest sum of IoU, and no object is used twice.

    **Source:** AJI: Kumar et al. (2017), IEEE Transactions on Medical Imaging 36:1550-1560, algorithm 1; AJI+: Graham et
    al. (2019), Medical Image Analysis 58:101563.

    **Departs:** an unmatched predicted object that is mostly unannotated adds nothing to the union.

    Examples
    --------
    One object of 4 px covers two of 2 px. In AJI both take it: (2 + 2) / (4 + 4). In AJI+ only one of them takes it, and the
    other adds to the union: 2 / (4 + 2).

    >>> score = AggregatedJaccard()(np.array([[5, 5, 5, 5]]), np.array([[1, 1, 2, 2]]))
    >>> score.index, round(score.index_one_to_one, 3)
    (0.5, 0.333)
    """

    pooling: ClassVar = "pixels of the objects of all images together"

    def from_contingency(self, table: Contingency) -> AggregatedJaccardScore:
        each, once = _best_of_each(table), _one_to_one(table)
        return AggregatedJaccardScore(*_intersection_and_union(table, each), *_intersection_and_union(table, once))


def _best_of_each(table: Contingency) -> Int[np.ndarray, " matches"]:
    """Return for each true object the entry with the largest IoU."""
    pairs = np.flatnonzero(table.is_object_pair)
    order = np.lexsort((table.predicted[pairs], -table.count[pairs], -table.iou[pairs], table.truth[pairs]))
    _, first = np.unique(table.truth[pairs][order], return_index=True)
    return pairs[order[first]]


def _one_to_one(table: Contingency) -> Int[np.ndarray, " matches"]:
    """Return the entries of the matching with the largest sum of IoU."""
    pairs = np.flatnonzero(table.is_object_pair)
    if not pairs.size:
        return pairs
    rows, row_of = np.unique(table.truth[pairs], return_inverse=True)
    columns, column_of = np.unique(table.predicted[pairs], return_inverse=True)
    num_nodes = rows.size + columns.size
    # Overlapping objects form small groups that cannot affect each other. Solving each alone avoids one matrix of all objects.
    graph = coo_array((np.ones(pairs.size), (row_of, rows.size + column_of)), shape=(num_nodes, num_nodes))
    group_of = connected_components(graph, directed=False)[1][row_of]
    order = np.argsort(group_of, kind="stable")
    ends = np.flatnonzero(np.diff(group_of[order])) + 1
    chosen = [_assign(part, row_of, column_of, table.iou[pairs]) for part in np.split(order, ends)]
    return pairs[np.concatenate(chosen)]


def _assign(part: np.ndarray, row_of: np.ndarray, column_of: np.ndarray, iou: np.ndarray) -> np.ndarray:
    if part.size == 1:
        return part
    rows, row = np.unique(row_of[part], return_inverse=True)
    columns, column = np.unique(column_of[part], return_inverse=True)
    gain, entry = np.zeros((rows.size, columns.size)), np.full((rows.size, columns.size), -1, dtype=np.int64)
    gain[row, column], entry[row, column] = iou[part], part
    found = entry[linear_sum_assignment(gain, maximize=True)]
    return found[found >= 0]


def _intersection_and_union(table: Contingency, matches: Int[np.ndarray, " matches"]) -> tuple[int, int]:
    shared = int(table.count[matches].sum())
    union = int((table.predicted_size_of_pair[matches] + table.truth_size_of_pair[matches]).sum()) - shared
    true_ids, true_sizes = table.truth_sizes
    union += int(true_sizes[(true_ids > 0) & ~np.isin(true_ids, table.truth[matches])].sum())
    ids, sizes = table.predicted_sizes
    return shared, union + int(sizes[np.isin(ids, table.invented(table.predicted[matches]))].sum())
