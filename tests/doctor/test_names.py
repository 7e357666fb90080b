"""File names decide nothing, even if one looks like that of a plane or is a part of another name."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.data.annotated import read_annotated
from unseam.data.labels import judge_labels
from unseam.doctor.before_training import find_warnings
from unseam.doctor.examine import check_folder
from unseam.doctor.page import render_page
from unseam.recipes.default import default

ODD = "my plane {}"


def write_folder(folder, names, rng):
    """Write images of noise with one disc each; the discs differ."""
    for place in ("images", "masks"):
        (folder / place).mkdir(parents=True)
    rows, columns = np.mgrid[:64, :64]
    for index, name in enumerate(names):
        disc = (rows - 30) ** 2 + (columns - 20 - 2 * index) ** 2 < 80
        Image.fromarray((60 + 90 * disc + rng.integers(0, 20, disc.shape)).astype(np.uint8)).save(folder / f"images/{name}.png")
        Image.fromarray(disc.astype(np.uint8)).save(folder / f"masks/{name}.png")
    return folder


def blank(folder, name):
    Image.fromarray(np.full((64, 64), 7, np.uint8)).save(folder / f"images/{name}.png")


@pytest.mark.parametrize("pattern", ["scan {}", ODD], ids=["plain", "like a plane"])
def test_an_image_called_like_a_plane_is_an_image(tmp_path, rng, pattern):
    folder = write_folder(tmp_path / "data", [pattern.format(i) for i in range(4)], rng)
    for i in (1, 2):
        blank(folder, pattern.format(i))
    report = check_folder(folder).report
    found = {finding.kind: finding for finding in report.findings}
    assert [place.file for place in found["blank image"].where] == [f"images/{pattern.format(i)}.png" for i in (1, 2)]
    for i in (1, 2):
        assert f"images/{pattern.format(i)}.png" in render_page(report), "each of two files is shown"


@pytest.mark.parametrize("pattern", ["scan {}", ODD], ids=["plain", "like a plane"])
def test_training_warns_of_such_an_image_as_of_any_other(tmp_path, rng, pattern):
    folder = write_folder(tmp_path / "data", [pattern.format(i) for i in range(4)], rng)
    for i in (1, 2):
        blank(folder, pattern.format(i))
    images = read_annotated(folder).images
    warnings = find_warnings(images, judge_labels([one.labels for one in images]), default())
    assert any(line.startswith("blank image") and "2 of 4" in line for line in warnings)


def test_planes_of_a_stack_are_planes(tmp_path, rng):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    planes = rng.integers(50, 90, (3, 64, 64)).astype(np.uint8)
    masks = np.zeros((3, 64, 64), np.uint8)
    masks[:, 20:40, 20:40] = 1
    masks[1] = 0
    tifffile.imwrite(tmp_path / "images/my plane 2.tif", planes + 60 * masks, photometric="minisblack")
    tifffile.imwrite(tmp_path / "masks/my plane 2.tif", masks, photometric="minisblack")
    checked = check_folder(tmp_path)
    assert [str(item.in_mask) for item in checked.items] == [f"masks/my plane 2.tif plane {i}" for i in range(3)]
    assert {item.in_image.file for item in checked.items} == {"images/my plane 2.tif"}
    assert "3 planes" in checked.report.checked
    assert "empty mask" not in {finding.kind for finding in checked.report.findings}
    assert [one.plane for one in read_annotated(tmp_path).images] == [0, 1, 2]


def test_the_bad_mask_is_named_and_not_one_with_a_similar_name(tmp_path, rng):
    folder = write_folder(tmp_path / "data", ["1", "11", "21"], rng)
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in ("1", "11", "21"):
        (folder / f"images/{name}.png").rename(flat / f"{name}.png")
        soft = np.array(Image.open(folder / f"masks/{name}.png")) * 255
        if name == "11":
            soft[10:14, 10] = 77, 120, 130, 200
        Image.fromarray(soft.astype(np.uint8)).save(flat / f"{name}_masks.png")
    (finding,) = (one for one in check_folder(flat).report.findings if one.kind == "masks unclear")
    assert [place.file for place in finding.where] == ["11_masks.png"]


def test_an_unreadable_mask_is_named(tmp_path, rng):
    folder = write_folder(tmp_path / "data", ["1", "11"], rng)
    half = np.zeros((64, 64), np.float32)
    half[5, 6] = 0.5
    (folder / "masks/11.png").unlink()
    np.save(folder / "masks/11.npy", half)
    (finding,) = (one for one in check_folder(folder).report.findings if one.kind == "mask unreadable")
    assert [place.file for place in finding.where] == ["masks/11.npy"]


def test_what_looks_like_data_and_is_not_read_is_worth_knowing(tmp_path, rng):
    folder = write_folder(tmp_path / "data", ["a", "b"], rng)
    (folder / "images/c.czi").write_bytes(b"x")
    (finding,) = (one for one in check_folder(folder).report.findings if one.kind == "left out")
    assert (finding.severity, [place.file for place in finding.where]) == ("note", ["images/c.czi"])


def test_links_that_lead_nowhere_hurt(tmp_path, rng):
    folder = write_folder(tmp_path / "data", ["a", "b"], rng)
    for place in ("images", "masks"):
        (folder / f"{place}/c.png").symlink_to("/nowhere/c.png")
    report = check_folder(folder).report
    (finding,) = (one for one in report.findings if one.kind == "left out")
    assert finding.severity == "hurts"
    assert "images/c.png" in render_page(report)
    assert not report.stops


def test_a_missing_partner_says_what_probably_happened(tmp_path, rng):
    folder = write_folder(tmp_path / "data", ["a", "b"], rng)
    (folder / "masks/b.png").rename(folder / "masks/B.png")
    (finding,) = (one for one in check_folder(folder).report.findings if one.kind == "no partner")
    assert "upper and lower case" in finding.mend
