"""What a written TIFF says besides its numbers: shown range, size and place, names of classes, and who made it."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

import unseam
from unseam.io import read_image, write_images, write_label_map, write_probabilities
from unseam.io.calibration import UNKNOWN, Calibration

FULL = Calibration((0.13, 0.26), 0.5, 30.0, (5.0, 1000.0, -2000.0), 12.0)
NAMES = {0: "background", 1: "axon", 2: "myelin é {0} <&>"}
SOFTWARE = f"unseam {unseam.__version__}"


def imagej_of(path: Path) -> dict[str, Any]:
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages.first.tags["Software"].value == SOFTWARE
        assert tiff.imagej_metadata is not None
        return dict(tiff.imagej_metadata)


def ome_of(path: Path) -> ElementTree.Element:
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages.first.tags["Software"].value == SOFTWARE
        root = ElementTree.fromstring(tiff.ome_metadata)
    for part in root.iter():
        part.tag = part.tag.rpartition("}")[2]
    assert root.get("Creator") == SOFTWARE
    return root


@pytest.mark.parametrize(
    ("pixels", "names", "largest"),
    [
        pytest.param([[0, 1, 2]], NAMES, 2, id="classes"),
        pytest.param([[0, 1, 0]], NAMES, 2, id="a class is absent"),
        pytest.param([[0, 255]], {0: "a", 255: "b"}, 255, id="0 and 255"),
        pytest.param([[0, 3]], None, 3, id="objects"),
        pytest.param([[0, 0]], None, 1, id="no object"),
        pytest.param([[[0, 1]], [[0, 700]]], None, 700, id="a stack of 16 bits"),
    ],
)
def test_imagej_shows_the_largest_value_white(pixels: Any, names: Any, largest: int, tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.tif", np.array(pixels), class_names=names)
    about = imagej_of(tmp_path / "a.tif")
    assert (about["min"], about["max"]) == (0, largest)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISBLACK, "colours would be taken for values"


@pytest.mark.parametrize("axes", ["", "Z", "T", "TZ"])
def test_imagej_has_the_size_and_the_place(axes: str, tmp_path: Path) -> None:
    labels = np.zeros((*(2, 3)[: len(axes)], 4, 5), np.uint8)
    write_label_map(tmp_path / "a.tif", labels, FULL, axes, NAMES)
    about = imagej_of(tmp_path / "a.tif")
    assert (about["unit"], about["spacing"], about["finterval"]) == ("um", 0.5, 30)
    origin = [about[f"{axis}origin"] for axis in "zyx"]  # the pixel at 0 um, as ImageJ counts
    assert origin == pytest.approx([-5.0 / 0.5, -1000 / 0.13, 2000 / 0.26])
    assert "time of the first frame: 12 s" in about["Info"]
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.series[0].axes == f"{axes}YX"
    assert read_image(tmp_path / "a.tif").spacing_um == pytest.approx((0.13, 0.26))


def test_imagej_claims_no_size_that_is_unknown(tmp_path: Path) -> None:
    stack = np.zeros((2, 4, 5), np.uint8)
    write_label_map(tmp_path / "a.tif", stack)
    assert not {"unit", "spacing", "finterval", "xorigin"} & set(imagej_of(tmp_path / "a.tif"))
    write_label_map(tmp_path / "b.tif", stack, (0.13, 0.13))
    about = imagej_of(tmp_path / "b.tif")
    assert (about["unit"], about["zunit"]) == ("um", "pixel"), "ImageJ would take the planes for 1 um apart"
    assert "spacing" not in about
    write_label_map(tmp_path / "c.tif", stack, Calibration(None, 0.5, 2.0, (1.0, 1.0, 1.0)))
    about = imagej_of(tmp_path / "c.tif")
    assert about["finterval"] == 2
    assert not {"unit", "spacing", "xorigin"} & set(about), "its only unit is that of a pixel"


def test_ome_has_the_size_and_the_place(tmp_path: Path) -> None:
    labels = np.full((2, 3, 4, 5), 70_000)
    write_label_map(tmp_path / "a.tif", labels, FULL, "TZ")
    root = ome_of(tmp_path / "a.tif")
    about = root.find("Image/Pixels").attrib
    sizes = [(float(about[f"PhysicalSize{axis}"]), about[f"PhysicalSize{axis}Unit"]) for axis in "ZYX"]
    assert sizes == [(0.5, "µm"), (0.13, "µm"), (0.26, "µm")]
    assert (float(about["TimeIncrement"]), about["TimeIncrementUnit"]) == (30, "s")
    places = [
        (int(p["TheT"]), int(p["TheZ"]), *(float(p[name]) for name in ("DeltaT", "PositionZ", "PositionY", "PositionX")))
        for p in (plane.attrib for plane in root.iter("Plane"))
    ]
    assert places == [(t, z, 12 + 30 * t, 5 + 0.5 * z, 1000, -2000) for t in range(2) for z in range(3)]
    assert {plane.get(f"Position{axis}Unit") for plane in root.iter("Plane") for axis in "XYZ"} == {"µm"}
    assert [channel.get("Name") for channel in root.iter("Channel")] == ["objects"]
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:  # all that ImageJ alone reads of it
        page = tiff.pages.first
        assert page.tags["ResolutionUnit"].value == tifffile.RESUNIT.CENTIMETER
        assert page.get_resolution("MICROMETER") == pytest.approx((1 / 0.26, 1 / 0.13), rel=1e-4)


def test_ome_claims_nothing_that_is_unknown(tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.tif", np.full((2, 4, 5), 70_000), UNKNOWN)
    root = ome_of(tmp_path / "a.tif")
    assert not [name for name in root.find("Image/Pixels").attrib if name.startswith(("Physical", "Time"))]
    assert list(root.iter("Plane")) == []
    no_interval = Calibration(start_s=3.0)
    write_label_map(tmp_path / "b.tif", np.full((2, 4, 5), 70_000), no_interval, "T")
    assert list(ome_of(tmp_path / "b.tif").iter("Plane")) == [], "the second frame did not start when the first did"
    write_label_map(tmp_path / "c.tif", np.full((2, 4, 5), 70_000), no_interval, "Z")
    assert [plane.get("DeltaT") for plane in ome_of(tmp_path / "c.tif").iter("Plane")] == ["3.0", "3.0"]


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1e-6, 1e-3, 1e9, 1e12, 1e30])
@pytest.mark.parametrize("high", [1, 70_000])
def test_a_size_that_no_tag_holds_is_left_out(size: float, high: int, tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.tif", np.full((3, 4), high), Calibration((size, size), size, size, (size, 0.0, 0.0)))
    known = [pytest.approx((size, size))] if high > 65535 or 1e-9 < size < 2e9 else [None]
    assert read_image(tmp_path / "a.tif").spacing_um in known
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        if known == [None]:
            assert not {"unit", "spacing"} & set(tiff.imagej_metadata)


def test_class_names_are_in_the_file(tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.tif", np.array([[0, 1]]), class_names=NAMES)
    lines = imagej_of(tmp_path / "a.tif")["Info"].splitlines()
    assert lines == [f"made by: {SOFTWARE}", *(f"class {value}: {name}" for value, name in NAMES.items())]
    write_label_map(tmp_path / "b.tif", np.array([[0, 70_000]]), class_names={0: "background", 70_000: NAMES[2]})
    root = ome_of(tmp_path / "b.tif")
    names = {entry.get("K"): entry.text for entry in root.find("StructuredAnnotations/MapAnnotation/Value")}
    assert names == {"0": "background", "70000": NAMES[2]}
    assert root.find("Image/AnnotationRef").get("ID") == root.find("StructuredAnnotations/MapAnnotation").get("ID")
    assert [channel.get("Name") for channel in root.iter("Channel")] == ["classes"]


def test_names_that_no_file_holds_become_legible(tmp_path: Path) -> None:
    hostile = "a\x00b\nc \udce9"
    write_label_map(tmp_path / "a.tif", np.array([[0, 1]]), class_names={0: "x", 1: hostile})
    assert "class 1: a?b c ?\n" in imagej_of(tmp_path / "a.tif")["Info"]
    write_label_map(tmp_path / "b.tif", np.array([[0, 70_000]]), class_names={0: "x", 1: hostile})
    assert "a?b c ?" in [entry.text for entry in ome_of(tmp_path / "b.tif").iter("M")]


@pytest.mark.parametrize("planes", [(), (2,), (2, 2)])
def test_imagej_names_the_channels_of_probabilities(
    planes: tuple[int, ...], tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    probabilities = rng.random((*planes, 3, 8, 9), np.float32)
    write_probabilities(tmp_path / "a.tif", probabilities, FULL, channel_names=tuple(NAMES.values()))
    about = imagej_of(tmp_path / "a.tif")
    assert about["Labels"] == list(NAMES.values()) * int(np.prod(planes))
    assert (about["min"], about["max"], about["spacing"]) == (0, 1, 0.5)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages.first.compression == tifffile.COMPRESSION.NONE, "ImageJ drops the names of compressed pages"
    monkeypatch.setattr(write_images, "_UNCOMPRESSED_BYTES", 100)
    write_probabilities(tmp_path / "b.tif", probabilities, FULL, channel_names=tuple(NAMES.values()))
    about = imagej_of(tmp_path / "b.tif")
    assert "Labels" not in about
    assert f"channel 3: {NAMES[2]}\n" in about["Info"]
    for name in "ab":
        np.testing.assert_array_equal(tifffile.imread(tmp_path / f"{name}.tif"), probabilities)


@pytest.mark.parametrize("high", [1, 70_000])
def test_the_same_map_is_the_same_file(high: int, tmp_path: Path) -> None:
    labels = np.array([[0, high], [high, 0]])
    for name in "ab":
        write_label_map(tmp_path / f"{name}.tif", labels, FULL, class_names=NAMES)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    if high > 65535:
        write_label_map(tmp_path / "b.tif", labels.T[::-1], FULL, class_names=NAMES)
        assert ome_of(tmp_path / "a.tif").get("UUID") != ome_of(tmp_path / "b.tif").get("UUID")
