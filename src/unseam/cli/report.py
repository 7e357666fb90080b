"""``unseam report``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(run: Path, /, *, out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None) -> None:
    """Write the report of a training again, from its run folder: one HTML file that opens in any browser.

    Training also writes it. It holds the scores, the learning curve, images with truth, prediction and errors, the wrong
    objects, the calibration of the probabilities, the seam check, and all that is needed to repeat the training.

    Parameters
    ----------
    run
        Run folder that unseam train wrote.
    out
        File to write; without it, report.html in the run folder.
    """
    from unseam.api.reports import write_report

    print(f"report: {write_report(run, out)}")
