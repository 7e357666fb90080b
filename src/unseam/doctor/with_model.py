"""A folder beside a model: annotated images as before training, others as before prediction."""

from dataclasses import replace
from pathlib import Path

from unseam.data.kinds import MaskChoice
from unseam.data.layout import find_pairs
from unseam.data.pairs import PartnerError
from unseam.doctor.before_training import context_of
from unseam.doctor.examine import check_folder
from unseam.doctor.finding import Finding, Report, by_severity
from unseam.doctor.for_model import beside_model, look_at_images, objects_beside_model, seen_of
from unseam.errors import DataError
from unseam.model.model_file import ModelInfo


def check_with_model(
    place: Path,
    info: ModelInfo,
    *,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
) -> Report:
    """Look at annotated images, or at images without masks, beside a model.

    Raises
    ------
    DataError
        If there is no image at all.
    """
    findings: list[Finding] = []
    if not _is_annotated(place):
        seen = look_at_images(place, findings)
        found = by_severity([*findings, *beside_model(seen, info)])
        return Report(f"{place}: {len(seen)} image(s) without masks, compared with those of the model.", findings=found)
    checked = check_folder(place, masks=masks, ignore=ignore, context=context_of(info.net))
    if not checked.items:
        return checked.report
    known = {finding.kind for finding in checked.report.findings}  # a blank image is told once
    findings += [one for one in beside_model(seen_of(checked.items), info) if one.kind not in known]
    if checked.reading is not None:
        findings += objects_beside_model(checked.items, checked.reading, info)
    return replace(checked.report, findings=by_severity([*checked.report.findings, *findings]))


def _is_annotated(place: Path) -> bool:
    if not place.is_dir():
        return False
    try:
        find_pairs(place)
    except PartnerError:
        return True
    except DataError:
        return False
    return True
