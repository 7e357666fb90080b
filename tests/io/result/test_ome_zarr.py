"""Results as OME-Zarr: valid, equal when read by others, and complete only when all is there."""

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaozarrs
import zarr

from unseam.errors import OutputError
from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.large import open_large
from unseam.io.result import (
    ChunkFiles,
    ImageLayout,
    build_level_chunk,
    check_complete,
    create_image,
    downsample,
    level_shape,
    link_labels,
    link_series,
    mark_complete,
    num_levels,
    open_level,
    read_facts,
    sweep_image,
)
from unseam.io.result.colours import MOST_COLOURED
from unseam.io.result.pyramid import kept_pixels

ALL = Calibration((0.13, 0.26), 0.5, 30.0, (7.0, 1000.0, 2000.0), 12.0)
HALF = Calibration((0.5, 0.5))


def written(group: Path, layout: ImageLayout, pixels: np.ndarray) -> list[np.ndarray]:
    """Write an image with its pyramid, and mark it; the levels as they should be."""
    files = ChunkFiles(is_synced=False)
    create_image(group, layout)
    levels = [pixels]
    for level in range(layout.num_levels):
        array = open_level(group, level, files)
        for leading in np.ndindex(*layout.shape[:-2]):
            for chunk in range(len(array.grid)):
                if level:
                    build_level_chunk(group, level, leading, chunk, files)
                else:
                    array.write(leading, array.grid.place(chunk), pixels[leading][array.grid.window(chunk)])
        if level:
            below = np.empty(level_shape(layout.shape, level), layout.dtype)
            for leading in np.ndindex(*layout.shape[:-2]):
                below[leading] = downsample(levels[-1][leading], layout.kind, level)
            levels.append(below)
    files.settle()
    mark_complete(group, {"made_by": "a test"})
    return levels


LAYOUTS = (
    ImageLayout("YX", (45, 70), np.dtype("u1"), 16, name="cells", kind="classes", channel_names=("ground", "cell", "rim")),
    ImageLayout("YX", (45, 70), np.dtype("u4"), 8, 3, calibration=Calibration((0.5, 0.25)), kind="labels"),
    ImageLayout("TZYX", (2, 3, 33, 20), np.dtype("u2"), 8, 2, name="stack", kind="classes"),
    ImageLayout("CYX", (3, 37, 64), np.dtype("f2"), 16, calibration=Calibration((2.0, 2.0)), kind="probabilities"),
    ImageLayout("TCZYX", (1, 2, 2, 19, 19), np.dtype("f4"), 16, 2, kind="probabilities", channel_names=("a", "b")),
    ImageLayout("CYX", (2, 33, 1), np.dtype("u1"), 16, kind="probabilities"),
    ImageLayout("YX", (1, 1), np.dtype("u1"), 16, kind="classes"),
)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.axes}-{layout.dtype}-{layout.shard}")
def test_others_read_what_is_written(layout: ImageLayout, tmp_path: Path, rng: np.random.Generator) -> None:
    group = tmp_path / "a.zarr"
    pixels = (rng.random(layout.shape) * (1 if layout.dtype.kind == "f" else 200)).astype(layout.dtype)
    levels = written(group, layout, pixels)
    yaozarrs.validate_zarr_store(str(group))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = zarr.open_group(str(group), mode="r")
        members = dict(theirs.members())
    assert sorted(members) == [str(level) for level in range(len(levels))]
    for level, expected in enumerate(levels):
        member = members[str(level)]
        assert isinstance(member, zarr.Array)
        assert member.metadata.dimension_names == tuple(layout.axes.lower())
        np.testing.assert_array_equal(member[...], expected)
    assert max(levels[-1].shape[-2:]) <= layout.chunk
    scales = theirs.attrs["ome"]["multiscales"][0]["datasets"]
    spacing = layout.spacing_um or (1, 1)
    for level, dataset in enumerate(scales):
        moves = dataset["coordinateTransformations"]
        assert moves[0]["scale"][-2:] == [side * 2**level for side in spacing]
        assert moves[1]["translation"][-2:] == [side * (2**level - 1) / 2 for side in spacing]
    units = [axis.get("unit") for axis in theirs.attrs["ome"]["multiscales"][0]["axes"]]
    assert units[-2:] == (["micrometer"] * 2 if layout.spacing_um else [None] * 2)
    facts = read_facts(group)
    assert facts["complete"] is True
    assert facts["made_by"] == "a test"
    assert facts["chunks"] == list(check_complete(group))


def test_where_a_smaller_pixel_lies() -> None:
    """A line of grey values says where its own pixels are: their mean lies where the metadata says."""
    line = np.arange(16, dtype=np.float64)[np.newaxis]
    line = np.concatenate([line, line])
    for level in (1, 2, 3):
        line = downsample(line, "probabilities")
        np.testing.assert_array_equal(line[0], np.arange(len(line[0])) * 2**level + (2**level - 1) / 2)


@pytest.mark.parametrize("kind", ["classes", "labels", "probabilities"])
@pytest.mark.parametrize(
    ("axes", "known", "units", "scale", "origin"),
    [
        ("TZYX", ALL, ["second", *["micrometer"] * 3], [30.0, 0.5, 0.13, 0.26], [12.0, 7.0, 1000.0, 2000.0]),
        ("YX", ALL, ["micrometer"] * 2, [0.13, 0.26], [1000.0, 2000.0]),
        ("TYX", replace(ALL, frame_s=None), [None, "micrometer", "micrometer"], [1.0, 0.13, 0.26], [0.0, 1000.0, 2000.0]),
        ("ZYX", replace(ALL, plane_um=None), [None, "micrometer", "micrometer"], [1.0, 0.13, 0.26], [0.0, 1000.0, 2000.0]),
        ("ZYX", replace(ALL, pixel_um=None), ["micrometer", None, None], [0.5, 1.0, 1.0], [7.0, 0.0, 0.0]),
        ("TCZYX", UNKNOWN, [None] * 5, [1.0] * 5, [0.0] * 5),
    ],
)
def test_every_axis_has_its_step_and_place(kind, axes, known, units, scale, origin, tmp_path: Path) -> None:
    shape = (*[2] * (len(axes) - 2), 40, 50)
    layout = ImageLayout(axes, shape, np.dtype("f2" if kind == "probabilities" else "u1"), 16, calibration=known, kind=kind)
    create_image(tmp_path / "a.zarr", layout)
    (image,) = json.loads((tmp_path / "a.zarr/zarr.json").read_text())["attributes"]["ome"]["multiscales"]
    assert [axis.get("unit") for axis in image["axes"]] == units
    for level, dataset in enumerate(image["datasets"]):
        larger = [1] * (len(axes) - 2) + [2**level] * 2
        # A pixel of a level lies in the middle of those that it stands for.
        middle = [start + step * (side - 1) / 2 for start, step, side in zip(origin, scale, larger, strict=True)]
        moves = dataset["coordinateTransformations"]
        assert moves[0]["scale"] == pytest.approx([step * side for step, side in zip(scale, larger, strict=True)])
        assert moves[1]["translation"] == pytest.approx(middle)


def test_classes_have_colours_and_names(tmp_path: Path) -> None:
    names, values = ("ground", "rim", "cell"), (3, 0, 255)
    layout = ImageLayout("YX", (40, 50), np.dtype("u1"), 16, channel_names=names, class_values=values)
    image = replace(layout, kind="classes")
    create_image(tmp_path / "a.zarr", image)
    written(tmp_path / "a.zarr" / "labels" / "classes", layout, np.full((40, 50), 3, "u1"))
    yaozarrs.validate_zarr_store(str(tmp_path / "a.zarr/labels/classes"))
    label = json.loads((tmp_path / "a.zarr/labels/classes/zarr.json").read_text())["attributes"]["ome"]["image-label"]
    assert {one["label-value"]: one["name"] for one in label["properties"]} == dict(zip(values, names, strict=True))
    colours = {one["label-value"]: one["rgba"] for one in label["colors"]}
    assert colours[3][3] == 0  # background is seen through, whatever its value
    assert colours[0][3] == colours[255][3] == 255
    assert colours[0] != colours[255]
    ome = json.loads((tmp_path / "a.zarr/zarr.json").read_text())["attributes"]["ome"]
    assert ome["omero"]["channels"][0]["window"]["end"] == 255  # the largest value, not the number of classes


@pytest.mark.parametrize(("num", "coloured"), [(1, 1), (300, 300), (MOST_COLOURED, MOST_COLOURED), (MOST_COLOURED + 1, None)])
def test_objects_have_colours_all_or_none(num: int, coloured: int | None, tmp_path: Path) -> None:
    group = tmp_path / "a.zarr"
    written(group, ImageLayout("YX", (4, 5), np.dtype("u4"), 16), np.full((4, 5), num, "u4"))
    mark_complete(group, {}, num)
    label = json.loads((group / "zarr.json").read_text())["attributes"]["ome"]["image-label"]
    if coloured is None:
        assert "colors" not in label
        return
    colours = {one["label-value"]: tuple(one["rgba"]) for one in label["colors"]}
    assert sorted(colours) == list(range(coloured + 1))
    assert all(colours[at] != colours[at + 1] for at in range(coloured))
    (again,) = open_large(group)  # our reader takes metadata up to a limit
    assert again.read(0, slice(0, 4), slice(0, 5)).max() == num


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(6, 8), (7, 8), (6, 9), (7, 9), (1, 1), (1, 5)])
def test_means(dtype: str, shape: tuple[int, int], rng: np.random.Generator) -> None:
    part = (rng.random(shape) * 250).astype(dtype)
    out = downsample(part, "probabilities")
    assert out.dtype == part.dtype
    for row, column in np.ndindex(*out.shape):
        mean = part[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].astype(np.float64).mean()
        expected = np.rint(mean) if part.dtype.kind == "u" else mean
        assert float(out[row, column]) == pytest.approx(float(expected), rel=1e-3 if dtype == "f2" else 1e-6)


def test_means_of_large_numbers() -> None:
    for dtype in ("u1", "u2", "u4"):
        part = np.full((4, 4), np.iinfo(dtype).max, dtype)
        assert (downsample(part, "probabilities") == part[:2, :2]).all()
    assert (downsample(np.full((2, 2), 6e4, np.float16), "probabilities") == np.float16(6e4)).all()


def test_which_pixel_is_kept_is_the_same_everywhere() -> None:
    """Numbers of this machine, pinned: a result must not depend on where it was computed."""
    numbers = np.arange(64).reshape(8, 8)
    assert downsample(numbers, "labels").tolist() == [[8, 11, 5, 6], [16, 19, 29, 30], [32, 35, 36, 39], [56, 59, 60, 63]]
    rows, columns = kept_pixels(2, (5, 7), (8, 8))
    assert (rows[0].tolist(), columns[0].tolist()) == ([1, 0, 0, 1], [1, 2, 5, 6])


@pytest.mark.parametrize("cut", [(0, 0), (6, 10), (2, 2), (40, 60)])
@pytest.mark.parametrize("shape", [(64, 96), (63, 95), (41, 61)])
def test_kept_pixels_do_not_depend_on_the_part(cut, shape, rng: np.random.Generator) -> None:
    plane = rng.integers(0, 99, shape)
    whole = downsample(plane, "classes", 3)
    row, column = cut
    part = downsample(plane[row:, column:], "classes", 3, (row // 2, column // 2))
    np.testing.assert_array_equal(part, whole[row // 2 :, column // 2 :])
    blocks = [plane[2 * r : 2 * r + 2, 2 * c : 2 * c + 2] for r, c in np.ndindex(*whole.shape)]
    assert all(kept in block for kept, block in zip(whole.flat, blocks, strict=True))


PHASES = {"one phase": (0, 0, 0, 1), "poor network": (0.025, 0.46, 0.76, 0.79), "fair": (0.394, 0.41, 0.362, 0.37)}


@pytest.mark.parametrize("period", [2, 4, 8, 16])
@pytest.mark.parametrize("phases", PHASES.values(), ids=PHASES)
def test_a_level_holds_as_much_of_a_class_as_the_map(phases, period: int, rng: np.random.Generator) -> None:
    """What an up-convolution at any depth draws: a pattern that comes again every few pixels."""
    cell = rng.permutation(np.repeat(phases, period**2 // 4)).reshape(period, period)
    plane = (rng.random((1024, 1024)) < np.tile(cell, (1024 // period, 1024 // period))).astype("u1")
    level, share = plane, plane.mean()
    for number in (1, 2, 3):
        level = downsample(level, "classes", number)
        assert level.mean() == pytest.approx(share, abs=0.02)


def test_levels() -> None:
    assert num_levels(1024, 1024, 1024) == 1
    assert num_levels(1025, 1, 1024) == 2
    assert num_levels(100_000, 80_000, 1024) == 8
    assert level_shape((2, 5, 9), 3) == (2, 1, 2)


def test_labels_in_an_image(tmp_path: Path, rng: np.random.Generator) -> None:
    group = tmp_path / "a.zarr"
    classes = rng.integers(0, 2, (40, 50)).astype("u1")
    objects = rng.integers(0, 2**32, (40, 50)).astype("u4")
    written(group, ImageLayout("YX", (40, 50), np.dtype("u1"), 16, kind="classes", calibration=HALF), classes)
    written(
        group / "labels" / "objects",
        ImageLayout("YX", (40, 50), np.dtype("u4"), 16, calibration=HALF),
        objects,
    )
    link_labels(group, ["objects"])
    yaozarrs.validate_zarr_store(str(group))
    yaozarrs.validate_zarr_store(str(group / "labels"))
    yaozarrs.validate_zarr_store(str(group / "labels" / "objects"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = zarr.open_group(str(group), mode="r")
        names = [name for name, _ in theirs.members(max_depth=None)]
    assert "labels/objects/0" in names
    np.testing.assert_array_equal(theirs["labels/objects/0"][...], objects)
    assert theirs["labels/objects"].attrs["ome"]["image-label"]["source"]["image"] == "../../"


def test_complete_only_when_all_is_there(tmp_path: Path) -> None:
    group = tmp_path / "a.zarr"
    layout = ImageLayout("YX", (40, 50), np.dtype("u1"), 16, kind="classes")
    create_image(group, layout)
    assert read_facts(group)["complete"] is False
    with pytest.raises(OutputError, match=r"0.c.0.0: .*missing"):
        mark_complete(group, {})
    assert read_facts(group)["complete"] is False
    shutil.rmtree(group)
    written(group, layout, np.zeros((40, 50), "u1"))
    for path in sorted(group.rglob("c/*/*")):
        path.rename(tmp_path / "aside")
        with pytest.raises(OutputError, match="missing") as caught:
            check_complete(group)
        assert str(path) in str(caught.value)
        (tmp_path / "aside").rename(path)
    assert check_complete(group) == (12, 4, 1)
    mark_complete(group, {"complete": False, "kind": "?", "made_by": "another"})
    assert read_facts(group) == {
        **{"format": "unseam result 1", "kind": "classes", "complete": True, "chunks": [12, 4, 1]},
        "made_by": "another",
    }


def test_a_level_is_not_built_of_what_is_missing(tmp_path: Path) -> None:
    group = tmp_path / "a.zarr"
    written(group, ImageLayout("YX", (40, 50), np.dtype("u1"), 16), np.ones((40, 50), "u1"))
    (group / "0" / "c" / "1" / "1").unlink()
    with pytest.raises(OutputError, match=r"1.1: .*missing"):
        build_level_chunk(group, 1, (), 0)
    build_level_chunk(group, 1, (), 1)


def test_what_stands_there_is_not_written_into(tmp_path: Path) -> None:
    layout = ImageLayout("YX", (4, 5), np.dtype("u1"), 16)
    create_image(tmp_path / "a.zarr", layout)
    with pytest.raises(OutputError, match="--out"):
        create_image(tmp_path / "a.zarr", layout)


def test_what_is_not_ours_is_refused(tmp_path: Path) -> None:
    group = tmp_path / "a.zarr"
    zarr.create_group(str(group))
    for read in (read_facts, check_complete, lambda path: mark_complete(path, {})):
        with pytest.raises(OutputError, match=r"zarr\.json .*Remove"):
            read(group)
    create_image(tmp_path / "b.zarr", ImageLayout("YX", (4, 5), np.dtype("u1"), 16))
    about = json.loads((tmp_path / "b.zarr" / "zarr.json").read_text())
    for attributes in (None, [], {"unseam": 1, "ome": 1}, {"unseam": {"format": "?"}, "ome": {"multiscales": []}}):
        (group / "zarr.json").write_text(json.dumps({**about, "attributes": attributes}))
        for read in (read_facts, check_complete):
            with pytest.raises(OutputError, match=r"zarr\.json .*Remove"):
                read(group)


def test_what_a_killed_writer_left(tmp_path: Path) -> None:
    """It is no matter to others while it lies there, and it is removed."""
    group = tmp_path / "a.zarr"
    written(group, ImageLayout("YX", (40, 50), np.dtype("u1"), 16), np.ones((40, 50), "u1"))
    for folder in ("0/c/1", "0/c", "0", "1/c/0"):
        (group / folder / ".unseam-0123456789abcdef.tmp").write_bytes(b"half")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(dict(zarr.open_group(str(group), mode="r").members())) == 3
    check_complete(group)
    assert sweep_image(group) == 4
    assert not list(group.rglob(".unseam*"))
    assert sweep_image(tmp_path / "absent") == 0


def test_several_images_in_a_store(tmp_path: Path, rng: np.random.Generator) -> None:
    store, places = tmp_path / "a.zarr", ["0", "row/1"]
    layout = ImageLayout("YX", (20, 30), np.dtype("u1"), 16, kind="classes")
    link_series(store, dict.fromkeys(places, layout))
    for place in places:
        pixels = rng.integers(0, 9, (20, 30)).astype("u1")
        written(store / place, layout, pixels)
        yaozarrs.validate_zarr_store(str(store / place))
    yaozarrs.validate_zarr_store(str(store))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Object at METADATA.ome.xml")  # the layout wants it, and zarr does not know it
        names = [name for name, _ in zarr.open_group(str(store), mode="r").members(max_depth=None)]
    assert {"OME", "0/0", "row/1/1"} <= set(names)


def test_the_xml_of_several_images(tmp_path: Path) -> None:
    """napari-ome-zarr and others open such a store only with it."""
    strange = 'a<b>"&\x01\udcff\u00b5'
    layouts = {
        "0": ImageLayout("TZYX", (4, 3, 20, 30), np.dtype("u2"), 16, kind="classes", name=strange, calibration=ALL),
        "A/1/0": ImageLayout("CYX", (2, 20, 30), np.dtype("f2"), 16, kind="probabilities", channel_names=("x", "y")),
    }
    link_series(tmp_path, layouts)
    root = ElementTree.fromstring((tmp_path / "OME/METADATA.ome.xml").read_bytes())
    of = {"ome": "http://www.openmicroscopy.org/Schemas/OME/2016-06"}
    assert root.attrib["Creator"].startswith("unseam ")
    assert [image.attrib["Name"] for image in root.findall("ome:Image", of)] == ['a<b>"&\\x01\\udcff\u00b5', "A/1/0"]
    first, second = (pixels.attrib for pixels in root.findall("*/ome:Pixels", of))
    assert [first[f"Size{axis}"] for axis in "XYZCT"] == ["30", "20", "3", "1", "4"]
    assert [first[f"PhysicalSize{axis}"] for axis in "XYZ"] == ["0.26", "0.13", "0.5"]
    assert (first["Type"], first["TimeIncrement"], first["TimeIncrementUnit"]) == ("uint16", "30.0", "s")
    assert (second["SizeC"], second["Type"], "PhysicalSizeX" in second) == ("2", "float", False)
    assert [one.attrib["Name"] for one in root.findall("*/*/ome:Channel", of)][1:] == ["x", "y"]
