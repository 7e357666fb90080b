"""A training that chooses its own start: what is asked of the networks that ship, and on which of the user's images."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from unseam.data.annotated import AnnotatedFolder
from unseam.data.channels import is_grey_saved_as_colour, num_channels
from unseam.data.kinds import MaskChoice, choose_masks
from unseam.data.label_reading import translate_mask
from unseam.data.labels import LabelReading
from unseam.data.prepare import Annotated, understand
from unseam.errors import SettingsError
from unseam.evaluation.scoring import score_for_choice
from unseam.model import Model
from unseam.model.any_image import known_object_px, takes_any_image
from unseam.model.model_file import read_info
from unseam.networks import reading_shipped, shipped_networks
from unseam.recipes.run import DataSettings, Run
from unseam.runs.default_start import AUTO, Chosen, decide, is_to_be_decided

_SETTLED = re.compile(r"\s*(net|normalise|start|head|optimiser|schedule)\s*[.=]")
"""Settings that would contradict a start, or that ask for a training of drawn weights."""

_MOST_IMAGES = 4
_MOST_SIDE_PX = 1000


def is_open(
    start: Model | str | Path | None, recipe: str | Run | None, settings: Sequence[str], *, is_alone: bool, rescale: bool
) -> bool:
    """Return whether the start of a training is still to be decided.

    Raises SettingsError if several processes that train together are asked to decide.
    """
    if start == AUTO and not is_alone:
        raise SettingsError(
            "--from auto looks at the data before training, which one process does alone. Under torchrun, name the start: "
            "--from nuclei or --from nothing."
        )
    is_settled = not is_alone or recipe is not None or rescale or any(_SETTLED.match(setting) for setting in settings)
    return is_to_be_decided(start, is_settled=is_settled)


def choose_start(read: Callable[[MaskChoice], AnnotatedFolder], data: DataSettings) -> Chosen:
    """Choose the start of a training. ``read(masks)`` reads the data.

    Raises the errors of reading and of :func:`~unseam.data.prepare.understand`.
    """
    annotated = read(data.masks)
    ignore = data.ignore if data.ignore is not None else annotated.ignore
    masks = choose_masks(data.masks, annotated.kind)
    reading = understand(annotated.images, masks=masks, ignore=ignore, declared=annotated.classes)
    is_grey = all(num_channels(item.image) == 1 or is_grey_saved_as_colour(item.image) for item in annotated.images)
    # In colour, prediction by these networks reads one channel and training all of them: their quality would say nothing.
    candidates = [name for name in shipped_networks() if _finds_objects(name)] if reading.has_objects and is_grey else []
    return decide(candidates, partial(_quality, images=annotated.images, reading=reading))


def _finds_objects(name: str) -> bool:
    with reading_shipped(name):
        info = read_info(shipped_networks()[name])
    return takes_any_image(info) and info.head.needs_objects


def _quality(name: str, images: Sequence[Annotated], reading: LabelReading) -> float:
    """Return the panoptic quality on the middles of a few images, in their own pixels: those that training would show it."""
    model = Model.load(name)
    chosen = np.unique(np.linspace(0, len(images) - 1, _MOST_IMAGES).round().astype(int))
    pairs = []
    for item in (images[index] for index in chosen):
        middle = tuple(_middle(length) for length in item.labels.shape)
        (ranges,) = model.grey_ranges([item.image])
        found = model.predict(item.image[middle], diameter=known_object_px(model.info), ranges=ranges)
        truth = translate_mask(item.labels[middle], reading).cells
        assert truth is not None, "masks of objects"
        pairs.append((found.instances, truth))
    return float(np.nan_to_num(score_for_choice(pairs, of_objects=True)))  # not a number: no object lies in the middles


def _middle(length: int) -> slice:
    side = min(length, _MOST_SIDE_PX)
    return slice((length - side) // 2, (length - side) // 2 + side)
