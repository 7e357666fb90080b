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
) -> bool:
    """Score predictions against the annotations of the same name, for each image and for all images together.

    Shows the main scores and what each means; --json and --csv hold all of them. The two rows below "all" are a 95 % confidence
    interval: how far the scores over all images depend on the choice of these images.

    Parameters
    ----------
    predicted
        Folder of predictions (x_masks.tif, x_classes.tif, ...) or one file. Probabilities in the same folder (x_prob.tif,
        x_prob.npy) are scored too.
    truth
        Folder of annotations, with or without their images, or one file.
    masks
        What to score. auto: objects if all predictions are named x_masks, classes if all are named x_classes, otherwise what
        the values suggest. binary: everything but 0 is foreground.
    ignore
        Value in the annotations that means "not annotated". In predictions it has no special meaning.
    tolerance
        Largest distance at which two outlines agree, for the surface Dice: in um if all files give the size of their pixels,
        otherwise in px. Default: 2 px.
    as_json
        File for all scores as JSON; with probabilities also the reliability curve and the thresholds. - prints it instead.
    as_csv
        File for all scores as a table for a spreadsheet or R, one line per image and score. - prints it instead.
    report
        File for the report, an HTML page with images, errors and scores. Default: report.html next to the predictions.
    no_report
        Do not write a report.
    """
    from unseam.api.evaluate import evaluate_files
    from unseam.api.files import write_text
    from unseam.api.reports import EvaluationReport

    for option, place in (("--json", as_json), ("--csv", as_csv)):
        if place is not None and place.startswith("-") and place != "-":
            raise SettingsError(f"{option} {place}: give the name of a file, or - to print.")
    if as_json == as_csv == "-":
        raise SettingsError("Got --json - and --csv -, but only one of them can be printed. Give the other one a file.")
    given = (("--masks", None if masks == "auto" else masks), ("--ignore", ignore), ("--tolerance", tolerance))
    options = [str(word) for option, value in given if value is not None for word in (option, value)]
    page = EvaluationReport(predicted, truth, report, options)
    watch = (lambda _: None) if no_report else page.on_pair
    result = evaluate_files(predicted, truth, masks=masks, ignore=ignore, tolerance=tolerance, on_pair=watch)
    report_line = "" if no_report else page.write_if_possible(result)
    texts = ((as_json, lambda: json.dumps(result.to_json(), indent=2, allow_nan=False) + "\n"), (as_csv, result.to_csv))
    for place, text in texts:
        if place == "-":
            print(text(), end="")
        elif place is not None:
            write_text(place, text())
    if "-" in (as_json, as_csv):
        return False
    from unseam.cli.table import print_legend, print_scores

    print(result.reason)
    shown = print_scores(result.scores, result.intervals)
    print()
    print_legend(shown)
    print(textwrap.fill(result.intervals.reason, 100))
    for place in (as_json, as_csv):
        if place is not None:
            print(f"{len(result.scores.columns)} figures for each image -> {place}")
    if report_line:
        print(report_line)
    return page.is_written or as_json is not None or as_csv is not None
