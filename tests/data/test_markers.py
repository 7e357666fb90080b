"""Cells of the Cell Tracking Challenge that are marked but not outlined teach nothing: neither cell nor background."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unseam.data.annotated import read_annotated
from unseam.data.markers import drop_unmasked
from unseam.errors import DataError


def disc(row: int, column: int, radius: float, shape: tuple[int, int] = (80, 100)) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


MASKS = (3 * disc(20, 20, 8)).astype(np.uint16)
MARKERS = np.where(disc(20, 22, 2), 5, np.where(disc(55, 70, 2), 9, 0)).astype(np.uint16)


def test_round_a_cell_without_a_mask_nothing_is_annotated():
    labels, number = drop_unmasked(MASKS, MARKERS)
    assert number == 1
    assert (labels[disc(55, 70, 8)] == -1).all(), "a cell as large as the outlined one is covered"
    assert (labels[MASKS > 0] == 3).all()
    assert (labels[~disc(55, 70, 20)] == MASKS[~disc(55, 70, 20)]).all(), "far from it all is as it was"


def test_a_frame_without_an_outlined_cell_says_nothing():
    labels, number = drop_unmasked(0 * MASKS, MARKERS)
    assert number == 2
    assert (labels == -1).all()


@given(arrays(np.uint16, (9, 11), elements=st.integers(0, 3)), arrays(np.uint16, (9, 11), elements=st.integers(0, 4)))
def test_masks_stay_and_markers_alone_are_not_annotated(masks, markers):
    labels, number = drop_unmasked(masks, markers)
    np.testing.assert_array_equal(labels[masks > 0], masks[masks > 0])
    outlined = {int(n) for n in np.unique(markers) if n and (masks[markers == n] > 0).any()}
    alone = {int(n) for n in np.unique(markers) if n} - outlined
    assert number == len(alone)
    for cell in alone:
        assert (labels[markers == cell] == -1).all()
    if not alone:
        np.testing.assert_array_equal(labels, masks)


def sequence(folder: Path, markers: np.ndarray = MARKERS) -> Path:
    for name in ("01", "01_GT/SEG", "01_GT/TRA"):
        (folder / name).mkdir(parents=True)
    grey = np.random.default_rng(0).integers(0, 200, MASKS.shape).astype(np.uint8)
    for number in (0, 1):
        tifffile.imwrite(folder / f"01/t00{number}.tif", grey)
        tifffile.imwrite(folder / f"01_GT/TRA/man_track00{number}.tif", markers)
        tifffile.imwrite(folder / f"01_GT/SEG/man_seg00{number}.tif", MASKS)
    (folder / "01_GT/TRA/man_track.txt").write_text("5 0 1 0\n9 0 1 0\n")
    return folder


def test_a_folder_of_the_challenge_is_read_so_and_says_it_once(tmp_path):
    told = []
    first, second = read_annotated(sequence(tmp_path), told.append).images
    for item in (first, second):
        np.testing.assert_array_equal(item.labels, drop_unmasked(MASKS, MARKERS)[0])
    (note,) = [sentence for sentence in told if "not annotated" in sentence]
    assert note.startswith("01/t000")
    assert "TRA" in note


def test_where_every_cell_has_a_mask_nothing_is_said(tmp_path):
    told = []
    (item, _) = read_annotated(sequence(tmp_path, np.where(MARKERS == 5, 5, 0).astype(np.uint16)), told.append).images
    np.testing.assert_array_equal(item.labels, MASKS)
    assert not any("marker" in sentence for sentence in told)


def test_markers_of_another_size_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"man_track000\.tif .*79, 100.*man_seg000\.tif .*80, 100.*same size"):
        read_annotated(sequence(tmp_path, MARKERS[:-1]))
