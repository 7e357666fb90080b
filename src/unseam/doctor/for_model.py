"""Compare images with those that a model was trained on. The same figures explain a prediction without foreground."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.data.cases import find_cases
from unseam.data.channels import num_channels
from unseam.data.grey_facts import GreyFacts, SeenImages, grey_facts, object_sizes
from unseam.data.labels import LabelReading, to_instance_map
from unseam.data.normalise import Normalise, Ranges
from unseam.data.pixel_size import describe_other_size
from unseam.data.read_pair import as_model_reads, read_case
from unseam.doctor.finding import Finding, FindingKind, Place, Severity, shorten_list
from unseam.doctor.grey_values import check_stacks
from unseam.doctor.item import Item
from unseam.doctor.reading_notes import ReadingNotes
from unseam.errors import DataError, ImageReadError
from unseam.model.model_file import ModelInfo

_SCALE = 2.0  # ratio to the training images; the recipe's augmentation varies sizes by 1.33
_MIDDLE = 0.25
_NOISE = 3.0
_WEAK = 0.5


@dataclass(frozen=True)
class MeasuredImage:
    """Figures of one image, to compare with those of the training images."""

    place: Place
    facts: GreyFacts
    raw_channels: int
    spacing_um: tuple[float, float] | None = None


Difference = tuple[FindingKind, str]
"""One difference from the training images: its kind, and words with both figures."""

_EFFECTS: dict[FindingKind, tuple[str, str]] = {
    "other channels than the model": (
        "the model refuses such images",
        "convert them to the channels that it was trained on (unseam info), or train a model on images like these",
    ),
    "blank image": ("nothing can be found in it", "export the image again, with the right channel"),
    "other scale than the model": (
        "objects look larger or smaller than those that the model knows: it misses them or cuts them to pieces",
        "resize the images to the pixel size of the training images, or annotate some of these and train again",
    ),
    "other contrast than the model": (
        "objects do not look like those that the model knows: expect black or speckled results",
        "invert or export images like those of the training, or annotate some of these and train again",
    ),
}


def differences(seen: MeasuredImage, info: ModelInfo) -> list[Difference]:
    """Return the differences from the images that a model was trained on, the gravest first."""
    facts, known = seen.facts, info.training.seen
    found: list[Difference] = []
    wanted = info.net.in_channels
    if wanted not in (seen.raw_channels, facts.channels):
        found.append(("other channels than the model", f"it has {facts.channels} channel(s); the model takes {wanted}"))
    if facts.is_blank:
        found.append(("blank image", f"every pixel is {facts.lowest:g}"))
        return found
    if words := describe_other_size(seen.spacing_um, info.spacing_um):
        found.append(("other scale than the model", words))
    found += [("other contrast than the model", words) for words in info.normalise.far_from_fixed(facts.highest)]
    return found + (_grey_differences(facts, known) if known is not None else [])


def _grey_differences(facts: GreyFacts, known: SeenImages) -> list[Difference]:
    found: list[Difference] = []
    low, high = known.middle
    if not low - _MIDDLE <= facts.middle <= high + _MIDDLE:
        is_reversed = (facts.middle > 0.6 and high < 0.4) or (facts.middle < 0.4 and low > 0.6)
        shade = "brighter" if facts.middle > high else "darker"
        words = (
            f"its median lies at {facts.middle:.0%} between dark and bright, at {_range(low, high, '.0%')} in the training "
            f"images: {'bright and dark may be swapped' if is_reversed else f'most of it is {shade}'}"
        )
        found.append(("other contrast than the model", words))
    low, high = known.grain_px
    if not low / _SCALE <= facts.grain_px <= high * _SCALE:
        why = "larger objects, blur or uneven light" if facts.grain_px > high else "smaller objects, or noise"
        words = (
            f"its grey values change over {facts.grain_px:.1f} px, over {_range(low, high, '.1f')} px in the training images: "
            f"another magnification, {why}"
        )
        found.append(("other scale than the model", words))
    if facts.noise > _NOISE * known.noise[1]:
        words = (
            f"neighbouring pixels differ by {facts.noise:.1%} of its grey range, by up to {known.noise[1]:.1%} in the "
            "training images: dimmer or noisier"
        )
        found.append(("other contrast than the model", words))
    return found


def _range(low: float, high: float, form: str) -> str:
    return f"{low:{form}} to {high:{form}}" if f"{low:{form}}" != f"{high:{form}}" else f"{low:{form}}"


def measure_images(place: Path, in_channels: int, findings: list[Finding], normalise: Normalise) -> list[MeasuredImage]:
    """Measure the images of a file or folder as a model of ``in_channels`` reads them, which would normalise so.

    Unreadable images, notes on the others and stacks of uneven planes become findings. Raises DataError if there is no image.
    """
    seen: list[MeasuredImage] = []
    stacks: list[tuple[Place, list[Ranges]]] = []
    notes = ReadingNotes()
    for case in find_cases(place):
        path = case.images[0]
        name = path.relative_to(place).as_posix() if path != place and path.is_relative_to(place) else path.name
        try:
            file = as_model_reads(read_case(case.images), in_channels)
            planes = file.planes()
            if len(planes) > 1 and normalise.over == "plane":
                stacks.append((Place(name), normalise.ranges_of(planes)))
        except (ImageReadError, DataError) as error:
            effect, mend = "it cannot be segmented; the other images can", "copy or export the file again"
            findings.append(Finding("unreadable file", "stops", str(error).rstrip("."), (Place(name),), effect, mend))
            continue
        notes.add(file.notes, Place(name))
        seen.append(MeasuredImage(Place(name), grey_facts(planes[0]), num_channels(planes[0]), file.spacing_um))
    findings += [*check_stacks(stacks), *notes.findings()]
    return seen


def measure_items(items: Sequence[Item]) -> list[MeasuredImage]:
    """Measure annotated images."""
    return [MeasuredImage(i.in_image, i.grey, num_channels(i.image), i.annotated.spacing_um) for i in items]


def compare_with_model(seen: Sequence[MeasuredImage], info: ModelInfo) -> list[Finding]:
    """Find what differs from the images of a model, one finding per kind, and what is wrong with the model itself."""
    found = _check_model(info)
    by_kind: dict[FindingKind, list[tuple[Place, str]]] = {}
    for one in seen:
        gravest: dict[FindingKind, str] = {}
        for kind, words in differences(one, info):
            gravest.setdefault(kind, words)
        for kind, words in gravest.items():
            by_kind.setdefault(kind, []).append((one.place, words))
    for kind, places in by_kind.items():
        what = f"{shorten_list(len(places), len(seen))}{'; the first' if len(seen) > 1 else ''}: {places[0][1]}"
        severity: Severity = "stops" if kind == "other channels than the model" else "hurts"
        found.append(Finding(kind, severity, what, tuple(place for place, _ in places), *_EFFECTS[kind]))
    return found


def compare_objects(items: Sequence[Item], reading: LabelReading, info: ModelInfo) -> list[Finding]:
    """Check that the annotated objects have a size that the model knows."""
    known = info.training.seen.object_px if info.training.seen is not None else None
    if known is None or not reading.has_objects:
        return []
    sizes = object_sizes([to_instance_map(item.annotated.labels, reading) for item in items])
    if not sizes or known[0] / _SCALE <= float(np.median(sizes)) <= known[1] * _SCALE:
        return []
    kind: FindingKind = "other scale than the model"
    words = f"annotated objects are {np.median(sizes):.0f} px across, those of the training images {_range(*known, '.0f')} px"
    return [Finding(kind, "hurts", words, tuple(i.in_mask for i in items[:1]), *_EFFECTS[kind])]


def _check_model(info: ModelInfo) -> list[Finding]:
    record, found = info.training, []
    if record.score is not None and record.score < _WEAK:
        found.append(
            Finding(
                "model is weak",
                "hurts",
                f"its score on the held-out images is {record.score_name} {record.score:.2f}",
                (Place("the model"),),
                "it does poorly on images like its own, and hardly better on others",
                "train longer (--minutes 20 --resume), or check its training data: unseam check DATA",
            )
        )
    if record.seen is None and record.imported is None:
        found.append(
            Finding(
                "model is old",
                "note",
                "the model file does not describe its training images",
                (Place("the model"),),
                "these images cannot be compared with them",
                "train it again with this version; its weights are still good",
            )
        )
    return found


def why_black(planes: Sequence[Shaped[np.ndarray, "_ _ ..."]], info: ModelInfo, file: Path) -> str:
    """Return one sentence on the likeliest reason for a prediction without foreground."""
    look_closer = f"To look closer: unseam check {shlex.quote(str(file))} --model, followed by this model"
    for plane in planes[:1]:
        found = differences(MeasuredImage(Place(file.name), grey_facts(plane), num_channels(plane)), info)
        if found:
            return f"nothing but background was found, most likely because {found[0][1]}. {look_closer}"
    record = info.training
    if record.score is not None and record.score < _WEAK:
        why = f"the model is weak: {record.score_name} {record.score:.2f} when it was trained"
        return f"nothing but background was found, most likely because {why}. Train it for longer. {look_closer}"
    like = "its grey values are like those of the training images" if record.seen else "the model has no figures to compare"
    return f"nothing but background was found: {like}. Perhaps the image contains no objects. {look_closer}"
