"""The model file of ``pretrain.py``, with the card that states data, licences, credits, command and scores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from pretrain_data import SetOfImages
from unseam.data.prepare import Prepared
from unseam.heads import Objects, RidgeObjects
from unseam.model.model_file import ModelInfo, TrainingRecord, load_model, save_model
from unseam.model.release import ImageSet, Release, SetScore
from unseam.nets import UNet, folded, without_normalisation
from unseam.recipes.run import Run
from unseam.shapes import IGNORE

PURPOSE = {
    "nuclei": "nuclei in fluorescence; in H&E and bright field less surely",
    "cells": "cells in phase contrast; yeast, bacteria and white blood cells in bright field",
    "general": "a start for training on images of any kind",
}
LICENCE = "BSD-3-Clause"
SMALLEST = 40
"""px of the network, of an object of ``object_px`` = 24 px it is a tenth."""


def record_of(
    run: Run, prepared: Mapping[str, Prepared], steps: int, seconds: float, versions: Mapping[str, str]
) -> TrainingRecord:
    samples = [sample for one in prepared.values() for sample in one.samples]
    return TrainingRecord(
        images=tuple(prepared),
        num_annotated_pixels=sum(int(np.count_nonzero(sample.classes != IGNORE)) for sample in samples),
        held_out="a part of each set, by origin: benchmarks/pretrain_sets.py",
        recipe="unet, muon, weighted_cross_entropy, batch normalisation, averaged weights",
        steps=steps,
        best_step=steps,
        seconds=round(seconds, 1),
        seed=run.training.seed,
        device=f"cpu, {torch.get_num_threads()} thread(s)",
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        versions=tuple(f"{name} {version}" for name, version in versions.items()),
    )


def release_of(network: str, sets: Sequence[SetOfImages], object_px: float | None, seconds: float, about: Mapping) -> Release:
    return Release(
        purpose=PURPOSE[network],
        name=network,
        role="start" if object_px is None else "predict",
        object_px=object_px,
        licence=LICENCE,
        sets=tuple(ImageSet(one.about.name, one.about.licence, one.about.credit, len(one.training)) for one in sets),
        command=str(about["command"]),
        commit=str(about["commit"]),
        minutes=round(seconds / 60, 1),
    )


def save(file: Path, net: UNet, run: Run, record: TrainingRecord, release: Release) -> None:
    """Write the network as 16-bit numbers. A start keeps its normalisations, which go on learning; others have none left."""
    head, is_start = RidgeObjects(), release.role == "start"
    info = ModelInfo(
        net=net.config if is_start else without_normalisation(net.config),
        normalise=run.normalise,
        head=head,
        objects=head.objects if is_start else replace(head.objects, min_size=SMALLEST),
        masks="instances",
        class_names=("background", "object"),
        class_values=(0, 1),
        training=record,
        release=release,
    )
    save_model(file, net if is_start else folded(net), info, half=True)


def with_findings(file: Path, objects: Objects, scores: Sequence[SetScore], least_sure: float | None) -> None:
    """Write into a model file how objects are found, the scores of its card, and how sure it is of images that it knows."""
    net, info = load_model(file)
    assert info.release is not None
    release = replace(info.release, scores=tuple(scores), least_sure=least_sure)
    save_model(file, net, replace(info, objects=objects, release=release), half=True)
