"""One fault per folder: the doctor names it and the right file. Clean folders give no finding."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import unseam
from reference.broken_folders import FAULTS, write_clean
from unseam.doctor.examine import check_folder
from unseam.doctor.finding import Finding

SAMPLES = Path(unseam.__file__).parent / "samples/axon-sem"
SIDE_EFFECTS = {  # a fault that truly causes a second one
    "intensity drift": {"bit depth differs"},  # 8 bits cannot hold both ranges
}


def found_in(folder: Path) -> dict[str, Finding]:
    return {finding.kind: finding for finding in check_folder(folder).report.findings}


@pytest.mark.parametrize("kind", ["binary", "instances", "classes"])
def test_a_clean_folder_is_clean(tmp_path, kind):
    write_clean(tmp_path / "data", kind)
    report = check_folder(tmp_path / "data").report
    assert not report.findings
    assert "8 annotated" in report.checked
    assert report.understood


@pytest.mark.parametrize("place", [SAMPLES, SAMPLES / "held-out"], ids=["training", "held-out"])
def test_the_packaged_samples_are_clean(place):
    report = check_folder(place).report
    assert not report.findings
    assert "3 values (0, 1, 2)" in report.understood


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_with_its_file(tmp_path, fault):
    masks, break_it, file = FAULTS[fault]
    folder = write_clean(tmp_path / "data", masks)
    break_it(folder)
    kind = fault.split(" (")[0]
    found = found_in(folder.path)
    assert kind in found, f"{kind} was not found, but {list(found)}"
    assert file in [place.file for place in found[kind].where]
    assert set(found) <= {kind} | SIDE_EFFECTS.get(kind, set())
    assert found[kind].what
    assert found[kind].effect
    assert found[kind].mend


def each_place(finding: Finding) -> Iterator[tuple[int | None, int | None]]:
    return ((place.row, place.column) for place in finding.where)


def test_a_number_on_two_regions_is_placed_to_the_pixel(tmp_path):
    import numpy as np
    from PIL import Image

    masks, break_it, _ = FAULTS["one number, two regions"]
    folder = write_clean(tmp_path / "data", masks)
    break_it(folder)
    (row, column) = next(each_place(found_in(folder.path)["one number, two regions"]))
    assert np.asarray(Image.open(folder.mask("c")))[row, column] == 1


def test_an_empty_folder_is_no_data(tmp_path):
    (found,) = check_folder(tmp_path).report.findings
    assert found.kind == "no data"
    assert found.severity == "stops"


def test_an_image_for_training_and_validation_is_named_in_both_folders(tmp_path):
    train = write_clean(tmp_path / "data/train", "instances")
    other = write_clean(tmp_path / "data/val", "instances")
    for name in "abcdefgh":  # turned, they are other images
        for change in (other.change_image, other.change_mask):
            change(name, lambda a: a[::-1].copy())
    assert not found_in(tmp_path / "data")
    other.image("f").write_bytes(train.image("c").read_bytes())
    (found,) = found_in(tmp_path / "data").values()
    assert found.kind == "duplicate image"
    assert [place.file for place in found.where] == ["train/images/c.png", "val/images/f.png"]
