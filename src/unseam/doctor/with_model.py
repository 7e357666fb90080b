"""Examine images together with a model: annotated images as before training, others as before prediction."""

from dataclasses import replace
from pathlib import Path

from unseam.data.cases import find_images_left_out
from unseam.data.kinds import MaskChoice
from unseam.data.layout import find_pairs
from unseam.data.pairs import PartnerError
from unseam.doctor.before_training import context_of
from unseam.doctor.examine import check_folder
from unseam.doctor.files import left_out_findings
from unseam.doctor.finding import CheckReport, Finding, by_severity
from unseam.doctor.for_model import compare_objects, compare_with_model, measure_images, measure_items
from unseam.errors import DataError
from unseam.model.model_file import ModelInfo


def check_with_model(place: Path, info: ModelInfo, *, masks: MaskChoice = "auto", ignore: int | None = None) -> CheckReport:
    """Examine images with or without masks, with a model. Raise DataError if there is no image."""
    findings: list[Finding] = []
    if not _is_annotated(place):
        seen = measure_images(place, info.net.in_channels, findings, info.normalise)
        findings += left_out_findings(find_images_left_out(place), place)
        found = by_severity([*findings, *compare_with_model(seen, info)])
        return CheckReport(f"{place}: {len(seen)} image(s) without masks, compared with the training images.", findings=found)
    checked = check_folder(place, masks=masks, ignore=ignore, context=context_of(info.net))
    if not checked.items:
        return checked.report
    known = {finding.kind for finding in checked.report.findings}  # both checks find blank images
    findings += [one for one in compare_with_model(measure_items(checked.items), info) if one.kind not in known]
    if checked.reading is not None:
        findings += compare_objects(checked.items, checked.reading, info)
    kept = [one for one in checked.report.findings if one.kind != "planes differ" or info.normalise.over == "plane"]
    return replace(checked.report, findings=by_severity([*kept, *findings]))


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
