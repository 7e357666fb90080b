"""SEG and matched objects, with an object as the set of its pixels."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

Pixels = set[tuple[int, int]]


def objects(instance_map: np.ndarray, is_annotated: np.ndarray) -> list[Pixels]:
    found: dict[int, Pixels] = {}
    for row in range(instance_map.shape[0]):
        for column in range(instance_map.shape[1]):
            if is_annotated[row, column] and instance_map[row, column] > 0:
                found.setdefault(int(instance_map[row, column]), set()).add((row, column))
    return list(found.values())


def seg_by_sets(predicted: np.ndarray, truth: np.ndarray) -> list[Fraction]:
    """Jaccard index of each true object with its match, 0 without one."""
    is_annotated = truth != -1
    jaccards = []
    for true_object in objects(truth, is_annotated):
        best = Fraction(0)
        for candidate in objects(predicted, is_annotated):
            shared = len(true_object & candidate)
            if shared > Fraction(len(true_object), 2):
                assert best == 0, "two matches"
                best = Fraction(shared, len(true_object | candidate))
        jaccards.append(best)
    return jaccards


def matches_by_sets(predicted: np.ndarray, truth: np.ndarray, threshold: Fraction) -> tuple[int, int, int, Fraction]:
    """True positives, false positives, false negatives, sum of the IoU of the true positives."""
    is_annotated = truth != -1
    true_objects, candidates = objects(truth, is_annotated), objects(predicted, is_annotated)
    matched = [iou for t in true_objects for c in candidates if (iou := jaccard(t, c)) > threshold]
    alone = [c for c in candidates if all(jaccard(t, c) <= threshold for t in true_objects)]
    invented = [c for c in alone if not is_unknown(c, predicted, is_annotated)]
    return len(matched), len(invented), len(true_objects) - len(matched), sum(matched, Fraction(0))


def jaccard(one: Pixels, other: Pixels) -> Fraction:
    return Fraction(len(one & other), len(one | other))


def is_unknown(annotated_part: Pixels, predicted: np.ndarray, is_annotated: np.ndarray) -> bool:
    """Whether more than half of a predicted object lies where nobody annotated."""
    whole = predicted == predicted[next(iter(annotated_part))]
    return 2 * int((whole & ~is_annotated).sum()) > int(whole.sum())


def ap_by_sets(predicted: np.ndarray, truth: np.ndarray, threshold: Fraction) -> Fraction | None:
    """TP / (TP + FP + FN)."""
    found, invented, missed, _ = matches_by_sets(predicted, truth, threshold)
    whole = found + invented + missed
    return Fraction(found, whole) if whole else None


def aji_by_sets(predicted: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    """Intersection and union of Kumar et al.: each true object takes its best candidate, which another may have too."""
    is_annotated = truth != -1
    candidates = objects(predicted, is_annotated)
    intersection = union = 0
    used = []
    for true_object in objects(truth, is_annotated):
        touching = [c for c in candidates if c & true_object]
        if not touching:
            union += len(true_object)
            continue
        number = {id(c): int(predicted[next(iter(c))]) for c in touching}
        best = max(touching, key=lambda c: (jaccard(true_object, c), len(true_object & c), -number[id(c)]))
        used.append(best)
        intersection += len(true_object & best)
        union += len(true_object | best)
    left = [c for c in candidates if c not in used and not is_unknown(c, predicted, is_annotated)]
    return intersection, union + sum(map(len, left))


def aji_plus_by_sets(predicted: np.ndarray, truth: np.ndarray) -> list[tuple[int, int]]:
    """Intersection and union of every one-to-one matching that has the largest sum of IoU: all are tried."""
    is_annotated = truth != -1
    true_objects, candidates = objects(truth, is_annotated), objects(predicted, is_annotated)
    best, results = Fraction(-1), []
    for chosen in _matchings(len(true_objects), range(len(candidates))):
        pairs = [(true_objects[i], candidates[j]) for i, j in enumerate(chosen) if j is not None]
        if any(not t & c for t, c in pairs):
            continue
        total = sum((jaccard(t, c) for t, c in pairs), Fraction(0))
        missed = [true_objects[i] for i, j in enumerate(chosen) if j is None]
        left = [c for j, c in enumerate(candidates) if j not in chosen and not is_unknown(c, predicted, is_annotated)]
        union = sum(len(t | c) for t, c in pairs) + sum(map(len, missed)) + sum(map(len, left))
        if total >= best:
            results = results if total == best else []
            best = total
            results.append((sum(len(t & c) for t, c in pairs), union))
    return results


def _matchings(num_left: int, free: Iterable[int]) -> Iterator[tuple[int | None, ...]]:
    if num_left == 0:
        yield ()
        return
    for choice in (None, *free):
        for rest in _matchings(num_left - 1, [j for j in free if j != choice]):
            yield (choice, *rest)
