"""``unseam report``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(run: Path, /, *, out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None) -> bool:
    """Write the report of a training again: one HTML file that opens in any browser.

    It holds the scores, the learning curve, images with truth, prediction and errors, the wrong objects, the calibration of the
    probabilities, the seam check, and everything needed to repeat the training.

    Parameters
    ----------
    run
        Run folder of unseam train.
    out
        File to write. Default: report.html in the run folder.
    """
    from unseam.api.reports import write_report

    print(f"report: {write_report(run, out)}")
    return True
