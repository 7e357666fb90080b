"""Scores of files, in every layout that training knows."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.data.kinds import MaskChoice
from unseam.errors import DataError, LabelError
from unseam.evaluation import pairing
from unseam.evaluation.from_files import evaluate, evaluate_files
from unseam.io import write_image, write_label_map

CELLS = np.array([[0, 1, 1, 0, 2, 2], [0, 1, 1, 0, 2, 2], [0, 0, 0, 0, 0, 0]], np.int32)
# name: (annotations, images, predictions, path to pass)
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


def test_names_pair_in_whatever_way_their_letters_are_stored(tmp_path: Path) -> None:
    composed, decomposed = "Z\u00fcrich", "Zu\u0308rich"
    for folder in ("out", "truth"):
        (tmp_path / folder).mkdir()
    write_label_map(tmp_path / "truth" / f"{composed}.tif", CELLS)
    write_label_map(tmp_path / "out" / f"{decomposed}_masks.tif", CELLS)
    np.save(tmp_path / "out" / f"{decomposed}_prob.npy", np.stack([CELLS == 0, CELLS > 0]).astype(np.float32))
    scored = evaluate_files(tmp_path / "out", tmp_path / "truth")
    assert scored.scores.pooled()["seg"] == 1
    assert scored.calibration is not None


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    for folder in ("out", "truth"):
        (tmp_path / folder).mkdir()
        write_label_map(tmp_path / folder / "a_masks.tif", CELLS)
    (tmp_path / "out/b_masks.tif").symlink_to("/nowhere")
    (tmp_path / "truth/RoiSet.zip").write_bytes(b"x")
    reason = evaluate_files(tmp_path / "out", tmp_path / "truth").reason
    assert "Not read: 1 link(s) that lead nowhere (b_masks.tif)" in reason
    assert "Not read: 1 file(s) with outlines (RoiSet.zip)" in reason


@pytest.mark.parametrize(
    ("prediction", "words"),
    [("A_masks", "A and a differ in upper and lower case only"), ("b_masks", r"1 microscope or volume file\(s\) \(b.czi\)")],
)
def test_a_prediction_without_annotation_says_why(prediction: str, words: str, tmp_path: Path) -> None:
    for folder in ("out", "truth"):
        (tmp_path / folder).mkdir()
    write_label_map(tmp_path / "truth/a.tif", CELLS)
    (tmp_path / "truth/b.czi").write_bytes(b"x")
    write_label_map(tmp_path / "out" / f"{prediction}.tif", CELLS)
    with pytest.raises(DataError, match=words):
        evaluate_files(tmp_path / "out", tmp_path / "truth")


def test_loose_files_beside_images_and_masks_are_no_annotations(tmp_path: Path) -> None:
    for folder in ("out", "data/images", "data/masks"):
        (tmp_path / folder).mkdir(parents=True)
    write_label_map(tmp_path / "out/a_masks.tif", CELLS)
    write_label_map(tmp_path / "data/masks/a.tif", CELLS)
    for place in ("data/images/a.png", "data/overview.png"):
        write_image(tmp_path / place, CELLS.astype(np.uint8))
    assert evaluate_files(tmp_path / "out", tmp_path / "data").scores.pooled()["seg"] == 1


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
    with pytest.raises(DataError, match="'a'"):
        evaluate_files(out, truth)
    write_label_map(out / "z_masks.tif", CELLS)
    with pytest.raises(DataError, match=r"1 of 3 .*\(z"):
        evaluate_files(out, truth)


def test_results_beside_their_images(tmp_path: Path) -> None:
    out, truth = folders(tmp_path, CELLS, CELLS, "_masks")
    write_image(out / "a.png", np.full(CELLS.shape, 200, np.uint8))
    assert evaluate_files(out, truth).scores.pooled()["seg"] == 1


def test_arrays_score_as_files_do(tmp_path: Path) -> None:
    shifted = np.roll(CELLS, 1, axis=1)
    for part, maps in (("truth", (CELLS, CELLS)), ("out", (CELLS, shifted))):
        (tmp_path / part).mkdir()
        for name, labels in zip("ab", maps, strict=True):
            write_label_map(tmp_path / part / f"{name}_masks.tif", labels, (0.5, 0.25))
    of_files = evaluate(str(tmp_path / "out"), tmp_path / "truth")
    of_arrays = evaluate([CELLS, shifted], [CELLS, CELLS], masks="instances", spacing_um=(0.5, 0.25))
    assert of_arrays.scores.pooled() == pytest.approx(of_files.scores.pooled(), nan_ok=True)
    assert of_arrays.surface.unit == of_files.surface.unit == "um"
    assert of_arrays.surface.tolerance == pytest.approx(of_files.surface.tolerance)
    assert of_arrays.intervals.of["seg"] == of_files.intervals.of["seg"]


def test_arrays_that_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1, 2 arrays"):
        evaluate([CELLS], [CELLS, CELLS])
    with pytest.raises(DataError, match="at least one"):
        evaluate([], [])
    with pytest.raises(DataError, match=r"files.* lists"):
        evaluate(tmp_path, [CELLS])
    with pytest.raises(DataError, match="probabilities="):
        evaluate(tmp_path, tmp_path, spacing_um=(1.0, 1.0))


@pytest.mark.parametrize(
    ("masks", "values"), [("instances", (0, 5, 9)), ("binary", (0, 1, 1)), ("classes", (0, 1, 2)), ("classes", (0, 2, 1))]
)
def test_probabilities_of_three_classes(masks, values) -> None:
    maps = np.array(values, np.int32)[CELLS]
    certain = np.stack([np.equal(CELLS, k) for k in range(3)]).astype(np.float32)
    if values == (0, 2, 1):
        certain = certain[[0, 2, 1]]
    scored = evaluate([maps], [maps], masks=masks, probabilities=[certain])
    assert scored.calibration is not None
    assert scored.calibration.error == 0
    assert scored.scores.pooled()["best_dice"] == 1


def test_a_class_that_occurs_nowhere_has_its_channel() -> None:
    maps = np.where(CELLS == 1, 0, CELLS)  # classes 0 and 2 of three
    certain = np.stack([maps == k for k in range(3)]).astype(np.float32)
    scored = evaluate([maps], [maps], masks="classes", probabilities=[certain])
    assert scored.calibration is not None
    assert scored.calibration.error == 0
    others = evaluate([255 * CELLS], [255 * CELLS], masks="classes", probabilities=[certain[:2]])
    assert others.calibration is None


def test_planes_of_one_stack_are_one_image(tmp_path: Path) -> None:
    for part in ("truth", "out"):
        (tmp_path / part).mkdir()
        write_label_map(tmp_path / part / "s_masks.tif", np.stack([CELLS, CELLS]))
    scored = evaluate_files(tmp_path / "out", tmp_path / "truth")
    assert scored.scores.names == ("s plane 0", "s plane 1")
    assert not scored.intervals.of


def test_a_large_set_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "_HELD", 3 * CELLS.size)  # each file takes one byte per pixel
    paths = []
    for number in range(6):
        paths.append((tmp_path / f"{number}_masks.tif",))
        write_label_map(paths[-1][0], CELLS)
    cache = pairing.LabelCache()
    planes = pairing.Planes(paths, cache)
    assert len(planes) == 6
    for plane in planes:
        np.testing.assert_array_equal(plane, CELLS)
        assert sum(file.pixels.nbytes for file in cache._kept.values()) <= 3 * CELLS.size


def picture(path: Path, numbers: np.ndarray, *colours: tuple[int, int, int]) -> None:
    """Save numbers as a picture with a palette."""
    path.parent.mkdir(exist_ok=True)
    image = Image.fromarray(numbers.astype(np.uint8))
    image.putpalette([value for colour in colours for value in colour])
    image.save(path)


BLACK, RED, GREEN = (0, 0, 0), (255, 0, 0), (0, 255, 0)


def test_palettes_of_annotations_that_contradict_are_refused(tmp_path: Path) -> None:
    for name, colour in (("a", RED), ("b", GREEN)):
        picture(tmp_path / "truth" / f"{name}.png", CELLS > 0, BLACK, colour)
        picture(tmp_path / "out" / f"{name}_classes.png", CELLS > 0, BLACK, colour)
    for masks in ("auto", "classes"):
        with pytest.raises(LabelError, match=r"b.*\.png: number 1 is green .* red .* in .*a"):
            evaluate(tmp_path / "out", tmp_path / "truth", masks=masks)
    assert evaluate(tmp_path / "out", tmp_path / "truth", masks="instances").scores.pooled()["seg"] == 1


def test_black_is_the_background_of_an_annotation(tmp_path: Path) -> None:
    picture(tmp_path / "truth" / "a.png", np.array([2, 1, 0])[CELLS], RED, GREEN, BLACK)
    (tmp_path / "out").mkdir()
    write_label_map(tmp_path / "out" / "a_masks.tif", CELLS)
    assert evaluate(tmp_path / "out", tmp_path / "truth").scores.pooled()["seg"] == 1


def test_white_of_one_bit_is_255_of_the_predictions(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "out").mkdir()
    Image.fromarray(CELLS > 0).save(tmp_path / "truth" / "a.png")
    write_label_map(tmp_path / "out" / "a_classes.tif", 255 * np.greater(CELLS, 0))
    assert evaluate(tmp_path / "out", tmp_path / "truth").scores.pooled()["pixel_error"] == 0


@pytest.mark.parametrize(
    ("number", "masks"), [(1, "binary"), (255, "binary"), (255, "classes"), (3, "instances"), (True, "auto"), (1.0, "binary")]
)
def test_a_full_image_scores_1_against_itself(number: float, masks: MaskChoice) -> None:
    full = np.full((9, 7), number)
    assert evaluate([full], [full], masks=masks).scores.pooled()["iou"] == 1


@pytest.mark.parametrize("name", ["x.tif", "x_classes.tif"])
def test_a_full_file_scores_1_by_request_and_is_not_guessed(name: str, tmp_path: Path) -> None:
    full = np.full((9, 7), 255, np.uint8)
    predicted, truth = tmp_path / "predicted", tmp_path / "truth"
    for folder, file in ((predicted, name), (truth, "x.tif")):
        folder.mkdir()
        tifffile.imwrite(folder / file, full)
    with pytest.raises(LabelError, match=r"is 255, .*--masks binary"):
        evaluate(predicted, truth)
    assert evaluate(predicted, truth, masks="binary").scores.pooled()["iou"] == 1
    tifffile.imwrite(predicted / "x_masks.tif", full)
    (predicted / name).unlink()
    assert evaluate(predicted, truth).scores.pooled()["panoptic_quality"] == 1  # the name says what the numbers are


@pytest.mark.parametrize("masks", ["auto", "binary", "classes", "instances"])
def test_minus_1_in_a_prediction_is_refused(masks, tmp_path):
    labels = np.array([[0, -1, 1], [0, 2, 2]], np.int16)
    with pytest.raises(LabelError, match=r"prediction of image 0: .* row 0, column 1 is -1.* as 0"):
        evaluate([labels], [labels], masks=masks)
    np.save(tmp_path / "a.npy", labels)
    with pytest.raises(LabelError, match=r"a\.npy: .* row 0, column 1 is -1"):
        evaluate(tmp_path / "a.npy", tmp_path / "a.npy", masks=masks)
