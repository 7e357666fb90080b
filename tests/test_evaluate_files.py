"""Predictions and annotations from file to file, in every layout that training knows."""

from pathlib import Path

import numpy as np
import pytest

from unseam.errors import DataError
from unseam.evaluate_files import evaluate_files
from unseam.io import write_image, write_label_map

CELLS = np.array([[0, 1, 1, 0, 2, 2], [0, 1, 1, 0, 2, 2], [0, 0, 0, 0, 0, 0]], np.int32)
# name: (annotations, images, predictions, what is handed over)
LAYOUTS = {
    "images and masks": (["masks/a.tif", "masks/b.tif"], ["images/a.png", "images/b.png"], ["a_masks", "b_masks"],
        ("", "masks")),
    "endings": (["masks/x_mask.tif"], ["images/x_img.png"], ["x_img_masks"], ("", "masks")),
    "one folder": (["a_masks.tif", "b_masks.tif"], ["a.png", "b.png"], ["a_masks"], ("",)),
    "nnU-Net": (["labelsTr/case.tif"], ["imagesTr/case_0000.png", "imagesTr/case_0001.png"], ["case_masks"], ("", "labelsTr")),
    "nnU-Net by its channel": (["labelsTr/case.tif"], ["imagesTr/case_0000.png"], ["case_0000_masks"], ("", "labelsTr")),
    "Cell Tracking": (["01_GT/SEG/man_seg001.tif"], ["01/t000.png", "01/t001.png"], ["t000_masks", "t001_masks"],
        ("", "01_GT", "01_GT/SEG")),
    "in train": (["train/masks/a.tif"], ["train/images/a.png"], ["a_masks"], ("", "train", "train/masks")),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name: str, tmp_path: Path) -> None:
    annotations, images, predictions, places = LAYOUTS[name]
    data, out = tmp_path / "data", tmp_path / "out"
    for path in (*annotations, *images, "x"):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
    out.mkdir()
    for path in annotations:
        write_label_map(data / path, CELLS)
    for path in images:
        write_image(data / path, CELLS.astype(np.uint8))
    for path in predictions:
        write_label_map(out / f"{path}.tif", CELLS)
    for place in places:
        scored = evaluate_files(out, data / place)
        assert scored.kind == "instances"
        assert scored.scores.pooled()["seg"] == 1


def test_a_file_an_object(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for sample in ("p", "q"):
        for part in ("images", "masks"):
            (tmp_path / "data" / sample / part).mkdir(parents=True)
        write_image(tmp_path / "data" / sample / "images" / f"{sample}.png", CELLS.astype(np.uint8))
        for number in (1, 2):
            write_label_map(tmp_path / "data" / sample / "masks" / f"{number}.tif", 255 * np.equal(CELLS, number))
        write_label_map(tmp_path / "out" / f"{sample}_masks.tif", CELLS)
    scored = evaluate_files(tmp_path / "out", tmp_path / "data")
    assert scored.scores.pooled()["seg"] == 1
    assert scored.scores.names == ("p", "q")


def folders(tmp_path: Path, truth: np.ndarray, predicted: np.ndarray, ending: str) -> tuple[Path, Path]:
    for part in ("truth", "out"):
        (tmp_path / part).mkdir()
    write_label_map(tmp_path / "truth" / "a.tif", truth)
    write_label_map(tmp_path / "out" / f"a{ending}.tif", predicted)
    return tmp_path / "out", tmp_path / "truth"


@pytest.mark.parametrize("ending", ["_masks", "_classes", ""])
def test_a_truth_without_objects_is_scored(ending: str, tmp_path: Path) -> None:
    scored = evaluate_files(*folders(tmp_path, 0 * CELLS, (CELLS > 0).astype(np.int32), ending))
    assert scored.scores.pooled()["pixel_error"] == pytest.approx(8 / 18)
    assert scored.kind == ("instances" if ending == "_masks" else "binary")


def test_a_truth_with_one_object_is_scored_by_objects(tmp_path: Path) -> None:
    scored = evaluate_files(*folders(tmp_path, (CELLS == 1).astype(np.int32), CELLS, "_masks"))
    figures = scored.scores.pooled()
    assert (figures["true_positives"], figures["false_positives"]) == (1, 1)


def test_a_class_that_the_truth_lacks(tmp_path: Path) -> None:
    scored = evaluate_files(*folders(tmp_path, CELLS % 2, CELLS, "_classes"))
    assert scored.kind == "classes"
    assert scored.scores.pooled()["iou_class_1"] == 1


def test_ignore_is_of_the_annotation_alone(tmp_path: Path) -> None:
    predicted = np.where(CELLS == 1, 255, CELLS)
    scored = evaluate_files(*folders(tmp_path, np.where(CELLS == 2, 255, CELLS), predicted, "_masks"), ignore=255)
    figures = scored.scores.pooled()
    assert (figures["true_positives"], figures["false_negatives"]) == (1, 0)


def test_what_does_not_pair(tmp_path: Path) -> None:
    out, truth = folders(tmp_path, CELLS, CELLS, "_masks")
    write_label_map(out / "a_0000_masks.tif", CELLS)
    with pytest.raises(DataError, match="are both of 'a'"):
        evaluate_files(out, truth)
    write_label_map(out / "z_masks.tif", CELLS)
    with pytest.raises(DataError, match=r"1 of 3 prediction\(s\) have no annotation \(z"):
        evaluate_files(out, truth)


def test_results_beside_their_images(tmp_path: Path) -> None:
    out, truth = folders(tmp_path, CELLS, CELLS, "_masks")
    write_image(out / "a.png", np.full(CELLS.shape, 200, np.uint8))
    assert evaluate_files(out, truth).scores.pooled()["seg"] == 1
