"""Scores of a trained network on images that it has not seen, by the judge of the arena."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from judge import Pair, score
from pictures import write_picture

from pretrain_data import MOST_PX, NOT_ANNOTATED, SetOfImages, factor_of, median_of_set, middle
from pretrain_release import with_findings
from unseam.data.prepare import Annotated
from unseam.data.rescale import rescaled
from unseam.heads import Objects, RidgeObjects
from unseam.model import Model
from unseam.model.object_size import sureness
from unseam.model.release import SetScore

TUNED_ON = 2
"""Training images of each set that choose among the ways."""

MOST_SURE = 20
"""Images of each group whose sureness is measured."""

LEFT_OUT, OTHERS = "set left out", "other images of the set"
KINDS = {"fluo_": "dsb2018, fluorescence", "he_": "dsb2018, H&E", "bf_": "dsb2018, bright field"}


def score_network(
    file: Path, seen: Sequence[SetOfImages], unseen: Sequence[SetOfImages], object_px: float, tell: Callable[[str], None]
) -> dict[str, object]:
    """Choose how objects are found on training images, score all that training did not see, and write both into the file."""
    model = Model.load(file, "cpu", engine="torch")  # others compile for each size of image
    objects, chosen_by = choose_objects(model, seen, object_px)
    model = model.with_objects(objects)
    tell(f"objects: threshold {objects.threshold:g}, split {objects.split:g}; mean PQ on training images {chosen_by:.3f}")
    rows = []
    for sets, how in ((seen, OTHERS), (unseen, LEFT_OUT)):
        for one in sets:
            own = score_set(model, one, object_px, file.with_suffix(""), is_unseen=how == LEFT_OUT)
            rows += [row | {"seen": how} for row in own]
    known = [value for row in rows if row["seen"] == OTHERS for value in row["sureness"]]
    least = float(np.floor(100 * np.percentile(known, 5)) / 100) if known else None
    scores = [
        SetScore(row["set"], "F1 at IoU 0.5", round(row["f1_measured"] or 0.0, 3), row["images"], row["seen"]) for row in rows
    ]
    with_findings(file, objects, scores, least)
    return {"threshold": objects.threshold, "split": objects.split, "least_sure": least, "scores": rows}


def choose_objects(model: Model, sets: Sequence[SetOfImages], object_px: float) -> tuple[Objects, float]:
    """The way to find objects that has the best panoptic quality, the mean over sets, on some training images of each."""
    found: dict[tuple[float, float], list[float]] = {way: [] for way in RidgeObjects.ways}
    for one in sets:
        items = one.training[:: max(1, len(one.training) // TUNED_ON)][:TUNED_ON]
        seen = [(part, model.predict(part.image, diameter=own)) for part, own in with_diameters(items, one, object_px)]
        for threshold, split in RidgeObjects.ways:
            pairs = []
            for part, result in seen:
                objects = replace(result.objects, threshold=threshold, split=split)
                pairs.append(where_known(objects(model.info.head.foreground(result.probabilities)), part.labels))
            found[threshold, split].append(score(pairs, "objects")["pq"] or 0.0)
    means = {way: float(np.mean(values)) for way, values in found.items()}
    best = max(means, key=lambda way: means[way])
    return replace(model.info.objects, threshold=best[0], split=best[1]), means[best]


def with_diameters(items: Sequence[Annotated], one: SetOfImages, object_px: float) -> Iterator[tuple[Annotated, float]]:
    """Each image with the median diameter of its objects, px; large images are cut to their middle, as in training."""
    of_set = median_of_set([*one.training, *one.held_out], one.about)
    for item in items:
        factor = factor_of(item, one.about, object_px, of_set)
        yield middle(item, round(MOST_PX / factor)), object_px / factor


def score_set(model: Model, one: SetOfImages, object_px: float, pictures: Path, *, is_unseen: bool) -> list[dict[str, object]]:
    """A row for each group of images: figures of the judge at the known and at the measured size of objects; and a picture.

    What a set does not annotate does not count, and neither do pieces of one class that seem to be several objects.
    """
    rows = []
    for name, items in groups_of(one, is_unseen=is_unseen).items():
        known: list[Pair] = []
        measured: list[Pair] = []
        sizes, sure = [], []
        for part, diameter in with_diameters(items, one, object_px):
            result, size = model.predict(part.image, diameter=diameter), model.measure_size(part.image)
            known.append(where_known(result.instances, part.labels))
            ratio = object_px / diameter  # how sure it is, is measured at the scale of the network
            if len(sure) < MOST_SURE:
                seen = model.predict(rescaled(part.image, (ratio, ratio)), diameter=object_px)
                sure.append(sureness(seen.probabilities, model.info.head))
            if size is not None:
                sizes.append(size.diameter_px / diameter)
                result = model.predict(part.image, diameter=size)
            measured.append(where_known(result.instances, part.labels))
            if len(known) == (len(items) + 1) // 2:
                maps = {"truth": known[-1][1], "size known": known[-1][0], "size measured": measured[-1][0]}
                write_picture(pictures / f"{name}.png", part.image, maps)
        row = {"set": name, "images": len(items), **score(known, "objects"), "f1_measured": score(measured, "objects")["f1"]}
        row |= {"size_ratio": float(np.median(sizes)) if sizes else None, "sureness": [round(one, 3) for one in sorted(sure)]}
        rows.append(row)
        print(name, *(f"{key} {row[key] or 0:.3f}" for key in ("seg", "f1", "pq", "f1_measured", "size_ratio")), flush=True)
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
