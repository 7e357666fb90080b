"""Scores of a trained network on images that it has not seen, by the judge of the arena."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from judge import Pair, score
from pictures import write_picture

from pretrain_data import MOST_PX, NOT_ANNOTATED, SetOfImages, factor_of, median_of_set, middle
from pretrain_release import with_findings
from unseam.data.prepare import Annotated
from unseam.data.rescale import nearest, rescaled
from unseam.heads import Objects, RidgeObjects
from unseam.model import Model
from unseam.model.release import SetScore

TUNED_ON = 4
"""Training images of each set that choose among the ways."""

LEFT_OUT, OTHERS = "set left out", "other images of the set"
KINDS = {"fluo_": "dsb2018, fluorescence", "he_": "dsb2018, H&E", "bf_": "dsb2018, bright field"}


def score_network(
    file: Path, seen: Sequence[SetOfImages], unseen: Sequence[SetOfImages], object_px: float, tell: Callable[[str], None]
) -> dict[str, object]:
    """Choose how objects are found on training images, score all that training did not see, and write both into the file."""
    model = Model.load(file, "cpu")
    objects, chosen_by = choose_objects(model, seen, object_px)
    tell(f"objects: threshold {objects.threshold:g}, split {objects.split:g}; mean PQ on training images {chosen_by:.3f}")
    rows = []
    for sets, how in ((seen, OTHERS), (unseen, LEFT_OUT)):
        for one in sets:
            own = score_set(model, objects, one, object_px, file.with_suffix(""), is_unseen=how == LEFT_OUT)
            rows += [row | {"seen": how} for row in own]
    with_findings(file, objects, [SetScore(row["set"], "F1 at IoU 0.5", row["f1"], row["images"], row["seen"]) for row in rows])
    return {"threshold": objects.threshold, "split": objects.split, "scores": rows}


def choose_objects(model: Model, sets: Sequence[SetOfImages], object_px: float) -> tuple[Objects, float]:
    """The way to find objects that has the best panoptic quality, the mean over sets, on some training images of each."""
    found: dict[tuple[float, float], list[float]] = {way: [] for way in RidgeObjects.ways}
    for one in sets:
        of_set = median_of_set(one.training, one.about)
        items = one.training[:: max(1, len(one.training) // TUNED_ON)][:TUNED_ON]
        maps = [foreground(model, item, factor_of(item, one.about, object_px, of_set)) for item in items]
        for way in RidgeObjects.ways:
            objects = replace(model.info.objects, threshold=way[0], split=way[1])
            both = zip(maps, items, strict=True)
            pairs = [where_known(nearest(objects(own), *item.labels.shape), item.labels) for own, item in both]
            found[way].append(score(pairs, "objects")["pq"] or 0.0)
    means = {way: float(np.mean(values)) for way, values in found.items()}
    best = max(RidgeObjects.ways, key=lambda way: means[way])
    return replace(model.info.objects, threshold=best[0], split=best[1]), means[best]


def foreground(model: Model, item: Annotated, factor: float) -> np.ndarray:
    """How likely each pixel lies in an object, in the pixels of the network."""
    return np.asarray(model.info.head.foreground(model.predict(rescaled(item.image, (factor, factor))).probabilities))


def score_set(
    model: Model, objects: Objects, one: SetOfImages, object_px: float, pictures: Path, *, is_unseen: bool
) -> list[dict[str, object]]:
    """A row for each group of images: figures of the judge, at the known median diameter of each image; and a picture.

    What a set does not annotate does not count, and neither do pieces of one class that seem to be several objects.
    """
    of_set = median_of_set([*one.training, *one.held_out], one.about)
    rows = []
    for name, items in groups_of(one, is_unseen=is_unseen).items():
        pairs: list[Pair] = []
        factors = [factor_of(item, one.about, object_px, of_set) for item in items]
        items = [middle(item, round(MOST_PX / factor)) for item, factor in zip(items, factors, strict=True)]
        for item, factor in zip(items, factors, strict=True):
            own = objects(foreground(model, item, factor))
            pairs.append(where_known(nearest(own, *item.labels.shape), item.labels))
        found, truth = pairs[len(pairs) // 2]
        write_picture(pictures / f"{name}.png", items[len(pairs) // 2].image, {"truth": truth, "found": found})
        rows.append({"set": name, "images": len(items), **score(pairs, "objects")})
        print(name, *(f"{key} {rows[-1][key] or 0:.3f}" for key in ("seg", "f1", "pq")), flush=True)
    return rows


def groups_of(one: SetOfImages, *, is_unseen: bool) -> dict[str, list[Annotated]]:
    """The images to score, by name: the held-out ones, or all of a set that training did not see; of dsb2018 each kind."""
    items = [*one.training, *one.held_out] if is_unseen else list(one.held_out)
    groups: dict[str, list[Annotated]] = {}
    for item in items:
        kind = next((text for start, text in KINDS.items() if item.name.startswith(start)), "")
        groups.setdefault(kind if one.about.name == "dsb2018" else one.about.name, []).append(item)
    return groups


def where_known(found: np.ndarray, truth: np.ndarray) -> Pair:
    """Both maps without what is not annotated: found objects that lie there mostly do not count."""
    unknown, number = truth == NOT_ANNOTATED, int(found.max(initial=0)) + 1
    areas, hidden = np.bincount(found.ravel(), minlength=number), np.bincount(found[unknown], minlength=number)
    return np.where((hidden > 0.5 * areas)[found], 0, found), np.where(unknown, 0, truth)
