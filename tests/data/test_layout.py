"""Row by row: how people lay out images and masks, and what is made of it; only names matter here."""

import json
from pathlib import Path

import numpy as np
import pytest

from unseam.data.file_names import natural_key, split_by_ending, stem
from unseam.data.layout import find_images, find_pairs
from unseam.data.read_pair import merge_objects, read_pair
from unseam.errors import DataError
from unseam.evaluation.truths import find_truths
from unseam.io import write_image, write_label_map


def lay_out(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


# name: (files, pairs as "name: images > masks", a word of the layout)
KNOWN = {
    "images and masks": (["images/a.tif", "images/b.png", "masks/a.png", "masks/b.png"],
        ["a: images/a.tif > masks/a.png", "b: images/b.png > masks/b.png"], "images and masks"),
    "milesial": (["imgs/c1.jpg", "masks/c1_mask.gif"], ["c1: imgs/c1.jpg > masks/c1_mask.gif"], "imgs"),
    "image and label": (["image/0.png", "image/10.png", "image/9.png", "label/0.png", "label/9.png", "label/10.png"],
        ["0: image/0.png > label/0.png", "9: image/9.png > label/9.png", "10: image/10.png > label/10.png"], "label"),
    "capitals": (["Images/a.tif", "GT/a.tif"], ["a: Images/a.tif > GT/a.tif"], "Images and GT"),
    "raw and annotations": (["raw/a_raw.tif", "annotations/a_annotation.tif"],
        ["a: raw/a_raw.tif > annotations/a_annotation.tif"], "raw"),
    "OME names": (["images/a.ome.tif", "masks/a.tif"], ["a: images/a.ome.tif > masks/a.tif"], "images"),
    "StarDist": (["train/images/a.tif", "train/masks/a.tif", "test/images/b.tif", "test/masks/b.tif"],
        ["a: train/images/a.tif > train/masks/a.tif"], "train: the folders images and masks"),
    "train and val of many": (
        [f"{part}/{kind}/{name}.png" for part in ("train", "val") for kind in ("images", "masks") for name in "ab"],
        ["a: train/images/a.png > train/masks/a.png", "b: train/images/b.png > train/masks/b.png"], "train"),
    "Cellpose": (["a.tif", "a_masks.tif", "b.tif", "b_masks.png"], ["a: a.tif > a_masks.tif", "b: b.tif > b_masks.png"],
        "masks end in _masks"),
    "Cellpose results": (["a.tif", "a_cp_masks.png", "a_flows.tif", "a_outlines.png", "a_seg.npy"],
        ["a: a.tif > a_cp_masks.png"], "_cp_masks"),
    "Cellpose filters": (["a_img.tif", "a_masks.tif"], ["a: a_img.tif > a_masks.tif"], "one folder"),
    "Cellpose in train": (["train/a.tif", "train/a_masks.tif"], ["a: train/a.tif > train/a_masks.tif"], "train"),
    "our own results": (["a.tif", "a_masks.tif", "a_prob.tif", "a_overlay.png"], ["a: a.tif > a_masks.tif"], "_masks"),
    "labels": (["a.tif", "a_label.tif", "b.tif", "b_labels.tif"], ["a: a.tif > a_label.tif", "b: b.tif > b_labels.tif"],
        "_label or _labels"),
    "Fiji": (["a.tif", "a-mask.tif"], ["a: a.tif > a-mask.tif"], "-mask"),
    "ISBI 2012": (["train-volume.tif", "train-labels.tif"], ["train: train-volume.tif > train-labels.tif"], "-labels"),
    "nnU-Net": (["imagesTr/x_0000.png", "labelsTr/x.png", "imagesTs/y_0000.png"],
        ["x: imagesTr/x_0000.png > labelsTr/x.png"], "nnU-Net"),
    "nnU-Net channels": (
        ["imagesTr/x_0001.tif", "imagesTr/x_0000.tif", "imagesTr/y_0000.tif", "imagesTr/y_0001.tif",
         "labelsTr/x.tif", "labelsTr/y.tif"],
        ["x: imagesTr/x_0000.tif imagesTr/x_0001.tif > labelsTr/x.tif",
         "y: imagesTr/y_0000.tif imagesTr/y_0001.tif > labelsTr/y.tif"], "nnU-Net"),
    "Cell Tracking Challenge": (
        ["01/t000.tif", "01/t001.tif", "01/t002.tif", "01_GT/SEG/man_seg001.tif", "01_GT/TRA/man_track000.tif",
         "02/t000.tif", "02_ST/SEG/man_seg000.tif"],
        ["01/t001: 01/t001.tif > 01_GT/SEG/man_seg001.tif", "02/t000: 02/t000.tif > 02_ST/SEG/man_seg000.tif"],
        "GT and ST/SEG"),
    "Data Science Bowl": (
        ["id1/images/id1.png", "id1/masks/m1.png", "id1/masks/m2.png", "id2/images/id2.png", "id2/masks/m3.png"],
        ["id1: id1/images/id1.png > id1/masks/m1.png id1/masks/m2.png", "id2: id2/images/id2.png > id2/masks/m3.png"],
        "mask file per object"),
    "junk beside": (["images/a.tif", "images/Thumbs.db", "images/._a.tif", "images/.hidden.png", "images/notes.txt",
        "masks/a.tif", "readme.md", "results.csv"], ["a: images/a.tif > masks/a.tif"], "images"),
    "a Mac's zip": (["images/a.tif", "masks/a.tif", "__MACOSX/images/._a.tif", "__MACOSX/masks/._a.tif"],
        ["a: images/a.tif > masks/a.tif"], "images"),
    "a backup of one": (["images/a.tif", "images/b.tif", "masks/a.tif", "masks/b.tif", "old/images/a.tif",
        "old/masks/a.tif", "old/masks/a2.tif"],
        ["a: images/a.tif > masks/a.tif", "b: images/b.tif > masks/b.tif"], "images and masks"),
    "samples and an empty one": (["id1/images/a.png", "id1/masks/1.png", "id1/masks/2.png", "id2/images/.keep",
        "id2/masks/.keep", ".trash/images/a.png", ".trash/masks/1.png"],
        ["id1: id1/images/a.png > id1/masks/1.png id1/masks/2.png"], "per object"),
    "samples beside empty folders": (["images/.keep", "masks/.keep", "id1/images/a.png", "id1/masks/1.png", "id1/masks/2.png"],
        ["id1: id1/images/a.png > id1/masks/1.png id1/masks/2.png"], "per object"),
    "hidden sequences": (["01/t0.tif", "01/._t1.tif", "01_GT/SEG/man_seg0.tif", "01_GT/SEG/._man_seg1.tif"],
        ["01/t0: 01/t0.tif > 01_GT/SEG/man_seg0.tif"], "GT/SEG"),
    "Cellpose session beside": (["images/a.tif", "images/a_seg.npy", "masks/a.tif"], ["a: images/a.tif > masks/a.tif"],
        "images"),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_layouts_that_are_known(name: str, tmp_path: Path) -> None:
    files, pairs, layout = KNOWN[name]
    found = find_pairs(lay_out(tmp_path, *files))

    def words(paths: tuple[Path, ...]) -> str:
        return " ".join(path.relative_to(tmp_path).as_posix() for path in paths)

    assert [f"{pair.name}: {words(pair.images)} > {words(pair.masks)}" for pair in found.pairs] == pairs
    assert layout in found.layout
    assert found.folder == tmp_path
    assert all(pair.image == pair.images[0] and pair.mask == pair.masks[0] for pair in found.pairs)


# name: (files, words of the message)
UNKNOWN = {
    "nothing": ([], r"0 readable file\(s\).*images.*masks"),
    "images only": (["a.tif", "b.tif"], r"2 readable file\(s\).*x_masks.tif"),
    "sessions only": (["a.tif", "a_seg.npy"], "masks as TIFF"),
    "empty images": (["images/readme.txt", "masks/a.tif"], r"images\b.*TIFF or PNG"),
    "empty masks": (["images/a.tif", "masks/readme.txt"], r"masks\b.*TIFF or PNG"),
    "no mask": (["images/a.tif", "images/b.tif", "images/c.tif", "masks/a.tif"],
        "b.tif has no mask in .*masks.* 1 other"),
    "no image": (["images/a.tif", "masks/a.tif", "masks/b.tif"], r"b.tif has no image in \S*images\b"),
    "no mask beside": (["a.tif", "a_masks.tif", "b.tif"], "b.tif has no mask"),
    "no image beside": (["a.tif", "a_masks.tif", "b_masks.tif"], "b_masks.tif has no image"),
    "session instead of a mask": (["a.tif", "a_masks.tif", "b.tif", "b_seg.npy"], "b.tif has no mask.*Cellpose"),
    "one stem twice": (["images/a.tif", "images/a.png", "masks/a.tif"], "a.png and a.tif .*same name"),
    "one mask twice": (["a.tif", "a_masks.tif", "a_label.tif"], "a_label.tif and a_masks.tif .*same name"),
    "two mask folders": (["images/a.tif", "masks/a.tif", "labels/a.tif"], "labels and masks"),
    "nnU-Net without channel": (["imagesTr/a.tif", "labelsTr/a.tif"], "case_0000.tif"),
    "nnU-Net without labels": (["imagesTr/a_0000.tif", "labelsTr/b.tif"], "a_0000.tif has no mask"),
    "nnU-Net, channels missing": (
        ["imagesTr/a_0000.tif", "imagesTr/a_0001.tif", "imagesTr/b_0000.tif", "labelsTr/a.tif", "labelsTr/b.tif"],
        "b has 1 channel"),
    "frame without image": (["01/t000.tif", "01_GT/SEG/man_seg005.tif"], "frame number"),
    "sample without masks": (["id1/images/a.png", "id1/masks/m.png", "id2/images/b.png", "id2/masks/x.txt"],
        r"id2.* 1 image\(s\) and 0 mask"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_layouts_that_are_refused(name: str, tmp_path: Path) -> None:
    files, words = UNKNOWN[name]
    with pytest.raises(DataError, match=words):
        find_pairs(lay_out(tmp_path, *files))


FORMS = ("Z\u00fcrich", "Zu\u0308rich")  # one letter, or a letter and its dots: both look the same


@pytest.mark.parametrize(("image", "mask"), [FORMS, FORMS[::-1], (FORMS[1], FORMS[1])])
@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images/{}.tif", "masks/{}.png"),
        ("{}.tif", "{}_masks.tif"),
        ("images/{}_img.tif", "masks/{}_mask.tif"),
        ("imagesTr/{}_0000.tif", "labelsTr/{}.tif"),
        ("train/images/{}.ome.tif", "train/masks/{}.tif"),
    ],
)
def test_names_that_look_alike_belong_together(images: str, masks: str, image: str, mask: str, tmp_path: Path) -> None:
    found = find_pairs(lay_out(tmp_path, images.format(image), masks.format(mask)))
    assert [pair.name for pair in found.pairs] == [FORMS[0]]
    truths = find_truths(tmp_path)
    assert truths.name_for(FORMS[0]) == FORMS[0]


def test_two_files_whose_names_look_alike_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, *(f"{place}/{form}.tif" for place in ("images", "masks") for form in FORMS))
    with pytest.raises(DataError, match="stored in two ways"):
        find_pairs(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        find_pairs(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"a\.tif\b.*folder"):
        find_pairs(str(lay_out(tmp_path, "a.tif") / "a.tif"))


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    tracking = lay_out(tmp_path / "1", "01/t0.tif", "01/t1.tif", "01_GT/SEG/man_seg0.tif")
    assert find_pairs(tracking).notes == ("1 of 2 frames are annotated",)
    corrected = lay_out(tmp_path / "2", "a.tif", "a_masks.tif", "a_cp_masks.tif")
    found = find_pairs(corrected)
    assert found.pairs[0].mask.name == "a_masks.tif"
    assert "1 file(s) _cp_masks" in found.notes[0]
    parts = lay_out(tmp_path / "3", "train/images/a.tif", "train/masks/a.tif", "val/images/b.tif")
    assert "val" in find_pairs(parts).notes[0]


@pytest.mark.parametrize(
    "labels",
    [{"background": 0, "cell": 1, "ignore": 2}, {"0": "background", "1": "cell", "2": "ignore"}],
)
def test_declared_classes_of_nnunet(labels: dict[str, object], tmp_path: Path) -> None:
    lay_out(tmp_path, "imagesTr/a_0000.tif", "labelsTr/a.tif")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    found = find_pairs(tmp_path)
    assert found.classes == ((0, "background"), (1, "cell"))
    assert found.ignore == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"labels": {"a": [1, 2]}}', "\xff"])
def test_a_description_that_is_none(text: str, tmp_path: Path) -> None:
    lay_out(tmp_path, "imagesTr/a_0000.tif", "labelsTr/a.tif")
    (tmp_path / "dataset.json").write_bytes(text.encode("latin1"))
    with pytest.raises(DataError, match=r"dataset\.json.*labels"):
        find_pairs(tmp_path)


def test_images_to_predict(tmp_path: Path) -> None:
    lay_out(tmp_path, "t2.tif", "t10.tif", "t2_masks.tif", "t2_prob.tif", "t2_classes.tif", "notes.txt", "lone_masks.tif")
    lay_out(tmp_path / "deep", "images/x.png")

    def names(*given: Path | str) -> list[str]:
        return [path.name for path in find_images(list(given))]

    assert names(tmp_path) == ["lone_masks.tif", "t2.tif", "t10.tif"]
    assert names(tmp_path / "deep") == ["x.png"]
    assert names(tmp_path / "t10.tif", tmp_path / "t2.tif", tmp_path / "t10.tif") == ["t10.tif", "t2.tif"]
    assert names(str(tmp_path / "t?.tif")) == ["t2.tif"]
    assert names(str(tmp_path / "**" / "*.png")) == ["x.png"]
    assert find_images(tmp_path / "t2.tif") == [tmp_path / "t2.tif"]


@pytest.mark.parametrize("given", ["nothing.tif", "*.png", "empty"])
def test_nothing_to_predict(given: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no image"):
        find_images([tmp_path / given])
    with pytest.raises(DataError, match="files, folders or patterns"):
        find_images([])


def test_names() -> None:
    assert [stem(Path(name)) for name in ("a.b.tif", "a.OME.TIF", "a.jpeg", "a", "a.csv")] == [
        "a.b",
        "a",
        "a",
        "a",
        "a.csv",
    ]
    files = [Path(name) for name in ("t10.tif", "t2.tif", "T1.tif", "a.tif")]
    assert [path.name for path in sorted(files, key=natural_key)] == ["a.tif", "T1.tif", "t2.tif", "t10.tif"]
    images, masks = split_by_ending([Path("a.tif"), Path("a_masks.tif"), Path("lone_masks.tif"), Path("a_prob.tif")])
    assert [path.name for path in images] == ["a.tif", "lone_masks.tif"]
    assert [path.name for path in masks] == ["a_masks.tif"]


def test_a_pair_is_read(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (8, 9), np.uint8)
    lay_out(tmp_path, "images/x", "masks/x")
    write_image(tmp_path / "images" / "a.png", pixels)
    write_label_map(tmp_path / "masks" / "a.tif", (pixels > 100).astype(np.uint8))
    image, mask = read_pair(find_pairs(tmp_path).pairs[0])
    np.testing.assert_array_equal(image.pixels, pixels)
    np.testing.assert_array_equal(mask.pixels, pixels > 100)


def test_channels_are_joined_and_objects_merged(tmp_path: Path, rng: np.random.Generator) -> None:
    lay_out(tmp_path / "n", "imagesTr/x", "labelsTr/x")
    channels = rng.integers(0, 256, (2, 8, 9), np.uint8)
    for i in range(2):
        write_image(tmp_path / "n" / "imagesTr" / f"a_000{i}.png", channels[i])
    write_label_map(tmp_path / "n" / "labelsTr" / "a.tif", (channels[0] > 9).astype(np.uint8))
    image, _ = read_pair(find_pairs(tmp_path / "n").pairs[0])
    assert image.axes == "YXC"
    np.testing.assert_array_equal(image.pixels, np.moveaxis(channels, 0, -1))

    lay_out(tmp_path / "d", "id/images/x", "id/masks/x")
    write_image(tmp_path / "d" / "id" / "images" / "id.png", channels[0])
    for i, columns in enumerate((slice(0, 4), slice(3, 6), slice(7, 9))):
        one = np.zeros((8, 9), np.uint8)
        one[2:5, columns] = 255
        write_image(tmp_path / "d" / "id" / "masks" / f"{i}.png", one)
    _, mask = read_pair(find_pairs(tmp_path / "d").pairs[0])
    assert mask.pixels[3].tolist() == [1, 1, 1, 1, 2, 2, 0, 3, 3]
    assert mask.notes[0].startswith("3 px belong to two objects")


def test_a_stack_that_was_saved_as_channels(tmp_path: Path) -> None:
    import tifffile

    lay_out(tmp_path, "images/x", "masks/x")
    stack = np.arange(6 * 8 * 9, dtype=np.uint16).reshape(6, 8, 9)
    tifffile.imwrite(tmp_path / "images" / "a.tif", stack, imagej=True, metadata={"axes": "CYX"})
    write_label_map(tmp_path / "masks" / "a.tif", (stack > 100).astype(np.uint8))
    image, mask = read_pair(find_pairs(tmp_path).pairs[0])
    assert image.axes == mask.axes == "ZYX"
    assert "planes" in image.notes[0]


@pytest.mark.parametrize(
    ("shape", "words"),
    [((8, 10), "8 x 9 px, its mask .*a.tif 8 x 10"), ((2, 8, 9), r"1 plane\(s\), its mask .* has 2")],
)
def test_image_and_mask_that_do_not_fit(shape: tuple[int, ...], words: str, tmp_path: Path) -> None:
    lay_out(tmp_path, "images/x", "masks/x")
    write_image(tmp_path / "images" / "a.png", np.zeros((8, 9), np.uint8))
    write_label_map(tmp_path / "masks" / "a.tif", np.ones(shape, np.uint8))
    with pytest.raises(DataError, match=words) as caught:
        read_pair(find_pairs(tmp_path).pairs[0])
    assert "a.png" in str(caught.value)


@pytest.mark.parametrize("kind", ["channels", "objects"])
def test_parts_that_do_not_fit(kind: str, tmp_path: Path) -> None:
    parts = [np.zeros((8, 9), np.uint8), np.zeros((8, 10), np.uint8)]
    if kind == "channels":
        lay_out(tmp_path, "imagesTr/x", "labelsTr/x")
        for i, part in enumerate(parts):
            write_image(tmp_path / "imagesTr" / f"a_000{i}.png", part)
        write_label_map(tmp_path / "labelsTr" / "a.tif", parts[0])
    else:
        lay_out(tmp_path, "a/images/x", "a/masks/x")
        write_image(tmp_path / "a" / "images" / "a.png", parts[0])
        for i, part in enumerate(parts):
            write_image(tmp_path / "a" / "masks" / f"{i}.png", part)
    with pytest.raises(DataError, match=f"{kind}.*one image"):
        read_pair(find_pairs(tmp_path).pairs[0])


def test_merging_keeps_every_pixel_of_some_object(rng: np.random.Generator) -> None:
    maps = [(rng.random((9, 9)) > 0.7).astype(np.int32) for _ in range(5)]
    merged, num_shared = merge_objects(maps)
    np.testing.assert_array_equal(merged > 0, np.any(maps, axis=0))
    assert num_shared == sum(map(np.sum, maps)) - np.count_nonzero(merged)


def test_frames_of_a_tracking_sequence_know_their_sequence(tmp_path):
    frames = [f"{sequence}/t00{n}.tif" for sequence in ("01", "02") for n in (0, 1)]
    masks = [f"{sequence}_GT/SEG/man_seg00{n}.tif" for sequence in ("01", "02") for n in (0, 1)]
    found = find_pairs(lay_out(tmp_path, *frames, *masks))
    assert [pair.sequence for pair in found.pairs] == ["01", "01", "02", "02"]
    assert (found.is_partial, find_truths(tmp_path).is_partial) == (True, True), "frames without annotation are usual there"


def test_of_other_layouts_every_image_is_annotated(tmp_path):
    folder = lay_out(tmp_path, "Cell Tracking/images/a.tif", "Cell Tracking/masks/a.tif") / "Cell Tracking"
    assert (find_pairs(folder).is_partial, find_truths(folder).is_partial) == (False, False)


def test_a_plane_of_a_three_dimensional_frame_is_refused_by_name(tmp_path):
    folder = lay_out(tmp_path, "01/t000.tif", "01_GT/SEG/man_seg_000_005.tif")
    with pytest.raises(DataError, match=r"man_seg_000_005\.tif.*\(5\).*\(0\).*Save"):
        find_pairs(folder)
    with pytest.raises(DataError, match=r"man_seg_000_005\.tif"):
        find_truths(folder / "01_GT")


@pytest.mark.parametrize(
    ("image", "mask"), [("10\u00b5M", "10\u03bcM"), ("9.41\u202fAM", "9.41 AM"), ("a\u00a0b", "a b"), ("a\u200b", "a")]
)
def test_signs_that_look_alike_are_one(image: str, mask: str, tmp_path: Path) -> None:
    for place in (
        f"images/{image}.tif",
        f"masks/{mask}.tif",
        "images/x\u00b2.tif",
        "masks/x\u00b2.tif",
        "images/x2.tif",
        "masks/x2.tif",
    ):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    assert len(find_pairs(tmp_path).pairs) == 3
