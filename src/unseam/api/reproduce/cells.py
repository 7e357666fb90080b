"""Table 2 of the paper: cells in light microscopy, from the Cell Tracking Challenge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseam.api.reproduce.experiment import Asked, last_block, made, trained
from unseam.api.reproduce.table import PaperTable, Row, number
from unseam.data.annotated import read_annotated
from unseam.data.layout import find_pairs
from unseam.data.prepare import prepare
from unseam.data.sample import Sample
from unseam.data.split import Split, annotated, whole
from unseam.errors import DataError
from unseam.metrics import evaluate_instance_maps
from unseam.model import Model

COLUMNS = ("IoU (SEG)", "mean IoU of matched objects", "IoU of the foreground")


@dataclass(frozen=True)
class TrackingSet:
    """A data set of table 2: what the paper and the second best of 2015 got on it."""

    title: str
    paper: float
    second: float


PHC_U373 = TrackingSet("PhC-U373", 0.9203, 0.83)
DIC_HELA = TrackingSet("DIC-HeLa", 0.7756, 0.46)


def tracking(which: TrackingSet, asked: Asked) -> PaperTable:
    """Train on the first sequence, score the second, and put the paper's row beside ours.

    Source: paper, section 4, table 2.

    Departs: the challenge's sequences for scoring are not public, so one of the two for training is scored.

    Raises
    ------
    DataError
        If the folder is not laid out as the challenge lays it out.
    OutputError
        If there is a run in the folder for results already, and it is not to go on.
    SettingsError
        If a run is to go on that was begun with other settings.
    """
    asked.check_folder()
    if "Cell Tracking" not in (layout := find_pairs(asked.data).layout):
        raise DataError(
            f"{asked.data} looks like {layout}; this experiment needs the folders of the Cell Tracking Challenge: 01 with "
            "t000.tif and on, 01_GT/SEG (or 01_ST/SEG) with man_seg000.tif and on, and the same for 02."
        )
    images = read_annotated(asked.data, asked.watch.tell).images
    run = asked.run
    prepared = prepare(images, run.normalise, run.weight_map, masks="instances", tell=asked.watch.tell)
    parts = _parts(prepared.samples)
    model = trained(prepared, parts, asked)
    by_name = {one.name: one.image for one in images}

    def segmented(sample: Sample) -> tuple[str, np.ndarray, np.ndarray]:
        asked.watch.tell(f"segmenting {sample.name}")
        assert sample.instances is not None
        return sample.name, model.predict(by_name[sample.name], average=asked.average).instances, sample.instances

    pooled = evaluate_instance_maps(segmented(part.sample) for part in parts.validation).pooled()
    ours = (pooled["seg"], pooled["mean_matched_iou"], pooled["iou"])
    table = PaperTable(
        f"Cell tracking challenge, {which.title} (paper, table 2)",
        COLUMNS,
        (
            Row("second best of 2015 (paper, table 2)", (which.second, None, None)),
            Row("U-Net (paper, table 2)", (which.paper, None, None)),
        ),
        (Row("ours", tuple(map(number, ours))),),
        made(model, parts, asked),
        _differences(asked, model, parts),
    )
    table.write(asked.out)
    return table


def _parts(samples: Sequence[Sample]) -> Split:
    """The first sequence trains, the others are scored; of a single one, its end is."""
    sequences = sorted({sample.group for sample in samples})
    if len(sequences) < 2:
        return last_block(samples)
    first = tuple(sample for sample in samples if sample.group == sequences[0])
    others = tuple(sample for sample in samples if sample.group != sequences[0])
    reason = f"held out: {len(others)} frame(s) of the sequence(s) {', '.join(sequences[1:])}"
    return Split(first, annotated(whole(others)), reason, chooses=False)


def _differences(asked: Asked, model: Model, parts: Split) -> tuple[str, ...]:
    record = model.info.training
    return (
        *asked.departures,
        "The paper was scored on sequences whose annotation only the challenge has, and trained on 35 (PhC-U373) or 20 "
        f"(DIC-HeLa) partly annotated images. Ours: {parts.reason}; {len(parts.training)} frame(s) trained.",
        f"Ours had {asked.minutes:g} minutes on {record.device}, which made {record.steps} steps. The paper does not say how "
        "long it trained for this table; it names 10 hours on an NVidia Titan.",
        "Learning rate, number of steps and ranges of the grey values are ours, since the paper gives none.",
        "Frames are annotated in part. What is not annotated counts as background in training here, unless 01_ST, which is "
        "complete, is given without 01_GT; SEG looks up true objects only.",
        "IoU (SEG) is the challenge's measure: the mean over all true objects of their IoU with the object that covers more "
        "than half of them, 0 where none does. The other columns have no counterpart in the paper.",
    )
