"""``check`` tells what reading took for granted: each note once, with its files, for images and for masks."""

import warnings

import numpy as np
import tifffile
from PIL import Image

from reference.broken_folders import NAMES, write_clean
from unseam.data.normalise import Normalise
from unseam.doctor.examine import check_folder
from unseam.doctor.finding import Place
from unseam.doctor.for_model import measure_images
from unseam.doctor.page import render_page
from unseam.doctor.reading_notes import ReadingNotes


def notes_of(findings):
    return [finding for finding in findings if finding.kind == "how files are read"]


def test_notes_on_images_and_on_masks(tmp_path):
    folder = write_clean(tmp_path / "data", "instances")
    for name in "ab":
        pixels = np.asarray(Image.open(folder.image(name)))
        folder.image(name).unlink()
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            tifffile.imwrite(folder.image(name).with_suffix(".tif"), np.stack([pixels, pixels, pixels, 255 - pixels]))
    folder.change_mask("c", lambda labels: np.dstack([labels] * 3))
    report = check_folder(folder.path).report
    images, masks = notes_of(report.findings)
    assert [place.file for place in images.where] == ["images/a.tif", "images/b.tif"]
    assert "2 files: the first axis, of 4" in images.what
    assert [place.file for place in masks.where] == ["masks/c.png"]
    assert "all grey" in masks.what
    assert {images.severity, masks.severity} == {"note"}
    page = render_page(report)
    assert page.count("how files are read") == 2
    assert "masks/c.png" in page


def test_what_the_masks_of_a_set_say_of_each_other_is_told(tmp_path):
    folder = write_clean(tmp_path / "data", "binary")
    for name in NAMES:
        picture = Image.fromarray((np.asarray(Image.open(folder.mask(name))) == 0).astype(np.uint8))
        picture.putpalette([255, 0, 0, 0, 0, 0])
        picture.save(folder.mask(name))
    told = [found.what for found in notes_of(check_folder(folder.path).report.findings)]
    assert any("background of the palette is black (0, 0, 0): its number 1 is read as 0" in words for words in told)


def test_notes_that_differ_in_numbers_are_one():
    notes = ReadingNotes()
    for number in (7, 9, 1_000):
        notes.add([f"taken as a stack of {number:,} planes"], Place(f"{number}.tif"))
    (found,) = notes.findings()
    assert found.what == "3 files: taken as a stack of 7 planes; others likewise, with other numbers"
    assert len(found.where) == 3


def test_images_without_masks_are_read_as_the_model_reads_them(tmp_path):
    rng = np.random.default_rng(1)
    for name in NAMES[:2]:
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 255, (3, 40, 50)))
    for in_channels, words in ((1, "3 channels are read as planes"), (3, "taken as channels")):
        findings = []
        seen = measure_images(tmp_path, in_channels, findings, Normalise())
        assert [one.raw_channels for one in seen] == [in_channels] * 2
        (found,) = notes_of(findings)
        assert words in found.what
