"""``unseam check``."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unseam.api.choices import MaskChoice
from unseam.errors import DataError


def check(
    data: Path,
    /,
    *,
    model: Path | None = None,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
    json_: Annotated[Path | None, Parameter(name="--json")] = None,
) -> bool:
    """Find what is wrong with a folder of annotated images, before you train on it.

    Lists what stops training, what will hurt the result and what is worth knowing, each with place, effect and remedy. The exit
    code is 0 if nothing stops training, otherwise 2.

    Parameters
    ----------
    data
        Folder with images and masks in a common layout. With --model, images without masks or a single image will do.
    model
        Run folder or model file, to check whether the images are like those that it was trained on.
    masks
        What the masks hold, if the automatic choice is wrong.
    ignore
        Value in the masks that means "not annotated".
    json_
        File for all findings, with every place.
    """
    from unseam.api.check import check as check_images
    from unseam.api.check import render_page
    from unseam.api.files import write_text

    report = check_images(data, model, masks=masks, ignore=ignore)
    if json_ is not None:
        write_text(json_, json.dumps(report.to_json(), indent=2))
    print(render_page(report))
    if report.stops:
        number = sum(finding.severity == "stops" for finding in report.findings)
        raise DataError(f"{number} finding(s) above prevent training or prediction. Fix them, then check again.")
    return json_ is not None
