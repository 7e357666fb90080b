"""What a model records about its training."""

import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import torch

from unseam._version import __version__
from unseam.data.prepare import Prepared
from unseam.data.split import Split
from unseam.evaluation.held_out import HeldOutPredictions
from unseam.model.model_file import ModelInfo, TrainingRecord
from unseam.nets import NetConfig, normalisations, without_normalisation
from unseam.recipes.run import Run
from unseam.runs.start import name_of_start
from unseam.settings import table_name
from unseam.shapes import IGNORE
from unseam.training import Plan, TrainState
from unseam.training.observers import Validate


def model_info(
    prepared: Prepared, run: Run, parts: Split, validate: Validate, state: TrainState, plan: Plan, held_out: HeldOutPredictions
) -> ModelInfo:
    """Collect all that prediction needs besides the weights, and how the weights were trained."""
    reading, score = prepared.reading, held_out.score
    best = validate.best if parts.chooses else validate.records[-1]
    assert best is not None
    net: NetConfig = state.net.config  # type: ignore[assignment]  # training works on any module
    return ModelInfo(
        net=without_normalisation(net),
        normalise=run.normalise,
        head=prepared.head,
        objects=held_out.objects or run.objects,
        average=run.average,
        masks=reading.kind,
        class_names=tuple(reading.class_names),
        class_values=reading.class_values,
        spacing_um=prepared.spacing_um,
        training=TrainingRecord(
            images=tuple(dict.fromkeys(s.name if s.place is None else s.group for s in prepared.samples)),
            num_annotated_pixels=sum(int(np.count_nonzero(s.classes != IGNORE)) for s in prepared.samples),
            held_out=parts.reason,
            recipe=", ".join(_parts(run, state)),
            steps=state.step,
            best_step=best.step,
            seconds=round(state.seconds, 1),
            score_name="" if score is None else reading.kind_facts.score_name,
            score=score,
            score_range=held_out.score_range,
            seed=run.training.seed,
            precision=state.precision,
            device=_device_name(next(state.net.parameters()).device),
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            versions=(f"unseam {__version__}", f"torch {torch.__version__}", f"Python {platform.python_version()}"),
            seen=prepared.seen,
            ranks=plan.ranks.world,
            start=replace(run.start, model=name_of_start(run.start)) if run.start is not None else None,
            start_choice=run.start_choice,
            first_score=next((record.score for record in validate.records if record.step == 0), None),
        ),
    )


def _parts(run: Run, state: TrainState) -> Iterator[str]:
    """Name what was trained, and how; ``net`` of a model says nothing of normalisations, since its network has none left."""
    yield from (table_name(type(part)) for part in (run.net, run.optimiser, run.energy))
    if normalisations(state.net):
        yield "batch normalisation, folded into the convolutions"
    if run.training.average is not None:
        yield f"averaged weights ({run.training.average:g})"


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads of {os.cpu_count()} cores"
