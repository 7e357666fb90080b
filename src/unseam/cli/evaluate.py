"""``unseam evaluate``."""

import json
import textwrap
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unseam.api.choices import MaskChoice
from unseam.errors import SettingsError


def evaluate(
    predicted: Path,
    truth: Path,
    /,
    *,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
    tolerance: float | None = None,
    as_json: Annotated[str | None, Parameter(name="--json", allow_leading_hyphen=True)] = None,
    as_csv: Annotated[str | None, Parameter(name="--csv", allow_leading_hyphen=True)] = None,
    report: Path | None = None,
    no_report: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Score predictions against annotations, pair by pair of the same name, and all together.

    Shows the scores that people ask for first, with what each means; --json and --csv have all of them. The two rows below
    "all" are a 95 % confidence interval: how much the scores over all images depend on which images these happened to be.

    Parameters
    ----------
    predicted
        Folder of predictions (x_masks.tif, x_classes.tif, ...) or one file. Probabilities next to them (x_prob.tif,
        x_prob.npy) are scored too.
    truth
        Folder of annotations, or of images and annotations in any layout that training knows, or one file.
    masks
        What is scored. auto: objects if all predictions are named x_masks, classes if all are named x_classes, otherwise what
        the values suggest. binary: everything but the background is foreground.
    ignore
        Value of the annotations that means "not annotated"; in predictions it is a value like any other.
    tolerance
        How far apart outlines may lie and still count as the same in the surface Dice (in the files): in um if all files say
        the size of their pixels, otherwise in px. Without it, 2 px.
    as_json
        File for all scores as JSON, with the reliability curve and the thresholds where there are probabilities; - prints it
        instead of the table.
    as_csv
        File for all scores as a table with a line for each image and score, for a spreadsheet or R; - prints it instead of the
        table.
    report
        File for the report, an HTML page with images, errors and scores. Without it, report.html next to the predictions.
    no_report
        Write no report.
    """
    from unseam.api.evaluate import evaluate_files
    from unseam.api.files import write_text
    from unseam.api.reports import EvaluationReport

    for option, place in (("--json", as_json), ("--csv", as_csv)):
        if place is not None and place.startswith("-") and place != "-":
            raise SettingsError(f"{option} came with {place}; it needs the name of a file, or - to print.")
    if as_json == as_csv == "-":
        raise SettingsError("--json - and --csv - came together; one of them can be printed. Give the other one a file.")
    given = (("--masks", None if masks == "auto" else masks), ("--ignore", ignore), ("--tolerance", tolerance))
    options = [str(word) for option, value in given if value is not None for word in (option, value)]
    page = EvaluationReport(predicted, truth, report, options)
    watch = (lambda _: None) if no_report else page.on_pair
    result = evaluate_files(predicted, truth, masks=masks, ignore=ignore, tolerance=tolerance, on_pair=watch)
    said = "" if no_report else page.write_if_possible(result)
    printed = False
    texts = ((as_json, lambda: json.dumps(result.to_json(), indent=2, allow_nan=False) + "\n"), (as_csv, result.to_csv))
    for place, text in texts:
        if place == "-":
            print(text(), end="")
            printed = True
        elif place is not None:
            write_text(place, text())
    if printed:
        return
    from unseam.cli.table import print_legend, print_scores

    print(result.reason)
    shown = print_scores(result.scores, result.intervals)
    print()
    print_legend(shown)
    print(textwrap.fill(result.intervals.reason, 100))
    for place in (as_json, as_csv):
        if place is not None:
            print(f"{len(result.scores.columns)} figures for each image -> {place}")
    if said:
        print(said)
