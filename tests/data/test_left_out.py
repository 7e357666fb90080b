"""What looks like data and is not read is told in one line, and nothing else is."""

import re
import zipfile
from pathlib import Path

import pytest

from unseam.data.cases import find_cases, find_images_left_out
from unseam.data.layout import find_pairs
from unseam.errors import DataError


def lay_out(folder: Path, *names: str, content: bytes = b"x") -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "data", "images/a.tif", "masks/a.tif", "images/b.tif", "masks/b.tif")


OUTLINES = b'{"version": "5.2", "shapes": []}'
DATA = {  # file: (content, a word of what it is, a word of what to do)
    "images/c.czi": (b"x", "microscope", "Fiji"),
    "images/c.ND2": (b"x", "microscope", "Fiji"),
    "images/c.nii.gz": (b"x", "volume", "Fiji"),
    "whole.svs": (b"x", "microscope", "Fiji"),
    "images/c.heic": (b"x", "picture", "PNG"),
    "images/c.webp": (b"x", "picture", "PNG"),
    "images/c.mp4": (b"x", "video", "frames"),
    "images/c": (b"II*\0", "without ending", ".tif"),
    "images/IM-0001.0002": (b"\0" * 128 + b"DICM", "without ending", ".tif"),
    "images/c.tif.part": (b"x", "download", "again"),
    "images/.c.tif.icloud": (b"x", "iCloud", "Finder"),
    "images/c.tif.lnk": (b"x", "shortcut", "itself"),
    "images/more.zip": (b"x", "archive", "unpack"),
    "masks/RoiSet.zip": (b"x", "outlines", "ROI Manager"),
    "masks/c.roi": (b"Iout", "outlines", "label maps"),
    "masks/c.geojson": (b"{}", "outlines", "QuPath"),
    "images/c.json": (OUTLINES, "outlines", "labelme"),
    "coco.json": (b'{"images": [], "annotations": [], "categories": []}', "outlines", "masks"),
    "masks/c.xml": (b"<annotation><object/></annotation>", "outlines", "masks"),
    "masks/c.txt": (b"0 0.1 0.2 0.3 0.4 0.5 0.6\n", "outlines", "masks"),
    "images/c.qptiff": (b"x", "microscope", "Fiji"),
    "images/c.raw": (b"x", "bare numbers", "Import"),
    "masks/last.json": (b'{"imageData": "' + b"A" * 200_000 + b'", "shapes": []}', "outlines", "labelme"),
    "masks/features.json": (b'[{"type": "Feature", "geometry": {}}]', "outlines", "QuPath"),
    "masks/c.mat": (b"x", "MATLAB", "TIFF"),
}


@pytest.mark.parametrize("name", DATA)
def test_data_of_another_format_is_told_with_the_way_to_convert_it(name: str, folder: Path) -> None:
    content, what, mend = DATA[name]
    lay_out(folder, name, content=content)
    (line,) = find_pairs(folder).left_out
    assert what in line.what
    assert Path(name).name in line.what
    assert mend in line.mend
    assert [path.name for path in line.paths] == [Path(name).name]
    assert len(find_pairs(folder).pairs) == 2


NO_DATA = {  # file: content
    "README": b"How these were made\n",
    "images/LICENSE": b"Free for all\n",
    "images/notes.txt": b"12 images, 3 of them blurred",
    "images/metadata.json": b'{"PixelSize": 0.2, "Channels": ["DAPI"]}',
    "dataset.json": b'{"labels": {"background": 0, "cell": 1}}',
    "images/settings.json": b'{"annotations": false, "shape of a tool": "polygon"}',
    "images/table.txt": b"x" * 70_000 + b"\n1 0.5 0.5 0.5 0.5 0.5",
    "images/sizes.csv": b"a,1\n",
    "images/Thumbs.db": b"x",
    "images/._c.czi": b"x",
    "images/~$c.czi": b"x",
    "data.zip": b"x",
    "scan": b"\0\1",
    "images/empty": b"",
    "images/a.tif.aux.xml": b"<PAMDataset></PAMDataset>",
    "macro.ijm": b"run",
    "test/images/t.tif": b"x",
    "images/.ipynb_checkpoints/a.tif": b"x",
    "images/@eaDir/a.tif/SYNOPHOTO.jpg": b"x",
    "__MACOSX/images/._a.tif": b"x",
    "#recycle/images/c.tif": b"x",
}


@pytest.mark.parametrize("name", NO_DATA)
def test_what_is_no_data_is_not_told(name: str, folder: Path) -> None:
    lay_out(folder, name, content=NO_DATA[name])
    found = find_pairs(folder)
    assert (found.left_out, found.notes, len(found.pairs)) == ((), (), 2)


def test_all_kinds_are_one_line_and_only_some_names_are_shown(folder: Path) -> None:
    lay_out(folder, *(f"images/{i}.czi" for i in range(5)), "images/c.webp")
    (line,) = find_pairs(folder).left_out
    assert "5 microscope or volume file(s) (images/0.czi, images/1.czi, images/2.czi, ...) and 1 picture" in str(line)


def test_archives_are_opened_for_a_look(folder: Path) -> None:
    for name, inside in (("masks/c.zip", "0001.roi"), ("masks/d.zip", "d.tif")):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr(inside, b"x")
    (line,) = find_pairs(folder).left_out
    assert "1 file(s) with outlines (masks/c.zip) and 1 archive(s) (masks/d.zip)" in line.what


def link(path: Path, to: str = "/nowhere/annex/x.tif") -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(to)


def test_a_pair_of_links_that_lead_nowhere_is_told(folder: Path) -> None:
    for place in ("images", "masks"):
        link(folder / place / "b.tif")
    found = find_pairs(folder)
    assert [pair.name for pair in found.pairs] == ["a"]
    assert "2 link(s) that lead nowhere (images/b.tif, masks/b.tif)" in str(found.left_out[0])


@pytest.mark.parametrize("place", ["images", "masks"])
def test_one_such_link_is_a_missing_partner(place: str, folder: Path) -> None:
    link(folder / place / "b.tif", "b.tif")  # a link to itself
    with pytest.raises(DataError, match=r"b\.tif has no .* link\(s\) that lead nowhere \(b\.tif\).*git annex get"):
        find_pairs(folder)


def test_a_link_to_a_live_file_is_that_file(folder: Path) -> None:
    lay_out(folder.parent, "store/b")
    link(folder / "images/b.tif", str(folder.parent / "store/b"))
    assert (len(find_pairs(folder).pairs), find_pairs(folder).left_out) == (2, ())


def test_folders_that_are_links_to_nowhere(folder: Path) -> None:
    (folder / "masks").rename(folder.parent / "old")
    link(folder / "masks", "/nowhere/masks")
    with pytest.raises(DataError, match=r"masks is a link that leads nowhere"):
        find_pairs(folder)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["images/a.czi", "images/b.czi", "masks/a.tif"], "images holds no file .*2 microscope"),
        (["images/a.tif", "masks/RoiSet.zip"], "masks holds no file .*outlines.*ROI Manager"),
        (["images/a.tif", "images/b.czi", "masks/a.tif", "masks/b.tif"], r"b\.tif has no image .*b\.czi.*Fiji"),
        (["images/a.tif", "images/b.tif", "masks/a.tif", "masks/b_rois.zip"], r"b\.tif has no mask .*b_rois\.zip.*outlines"),
        (["images/Cell1.tif", "masks/cell1.tif"], r"cell1\.tif there differs in upper and lower case only"),
        (["images/p1/a.tif", "masks/p1/a.tif"], "images holds no file that can be read"),
        (["a.lif", "b.lif"], "2 microscope"),
        (["exp/images/a.tif", "exp/images/b.tif", "exp/masks/a.tif", "exp/masks/b.tif"], "exp in it would do"),
        (["s1/images/a.tif", "s1/masks/m.tif", "s2/images/a.tif", "s2/masks/m.roi"], "s2 holds 1 image.*outlines"),
    ],
)
def test_a_refused_folder_says_what_could_not_be_read(files: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        find_pairs(lay_out(tmp_path, *files))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["expA/images/x.tif", "expA/masks/x.tif", "expB/images/x.tif", "expB/masks/x.tif"], "2 folder.*expA, expB"),
        (["old/images/x.tif", "old/masks/x.tif", "old/masks/y.tif"], "1 folder.*old"),
        ([".Trash-1000/images/x.tif", ".Trash-1000/masks/x.tif"], ""),
        ([".snapshot/images/x.tif", ".snapshot/masks/x.tif", ".snapshot/masks/y.tif"], ""),
        (["backup/images/readme.txt", "backup/masks/readme.txt"], ""),
    ],
)
@pytest.mark.parametrize("own", [("images/a.tif", "masks/a.tif"), ("a.tif", "a_masks.tif")], ids=["two folders", "one folder"])
def test_the_files_of_the_folder_come_before_folders_in_it(own: tuple[str, ...], more: list[str], told: str, tmp_path) -> None:
    found = find_pairs(lay_out(tmp_path, *own, *more))
    assert [pair.name for pair in found.pairs] == ["a"]
    lines = " ".join(map(str, found.left_out))
    assert re.search(told, lines) if told else not lines


def test_a_folder_inside_the_images_is_told(folder: Path) -> None:
    (line,) = find_pairs(lay_out(folder, "images/plate2/x.tif", "images/empty/x.txt")).left_out
    assert "1 folder(s) with images inside a folder of images (images/plate2)" in line.what


def test_left_out_of_a_prediction_are_images_only(folder: Path) -> None:
    lay_out(folder, "images/c.czi", "images/c.json", content=OUTLINES)
    (line,) = find_images_left_out(folder / "images")
    assert [path.name for path in line.paths] == ["c.czi"]
    assert find_images_left_out([folder / "images/a.tif"]) == []


def test_a_broken_link_is_an_image_to_predict_that_will_fail(folder: Path) -> None:
    link(folder / "images/b.tif")
    assert [case.name for case in find_cases(folder / "images")] == ["a", "b"]
    assert [case.name for case in find_cases([folder / "images/b.tif"])] == ["b"]


def test_patterns_do_not_lead_into_hidden_folders(folder: Path) -> None:
    lay_out(folder, "@eaDir/t.tif", "__MACOSX/images/m.tif", "images/~$a.tif")
    assert [case.name for case in find_cases(str(folder / "**/*.tif"))] == ["a", "b", "a", "b"]
    assert [case.name for case in find_cases(str(folder / "__MACOSX/**/*.tif"))] == ["m"]


@pytest.mark.parametrize("place", ["", "images"])
def test_a_folder_without_readable_images_says_what_it_holds(place: str, tmp_path: Path) -> None:
    lay_out(tmp_path / place, "a.czi", "b.czi")
    with pytest.raises(DataError, match=r"2 microscope or volume file\(s\).*Fiji"):
        find_cases(tmp_path)


def test_stores_among_files_are_told(folder: Path) -> None:
    (folder / "images/c.ome.zarr").mkdir()
    assert "1 store(s) (images/c.ome.zarr)" in find_pairs(folder).left_out[0].what
    assert "by its own name" in find_images_left_out(folder)[0].mend


def test_folders_in_folders_of_images_are_told(tmp_path: Path) -> None:
    lay_out(tmp_path, "images/wt/a.tif", "masks/wt/a.tif")
    with pytest.raises(DataError, match=r"1 folder\(s\) with images inside this folder \(wt\); to use them, move"):
        find_pairs(tmp_path)
