"""Table 2 of the paper: cells in light microscopy, from the Cell Tracking Challenge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseam.api.reproduce.experiment import (
    OUR_CHOICES,
    ExperimentCall,
    describe_training,
    hold_out_last_block,
    train_experiment,
)
from unseam.api.reproduce.table import PaperRow, PaperTable, format_number
from unseam.data.annotated import read_annotated
from unseam.data.layout import find_pairs
from unseam.data.prepare import prepare
from unseam.data.sample import Sample
from unseam.data.split import Split, keep_annotated, whole_images
from unseam.data.stack_ranges import ranges_by_stack
from unseam.errors import DataError
from unseam.metrics import evaluate_instance_maps
from unseam.model import Model

COLUMNS = ("IoU (SEG)", "mean IoU of matched objects", "IoU of the foreground")


@dataclass(frozen=True)
class TrackingSet:
    """A data set of table 2, with the scores of the paper and of the second best entry of 2015."""

    title: str
    paper: float
    second: float


PHC_U373 = TrackingSet("PhC-U373", 0.9203, 0.83)
DIC_HELA = TrackingSet("DIC-HeLa", 0.7756, 0.46)


def tracking(which: TrackingSet, call: ExperimentCall) -> PaperTable:
    """Train on the first sequence, score the second, and compare with the paper's row.

    Source: paper, section 4, table 2.

    Departs: the annotation of the challenge's test sequences is not public, so one of the two training sequences is scored.

    Raises DataError if the folder does not have the challenge's layout, and the errors of ``call.check_folder``.
    """
    call.check_folder()
    if "Cell Tracking" not in (layout := find_pairs(call.data).layout):
        raise DataError(
            f"{call.data} looks like {layout}; this experiment needs the folders of the Cell Tracking Challenge: 01 with "
            "t000.tif, t001.tif, ..., 01_GT/SEG (or 01_ST/SEG) with man_seg000.tif, ..., and the same for 02."
        )
    images = read_annotated(call.data, call.watch.tell).images
    run = call.run
    prepared = prepare(images, run.normalise, run.weight_map, masks="instances", tell=call.watch.tell)
    parts = _parts(prepared.samples)
    model = train_experiment(prepared, parts, call)
    by_name = {one.name: one.image for one in images}
    found = ranges_by_stack([one.image for one in images], [one.stack for one in images], run.normalise)
    ranges = dict(zip(by_name, found, strict=True))

    def segmented(sample: Sample) -> tuple[str, np.ndarray, np.ndarray]:
        call.watch.tell(f"segmenting {sample.name}")
        assert sample.instances is not None
        predicted = model.predict(by_name[sample.name], average=call.average, ranges=ranges[sample.name])
        return sample.name, predicted.instances, sample.instances

    pooled = evaluate_instance_maps(segmented(part.sample) for part in parts.validation).pooled()
    ours = (pooled["seg"], pooled["mean_matched_iou"], pooled["iou"])
    table = PaperTable(
        f"Cell tracking challenge, {which.title} (paper, table 2)",
        COLUMNS,
        (
            PaperRow("second best of 2015 (paper, table 2)", (which.second, None, None)),
            PaperRow("U-Net (paper, table 2)", (which.paper, None, None)),
        ),
        (PaperRow("ours", tuple(map(format_number, ours))),),
        describe_training(model, parts, call),
        _differences(call, model, parts),
    )
    table.write(call.out)
    return table


def _parts(samples: Sequence[Sample]) -> Split:
    """Train on the first sequence and score the others. If there is only one, score its end."""
    sequences = sorted({sample.group for sample in samples})
    if len(sequences) < 2:
        return hold_out_last_block(samples)
    first = tuple(sample for sample in samples if sample.group == sequences[0])
    others = tuple(sample for sample in samples if sample.group != sequences[0])
    reason = f"held out: {len(others)} frame(s) of the sequence(s) {', '.join(sequences[1:])}"
    return Split(first, keep_annotated(whole_images(others)), reason, chooses=False)


def _differences(call: ExperimentCall, model: Model, parts: Split) -> tuple[str, ...]:
    record = model.info.training
    return (
        *call.departures,
        "The paper was scored on sequences whose annotation only the challenge has, and trained on 35 (PhC-U373) or 20 "
        f"(DIC-HeLa) partly annotated images. Ours: {parts.reason}; {len(parts.training)} frame(s) for training.",
        f"Ours trained for {call.minutes:g} minutes on {record.device}: {record.steps} steps. The paper does not say how long "
        "it trained for this table; it mentions 10 hours on an NVidia Titan.",
        OUR_CHOICES,
        "Frames are partly annotated. Pixels without annotation count as background in training here, unless 01_ST, which is "
        "complete, is given without 01_GT. SEG only looks at true objects.",
        "IoU (SEG) is the challenge's measure: the mean over all true objects of their IoU with the object that covers more "
        "than half of them, 0 where none does. The other columns have no counterpart in the paper.",
    )
