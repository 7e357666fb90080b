"""The demo: train, predict and score on real micrographs that ship with the package."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unseam.api import training
from unseam.api.predict_files import ResultKinds, plan_outputs, predict_file
from unseam.errors import OutputError
from unseam.evaluation.from_files import evaluate_files
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.io import read_image, read_labels, write_image
from unseam.metrics import Scores
from unseam.report.overlay import draw_overlay, error_picture, to_display
from unseam.runs.watch import Watch

SAMPLES = Path(__file__).parents[1] / "samples" / "axon-sem"


@dataclass(frozen=True)
class DemoResult:
    """Scores on the held-out micrograph, files to look at, and the duration."""

    scores: Scores
    files: tuple[Path, ...]
    seconds: float


def run_demo(out: Path, minutes: float, watch: Watch) -> DemoResult:
    """Train on crops of micrographs of rat spinal cord, segment one from another animal, and score it."""
    started = time.monotonic()
    if (out / "model").exists():
        raise OutputError(f"{out} already holds a demo, and the demo overwrites nothing. Delete it, or give another --out.")
    model = training.train(SAMPLES, out=out / "model", minutes=minutes, watch=watch)
    image = SAMPLES / "held-out" / "images" / "rat6.png"
    truth = SAMPLES / "held-out" / "masks" / "rat6.png"
    wanted = ResultKinds(classes=True, instances=False, probabilities=False, overlay=True)
    (job,) = plan_outputs([image], out, wanted, overwrite=True)
    predict_file(model, job, wanted, max_input_tile=DEFAULT_INPUT_TILE)
    assert job.classes is not None
    scores = evaluate_files(job.classes, truth).scores
    comparison = out / "image_truth_prediction_errors.png"
    write_image(comparison, side_by_side(read_image(image).pixels, read_labels(truth).pixels, read_labels(job.classes).pixels))
    files = (comparison, *job.outputs, out / "model" / "report.html", out / "model" / "model.safetensors")
    return DemoResult(scores, files, time.monotonic() - started)


def side_by_side(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Arrange image, truth, prediction and errors of class maps in two rows of two."""
    plain = draw_overlay(image, np.zeros_like(truth))
    errors = error_picture(predicted, truth, to_display(image), instances=False)
    top = np.hstack([plain, draw_overlay(image, truth, outlines=False)])
    bottom = np.hstack([draw_overlay(image, predicted, outlines=False), errors])
    return np.ascontiguousarray(np.vstack([top, bottom]))
