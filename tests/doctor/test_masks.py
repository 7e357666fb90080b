"""The doctor refuses what training refuses, in the same words; and layouts say what their masks hold."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from data.test_label_sets import HELD, REFUSED, TRACKED, cells
from reference.toy import SMALL
from unseam.api.training import train
from unseam.doctor.examine import check_folder
from unseam.errors import UnseamError
from unseam.runs.watch import Watch


def write(folder: Path, maps: list[np.ndarray]) -> Path:
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for index, labels in enumerate(maps):
        image = rng.normal(90, 5, labels.shape) + 60 * (labels > 0)
        tifffile.imwrite(folder / f"images/c{index}.tif", image.astype(np.uint8))
        tifffile.imwrite(folder / f"masks/c{index}.tif", labels.astype(np.int16 if labels.min() < 0 else np.uint16))
    return folder


@pytest.mark.parametrize("masks", ["auto", "binary", "classes", "instances"])
@pytest.mark.parametrize(
    "name", [*REFUSED, "tracked cells", "nuclei in cells", "0, 1 and 255 where nobody annotated", "7 and 9"]
)
def test_check_ends_as_training_does(tmp_path, name, masks):
    maps, _ = REFUSED[name] if name in REFUSED else HELD[name][:2]
    folder = write(tmp_path / "data", maps)
    report = check_folder(folder, masks=masks).report
    told: list[str] = []
    try:
        train(folder, steps=1, settings=[*SMALL, f"data.masks={masks}"], device="cpu", watch=Watch(told.append))
        refusal = ""
    except UnseamError as error:
        refusal = str(error).replace(f"{folder}/", "").rstrip(".")
    assert report.stops == bool(refusal), (report.findings, refusal)
    if refusal:
        (finding,) = (one for one in report.findings if one.severity == "stops")
        assert finding.what == refusal
    else:
        reason = report.understood.rsplit(" (", 1)[0] if masks == "auto" else report.understood
        assert reason in " ".join(told), "the sentence of the doctor is that of training"


def test_255_that_counts_as_not_annotated_is_never_sure(tmp_path):
    folder = write(tmp_path / "data", HELD["0, 1 and 255 where nobody annotated"][0])
    understood = check_folder(folder).report.understood
    assert "'not annotated'" in understood
    assert "(sure)" not in understood


def test_a_close_decision_is_a_note_that_says_why(tmp_path):
    (finding,) = (one for one in check_folder(write(tmp_path / "data", TRACKED)).report.findings if one.kind == "masks guessed")
    assert "lie apart and are alike in size" in finding.what
    assert "--masks classes" in finding.mend


def test_the_layout_of_the_cell_tracking_challenge_holds_objects(tmp_path):
    maps = [np.where(labels > 0, 1 + labels % 2, 0) for labels in TRACKED]  # two numbers, in several pieces
    for part in ("01", "01_GT/SEG"):
        (tmp_path / part).mkdir(parents=True)
    for index, labels in enumerate(maps):
        tifffile.imwrite(tmp_path / f"01/t{index:03d}.tif", (40 + 160 * (labels > 0)).astype(np.uint8))
        tifffile.imwrite(tmp_path / f"01_GT/SEG/man_seg{index:03d}.tif", labels.astype(np.uint16))
    checked = check_folder(tmp_path)
    assert checked.reading.kind == "instances"
    assert "one object each, as always in the layout Cell Tracking Challenge" in checked.report.understood
    assert check_folder(tmp_path, masks="classes").reading.kind == "classes", "the user is asked before the layout"


@pytest.mark.parametrize(("number", "kind"), [(3, "instances"), (1, "binary")])
def test_one_file_for_each_object_holds_objects(tmp_path, number, kind):
    for sample in ("a", "b"):
        for part in ("images", "masks"):
            (tmp_path / sample / part).mkdir(parents=True)
        labels = cells(len(sample), number)
        tifffile.imwrite(tmp_path / sample / "images/x.tif", (40 + 160 * (labels > 0)).astype(np.uint8))
        for one in range(1, number + 1):
            tifffile.imwrite(tmp_path / sample / f"masks/{one}.tif", ((labels == one) * 255).astype(np.uint8))
    assert check_folder(tmp_path).reading.kind == kind
