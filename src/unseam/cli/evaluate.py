"""``unseam evaluate``."""

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def evaluate(
    predicted: Path,
    truth: Path,
    /,
    *,
    masks: Literal["auto", "binary", "classes", "instances"] = "auto",
    ignore: int | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Score predictions against annotations, pair by pair of the same name, and all together.

    Parameters
    ----------
    predicted
        Folder of predictions (x_masks.tif, x_classes.tif, ...) or one file.
    truth
        Folder of annotations, or of images and annotations in any layout that training knows, or one file.
    masks
        What is scored; auto: objects if all predictions are named x_masks, classes if all are named x_classes, otherwise found
        out by looking. binary: everything but the background is foreground.
    ignore
        Value of the annotations that means "not annotated"; in predictions it is a value like any other.
    as_json
        Print the scores as JSON.
    """
    from unseam.evaluate_files import evaluate_files

    result = evaluate_files(predicted, truth, masks=masks, ignore=ignore)
    if as_json:
        print(json.dumps({"masks": result.kind, **result.scores.to_json()}, indent=2))
        return
    from unseam.cli.table import print_scores

    print(result.reason)
    print_scores(result.scores)
