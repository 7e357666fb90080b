"""Scores of predictions against annotations, as files that pair by name or as arrays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unseam.data.kinds import MaskChoice, facts_of_kind
from unseam.data.label_evidence import whole_numbers
from unseam.data.left_out import find_left_out
from unseam.errors import DataError
from unseam.evaluation.codings import check_each_pixel_counts
from unseam.evaluation.pairing import (
    FilePair,
    FilePairs,
    LabelCache,
    Planes,
    kind_by_ending,
    label_files,
    maps_to_look_at,
    pair_files,
    read_probabilities,
)
from unseam.evaluation.reading import ScoringReading, choose_reading, guess_kind
from unseam.evaluation.result import Evaluation, score_images, surface_for
from unseam.evaluation.truths import find_truths
from unseam.metrics import ImagePair, SurfaceDistance


class ScoredPair(NamedTuple):
    """A scored pair of maps, and where it comes from.

    ``annotation`` is the first file of the truth, and ``plane`` the number of the plane in it. ``values`` are the values of the
    classes in the files; empty for objects, and where everything but the background is foreground.
    """

    images: ImagePair
    annotation: Path
    plane: int
    values: tuple[int, ...]


def evaluate(
    predicted: str | Path | Sequence[np.ndarray],
    truth: str | Path | Sequence[np.ndarray],
    *,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
    probabilities: Sequence[np.ndarray] | None = None,
    spacing_um: tuple[float, float] | None = None,
    tolerance: float | None = None,
) -> Evaluation:
    """Score predictions against annotations.

    Parameters
    ----------
    predicted, truth
        Files or folders, see :func:`evaluate_files`; or two lists of label maps, (H, W) each, in the same order.
    masks
        What they hold. ``auto`` decides from the maps and the names of files. ``binary``: everything but 0 is foreground.
    ignore
        Value of the annotations for "not annotated", besides -1.
    probabilities
        With lists: (K, H, W) for each image, background first. With files they are found by name.
    spacing_um
        With lists: pixel size (row, column) in micrometres. Files state it themselves.
    tolerance
        How far apart outlines may be in the surface Dice: in um if the pixel size is known, otherwise in px.

    Returns
    -------
    Evaluation
        ``scores.pooled()`` has the figures of all images, ``scores.images()`` those of each, ``intervals.of`` the confidence
        intervals.

    Raises
    ------
    DataError, LabelError, ImageReadError, SettingsError
        If something cannot be scored. The message says what.

    Examples
    --------
    >>> truth = np.zeros((8, 8), int)
    >>> truth[1:4, 1:4], truth[5:7, 1:7] = 1, 2
    >>> result = evaluate([np.where(truth == 1, truth, 0)], [truth], masks="instances")
    >>> result.scores.pooled()["seg"], result.scores.pooled()["recall"]
    (0.5, 0.5)
    """
    if isinstance(predicted, str | Path) and isinstance(truth, str | Path):
        if probabilities is not None or spacing_um is not None:
            raise DataError("Got files and probabilities= or spacing_um=, but files state both themselves. Leave them out.")
        return evaluate_files(Path(predicted), Path(truth), masks=masks, ignore=ignore, tolerance=tolerance)
    if isinstance(predicted, str | Path) or isinstance(truth, str | Path):
        raise DataError("Got a file or folder together with a list of arrays. Give files on both sides, or lists.")
    lists = (predicted, truth) if probabilities is None else (predicted, truth, probabilities)
    if len({len(one) for one in lists}) > 1 or not len(predicted):
        raise DataError(
            f"Got lists of {', '.join(str(len(one)) for one in lists)} arrays, but each annotation needs one prediction, and "
            "at least one is needed. Give them in the same order."
        )
    names = [f"image {number}" for number in range(len(predicted))]
    predictions = [whole_numbers(np.asarray(one), f"prediction of {name}") for one, name in zip(predicted, names, strict=True)]
    truths = [whole_numbers(np.asarray(one), f"truth of {name}") for one, name in zip(truth, names, strict=True)]
    for one, name in zip(predictions, names, strict=True):
        check_each_pixel_counts(one, f"prediction of {name}")
    kind = masks if masks != "auto" else guess_kind(truths, predictions, ignore)
    has_booleans = any(np.asarray(one).dtype == bool for one in (*predicted, *truth))
    reading = choose_reading(truths, predictions, kind, is_given=masks != "auto", knows_background=has_booleans, ignore=ignore)
    likely = [None] * len(names) if probabilities is None else [reading.probabilities(np.asarray(p)) for p in probabilities]
    images = (
        ImagePair(name, reading.prediction(one), reading.truth(other), spacing_um or (1.0, 1.0), each)
        for name, one, other, each in zip(names, predictions, truths, likely, strict=True)
    )
    return score_images(images, range(len(names)), reading, surface_for([spacing_um], tolerance), reading.reason)


def evaluate_files(
    predicted: Path,
    truth: Path,
    *,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
    tolerance: float | None = None,
    on_pair: Callable[["ScoredPair"], None] = lambda _: None,
) -> Evaluation:
    """Score a file or folder of predictions against a file or folder of annotations, one pair at a time.

    Parameters
    ----------
    predicted
        A file or a folder. Names that end in ``_masks`` mean objects, in ``_classes`` classes; the values decide about others.
        Probabilities next to them (``x_prob.tif``, ``x_prob.npy``) are scored too.
    truth
        A file, a folder of annotations with the same names (``x_masks.tif`` and ``x.png`` belong together), or a folder of
        images and masks in any layout that :func:`unseam.data.layout.find_pairs` knows.
    masks, ignore, tolerance
        See :func:`evaluate`. ``binary`` treats everything but 0 as foreground.
    on_pair
        Called with each pair of maps after its scores.

    Raises
    ------
    DataError, LabelError, ImageReadError
        If files are missing, do not pair, or cannot be read. A prediction without an annotation is an error, unless the layout
        usually leaves images without annotation (Cell Tracking Challenge); ``reason`` says how many are left out.
    SettingsError
        If the tolerance is below 0.
    """
    truths = find_truths(truth)
    ignore = truths.ignore if ignore is None else ignore
    files, cache = label_files(predicted), LabelCache()
    named = kind_by_ending(files)
    kind = masks if masks != "auto" else named or guess_kind(*maps_to_look_at(files, truths, cache), ignore)
    scored = pair_files(files, truths, kind, single=truth.is_file() and predicted.is_file())
    both_sides = [paths for file in scored.files for paths in (file.truth, (file.predicted,))]
    cache.agree(both_sides, are_objects=facts_of_kind(kind).has_objects)
    groups, spacings = _check_planes(scored.files, cache)
    reading = choose_reading(
        Planes([file.truth for file in scored.files], cache),
        Planes([(file.predicted,) for file in scored.files], cache),
        kind,
        is_given=masks != "auto",
        knows_background=named is not None and facts_of_kind(named).has_objects,
        ignore=ignore,
    )
    not_read = find_left_out(predicted, files) if predicted.is_dir() else ()
    reason = reading.reason + _left_out(scored) + "".join(one.sentence for one in (*not_read, *truths.left_out))
    surface = surface_for(spacings, tolerance)
    images = _images(scored.files, cache, reading, surface, on_pair)
    result = score_images(images, groups, reading, surface, reason)
    if result.calibration is None and any(file.probabilities for file in scored.files):
        words = "Probabilities are left out: not all predictions have them, or their classes are not those of the maps."
        return replace(result, reason=f"{result.reason} {words}")
    return result


def _check_planes(files: Sequence[FilePair], cache: LabelCache) -> tuple[list[int], list[tuple[float, float] | None]]:
    """Return the number of the file for each plane, and the pixel size of each file, if either side states it."""
    groups: list[int] = []
    spacings = []
    for number, file in enumerate(files):
        predicted, true = cache.labels((file.predicted,)), cache.labels(file.truth)
        if len(predicted.planes()) != len(true.planes()):
            raise DataError(
                f"{file.predicted} has {len(predicted.planes())} plane(s), {file.truth[0]} has {len(true.planes())}. Both "
                "need the same number: check that they belong together."
            )
        for plane in predicted.planes():
            check_each_pixel_counts(plane, str(file.predicted))
        groups += [number] * len(true.planes())
        spacings.append(predicted.spacing_um or true.spacing_um)
    return groups, spacings


def _images(
    files: Sequence[FilePair],
    cache: LabelCache,
    reading: ScoringReading,
    surface: SurfaceDistance,
    on_pair: Callable[["ScoredPair"], None],
) -> Iterator[ImagePair]:
    for file in files:
        predicted, true = cache.labels((file.predicted,)), cache.labels(file.truth)
        spacing = predicted.spacing_um or true.spacing_um if surface.unit == "um" else None
        planes = list(zip(predicted.planes(), true.planes(), strict=True))
        likely = read_probabilities(file.probabilities, len(planes)) if file.probabilities else [None] * len(planes)
        for index, ((predicted_plane, true_plane), probabilities) in enumerate(zip(planes, likely, strict=True)):
            name = file.name if len(planes) == 1 else f"{file.name} plane {index}"
            pair = ImagePair(
                name,
                reading.prediction(predicted_plane),
                reading.truth(true_plane),
                spacing or (1.0, 1.0),
                None if probabilities is None else reading.probabilities(probabilities),
            )
            yield pair
            on_pair(ScoredPair(pair, file.truth[0], index, reading.values))  # after its scores, so it is known to fit


def _left_out(scored: FilePairs) -> str:
    numbers = {
        "annotation(s) without a prediction": scored.num_truths_alone,
        "prediction(s) without an annotation": scored.num_predictions_alone,
    }
    return "".join(f" {number} {files} are left out." for files, number in numbers.items() if number)
