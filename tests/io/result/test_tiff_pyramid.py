"""One TIFF with a pyramid: every pixel, every level, axes and spacing; whole or absent; in little memory."""

import contextlib
import errno
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from torture.disk_calls import failing, watched
from unseam._version import __version__
from unseam.errors import OutputError
from unseam.io import read_image, remove_unfinished
from unseam.io.calibration import Calibration
from unseam.io.result import (
    ImageLayout,
    build_level_chunk,
    create_image,
    downsample,
    mark_complete,
    open_level,
    tiff_pyramid,
    write_tiff,
)

LAYOUTS = (
    ImageLayout("YX", (145, 270), np.dtype("u1"), 64, name="cells", kind="classes", channel_names=("ground", "cell")),
    ImageLayout("YX", (145, 270), np.dtype("u4"), 32, 2, calibration=Calibration((0.5, 0.25))),
    ImageLayout("TZYX", (2, 3, 133, 120), np.dtype("u2"), 64),
    ImageLayout("CYX", (3, 137, 64), np.dtype("f2"), 64, calibration=Calibration((2.0, 2.0)), kind="probabilities"),
    ImageLayout("TCZYX", (2, 2, 3, 90, 70), np.dtype("f4"), 48, kind="probabilities", channel_names=("<a>", "b&")),
    ImageLayout("YX", (5, 7), np.dtype("u1"), 64),
)


def finished(group: Path, layout: ImageLayout, pixels: np.ndarray) -> None:
    create_image(group, layout)
    for level in range(layout.num_levels):
        array = open_level(group, level)
        for leading in np.ndindex(*layout.shape[:-2]):
            for chunk in range(len(array.grid)):
                if level:
                    build_level_chunk(group, level, leading, chunk)
                else:
                    array.write(leading, array.grid.place(chunk), pixels[leading][array.grid.window(chunk)])
    mark_complete(group, {})


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.axes}-{layout.dtype}-{layout.shard}")
def test_everything_is_in_it(layout: ImageLayout, tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = (rng.random(layout.shape) * (1 if layout.dtype.kind == "f" else 200)).astype(layout.dtype)
    finished(tmp_path / "a.zarr", layout, pixels)
    path = tmp_path / "a.ome.tif"
    write_tiff(path, tmp_path / "a.zarr", layout, tile=32)
    with tifffile.TiffFile(path) as tiff:
        assert not tiff.is_bigtiff
        assert tiff.is_ome
        assert len(tiff.series) == 1
        series = tiff.series[0]
        assert len(series.levels) == layout.num_levels
        assert series.axes == layout.axes.lstrip("TCZ") or series.axes == layout.axes
        for number, level in enumerate(series.levels):
            array = open_level(tmp_path / "a.zarr", number)
            height, width = array.layout.shape[-2:]
            assert level.shape[-2:] == (height, width)
            assert level.keyframe.tile == (32, 32)
            ours = np.stack(
                [array.read(at, (slice(0, height), slice(0, width))) for at in np.ndindex(*array.layout.shape[:-2])]
            )
            np.testing.assert_array_equal(level.asarray().reshape(ours.shape), ours)
        np.testing.assert_array_equal(series.asarray().reshape(pixels.shape), pixels)
        about = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]["Pixels"]
        if layout.spacing_um:
            assert (about["PhysicalSizeY"], about["PhysicalSizeX"]) == layout.spacing_um
            tag = tiff.pages[0].tags["YResolution"].value
            assert tag[0] / tag[1] == pytest.approx(10_000 / layout.spacing_um[0])
        if "C" in layout.axes and layout.channel_names:
            assert [channel["Name"] for channel in about["Channel"]] == list(layout.channel_names)
    if layout.axes == "YX":
        back = read_image(path)
        np.testing.assert_array_equal(back.pixels, pixels)
        assert back.spacing_um == layout.spacing_um


@pytest.mark.parametrize(
    ("largest", "dtype"), [(2, "u1"), (255, "u1"), (256, "u2"), (65_535, "u2"), (65_536, "u4"), (None, "u4")]
)
def test_the_narrowest_type_that_holds_all_objects(largest: int | None, dtype: str, tmp_path: Path) -> None:
    layout = ImageLayout("YX", (40, 50), np.dtype("u4"), 32)
    pixels = np.arange(2000, dtype="u4").reshape(40, 50) % (1 + (largest or 70_000))
    finished(tmp_path / "a.zarr", layout, pixels)
    write_tiff(tmp_path / "a.tif", tmp_path / "a.zarr", layout, largest=largest, tile=32)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.series[0].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(tiff.series[0].asarray(), pixels)
        np.testing.assert_array_equal(tiff.series[0].levels[1].asarray(), downsample(pixels, "labels"))
        shown = [tag.value for tag in (tiff.pages.first.tags.get(name) for name in ("MinSampleValue", "MaxSampleValue")) if tag]
        assert shown == ([0, largest] if largest is not None and largest < 2**16 else [])


def test_it_says_what_it_is(tmp_path: Path) -> None:
    calibration = Calibration((0.5, 0.25), 2.0, 30.0, (1.0, 10.0, 20.0), 60.0)
    shape = (2, 3, 33, 20)
    layout = ImageLayout("TZYX", shape, np.dtype("u1"), 32, calibration=calibration, name="cells \udce9", kind="classes")
    finished(tmp_path / "a.zarr", layout, np.ones(shape, "u1"))
    for name in "ab":
        write_tiff(tmp_path / f"{name}.tif", tmp_path / "a.zarr", layout, class_names={0: "ground", 1: "cell"}, tile=32)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages.first.tags["Software"].value == f"unseam {__version__}"
        about = tifffile.xml2dict(tiff.ome_metadata)["OME"]
    assert about["Creator"] == f"unseam {__version__}"
    assert about["Image"]["Name"] == "cells ?"
    pixels = about["Image"]["Pixels"]
    assert [pixels[f"PhysicalSize{axis}"] for axis in "ZYX"] == [2.0, 0.5, 0.25]
    assert (pixels["TimeIncrement"], pixels["TimeIncrementUnit"]) == (30.0, "s")
    assert pixels["Channel"]["Name"] == "classes"
    last = pixels["Plane"][-1]
    assert [last[f"Position{axis}"] for axis in "ZYX"] == [5.0, 10.0, 20.0]
    assert last["DeltaT"] == 90.0
    assert about["StructuredAnnotations"]["MapAnnotation"]["Value"]["M"] == [
        {"K": 0, "value": "ground"},
        {"K": 1, "value": "cell"},
    ]


def test_bigtiff_where_32_bits_might_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = ImageLayout("YX", (40, 50), np.dtype("u2"), 32)
    finished(tmp_path / "a.zarr", layout, np.ones((40, 50), "u2"))
    num_bytes = (4 + 1) * 32 * 32 * 2  # tiles of both levels, whole
    for limit, is_big in ((num_bytes, True), (num_bytes + 500, False)):
        monkeypatch.setattr(tiff_pyramid, "CLASSIC_TIFF_BYTES", limit)
        write_tiff(tmp_path / "a.tif", tmp_path / "a.zarr", layout, tile=32)
        with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
            assert tiff.is_bigtiff == is_big
            np.testing.assert_array_equal(tiff.series[0].asarray(), np.ones((40, 50), "u2"))


def test_whole_or_absent(tmp_path: Path) -> None:
    layout = ImageLayout("YX", (100, 100), np.dtype("u1"), 64)
    finished(tmp_path / "a.zarr", layout, np.ones((100, 100), "u1"))
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "a.tif"
    failed = 0
    for call in range(1, 100):
        with watched(failing(call, errno.ENOSPC)) as calls, contextlib.suppress(OutputError):
            write_tiff(path, tmp_path / "a.zarr", layout, tile=32)
        remove_unfinished(path.parent)
        if path.exists():
            assert tifffile.imread(path).shape == (100, 100)
        assert [p for p in path.parent.iterdir() if p != path] == []
        if len(calls) < call:
            break
        failed += 1
    assert failed > 5
    assert path.exists()
    path.unlink()
    (tmp_path / "a.zarr" / "1" / "c" / "0" / "0").unlink()
    with pytest.raises(OutputError, match="missing"):
        write_tiff(path, tmp_path / "a.zarr", layout, tile=32)
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(OutputError, match=r"\.tif"):
        write_tiff(tmp_path / "a.png", tmp_path / "a.zarr", layout)


_LARGE = """
import sys
from pathlib import Path
import numpy as np
from unseam.io.result import ImageLayout, build_level_chunk, create_image, mark_complete, open_level, write_tiff
group, side = Path(sys.argv[1]) / "a.zarr", int(sys.argv[2])
layout = ImageLayout("YX", (side, side), np.dtype("u4"), 1024)
create_image(group, layout)
part = np.random.default_rng(0).integers(0, 9, (64, 64)).astype("u4").repeat(16, 0).repeat(16, 1)
for level in range(layout.num_levels):
    array = open_level(group, level)
    for chunk in range(len(array.grid)):
        if level:
            build_level_chunk(group, level, (), chunk)
        else:
            array.write((), array.grid.place(chunk), part)
mark_complete(group, {})
write_tiff(group.with_suffix(".tif"), group, layout)
print(Path("/proc/self/status").read_text())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_memory_does_not_grow_with_the_image(tmp_path: Path) -> None:
    """From 16 to 256 MiB of pixels; the difference is that of some chunks."""
    peaks = []
    for side in (2048, 8192):
        folder = tmp_path / str(side)
        folder.mkdir()
        done = subprocess.run([sys.executable, "-c", _LARGE, folder, str(side)], check=True, capture_output=True, text=True)
        peaks.append(int(re.search(r"VmHWM:\s+(\d+) kB", done.stdout)[1]) / 1024)
    assert peaks[1] - peaks[0] < 64
