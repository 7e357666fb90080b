"""Results as OME-Zarr: valid, equal when read by others, and complete only when all is there."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaozarrs
import zarr

from unseam.errors import OutputError
from unseam.io.calibration import Calibration
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
                below[leading] = downsample(levels[-1][leading], layout.kind)
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
        if layout.kind == "probabilities":
            assert moves[1]["translation"][-2:] == [side * (2**level - 1) / 2 for side in spacing]
        else:
            assert len(moves) == 1
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
    link_series(store, places)
    for place in places:
        pixels = rng.integers(0, 9, (20, 30)).astype("u1")
        written(store / place, ImageLayout("YX", (20, 30), np.dtype("u1"), 16, kind="classes"), pixels)
        yaozarrs.validate_zarr_store(str(store / place))
    yaozarrs.validate_zarr_store(str(store))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = [name for name, _ in zarr.open_group(str(store), mode="r").members(max_depth=None)]
    assert {"OME", "0/0", "row/1/1"} <= set(names)
