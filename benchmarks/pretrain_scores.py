"""Scores of a trained network on images that it has not seen, by the judge of the arena."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from judge import score
from pretrain_data import NOT_ANNOTATED, SetOfImages, factor_of, median_of_set
from unseam.data.prepare import Annotated
from unseam.data.rescale import nearest, rescaled
from unseam.model import Model


def find_objects(model: Model, image: np.ndarray, factor: float) -> np.ndarray:
    """Objects (H, W) of an image of one channel that is resampled for the network, and brought back."""
    return nearest(model.predict(rescaled(image, (factor, factor))).instances, *image.shape)


def groups_of(one: SetOfImages, *, is_unseen: bool) -> dict[str, list[Annotated]]:
    """The images to score, by name: the held-out ones, or all of a set that training did not see; of dsb2018 each kind."""
    items = [*one.training, *one.held_out] if is_unseen else list(one.held_out)
    if one.about.name != "dsb2018":
        return {one.about.name: items}
    kinds = {"fluo_": "fluorescence", "he_": "H&E", "bf_": "bright field"}
    return {f"dsb2018, {text}": [item for item in items if item.name.startswith(kind)] for kind, text in kinds.items()}


def score_sets(
    file: Path, seen: Sequence[SetOfImages], unseen: Sequence[SetOfImages], object_px: float, tell: Callable[[str], None]
) -> list[dict[str, object]]:
    """One row a set: figures of the judge on its objects, at the known median diameter of each image.

    Where a set does not say what is there, nothing counts. Sets of pieces and of parts are judged with their own faults.
    """
    model, rows = Model.load(file, "cpu"), []
    for sets, is_unseen in ((seen, False), (unseen, True)):
        for one in sets:
            of_set = median_of_set([*one.training, *one.held_out], one.about)
            for name, items in groups_of(one, is_unseen=is_unseen).items():
                if not items:
                    continue
                pairs = []
                for item in items:
                    found = find_objects(model, item.image, factor_of(item, one.about, object_px, of_set))
                    pairs.append(where_known(found, item.labels))
                figures = score(pairs, "objects")
                rows.append({"set": name, "images": len(items), "seen": "set left out" if is_unseen else "other images of the set",
                    **figures})  # fmt: skip
                tell(f"{name}, {rows[-1]['seen']}: " + ", ".join(f"{key} {value or 0:.3f}" for key, value in figures.items()))
    return rows


def where_known(found: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both maps without what is not annotated: found objects that lie there mostly do not count."""
    unknown = truth == NOT_ANNOTATED
    areas, hidden = np.bincount(found.ravel()), np.bincount(found[unknown], minlength=int(found.max(initial=0)) + 1)
    gone = np.flatnonzero(hidden > 0.5 * areas)
    return np.where(np.isin(found, gone), 0, found), np.where(unknown, 0, truth)
