"""``check``: find what is wrong with a folder of images before training or prediction."""

from pathlib import Path

from unseam.api.models import Model, read_model_info
from unseam.data.kinds import MaskChoice
from unseam.doctor.examine import check_folder
from unseam.doctor.finding import CheckReport, Finding
from unseam.doctor.page import render_page
from unseam.doctor.with_model import check_with_model

__all__ = ["Finding", "CheckReport", "check", "render_page"]


def check(
    folder: str | Path,
    model: Model | str | Path | None = None,
    *,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
) -> CheckReport:
    """Find what stops training, what will hurt the result, and what is worth knowing.

    Parameters
    ----------
    folder
        Images and masks in any layout that training can read. With a model also one image, or a folder of images without masks.
    model
        A model, its file or its run folder. The check compares the images with those that the model was trained on.
    masks
        What the masks hold; ``auto`` decides by looking at them.
    ignore
        Value in the masks that means "not annotated".

    Returns
    -------
    CheckReport
        ``stops``, ``findings`` and ``to_json()``; :func:`render_page` turns it into text.

    Raises
    ------
    DataError
        If there is no image.
    ModelFileError
        If the model cannot be read.
    """
    if model is None:
        return check_folder(Path(folder), masks=masks, ignore=ignore).report
    info = model.info if isinstance(model, Model) else read_model_info(model)
    return check_with_model(Path(folder), info, masks=masks, ignore=ignore)
