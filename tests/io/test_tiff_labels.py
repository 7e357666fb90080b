"""ImageJ's calibration and display colours of label maps, and palettes of stacks."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from unseam.errors import LabelError
from unseam.io import read_image, read_labels

IDS = (np.arange(20 * 30).reshape(20, 30) // 200).astype(np.uint8)  # 0, 1, 2
DEEP = IDS.astype(np.uint16)


def imagej(path: Path, pixels: np.ndarray, colours: np.ndarray | None = None, **calibration: float) -> Path:
    tifffile.imwrite(path, pixels, imagej=True, colormap=colours, metadata=calibration)
    return path


CALIBRATED = {
    "signed 16 bit": (DEEP + 32768, {"cf": 0, "c0": -32768.0, "c1": 1.0}, IDS),
    "no kind of function": (DEEP + 32768, {"c0": -32768.0, "c1": 1.0}, IDS),
    "not annotated": (DEEP + 32767, {"cf": 0, "c0": -32768.0, "c1": 1.0}, IDS.astype(int) - 1),
    "upside down": (255 - IDS, {"cf": 0, "c0": 255.0, "c1": -1.0}, IDS),
    "second degree": (DEEP, {"cf": 1, "c0": 0.0, "c1": 1.0, "c2": 2.0}, np.array([0, 3, 10])[IDS]),
    "stack": (np.stack([DEEP, DEEP]) + 32768, {"cf": 0, "c0": -32768.0, "c1": 1.0}, np.stack([IDS, IDS])),
    "doubled": (DEEP, {"cf": 0, "c0": 0.0, "c1": 2.0}, 2 * IDS),
    "white is 1": (IDS // 2 * 255, {"cf": 0, "c0": 0.0, "c1": 0.003921569}, IDS // 2),
    "one factor": (DEEP, {"cf": 0, "c0": 5.0}, IDS),
    "none": (DEEP, {"cf": 20, "c0": -32768.0, "c1": 1.0}, IDS),
    "straight": (DEEP, {"cf": 0, "c0": 0.0, "c1": 1.0}, IDS),
}


@pytest.mark.parametrize("name", CALIBRATED)
def test_numbers_are_what_imagej_shows(name: str, tmp_path: Path) -> None:
    stored, calibration, shown = CALIBRATED[name]
    file = read_labels(imagej(tmp_path / "a.tif", stored, **calibration))
    np.testing.assert_array_equal(file.pixels, shown)
    assert ("calibration" in " ".join(file.notes)) == bool((stored != shown).any())


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        ({"cf": 0, "c0": 0.5, "c1": 0.25}, "stored number 0 as 0.5.*Calibrate"),
        ({"cf": 0, "c0": -32768.0, "c1": 1.0}, "stored number 0 as -32768.*Calibrate"),
        ({"cf": 21, "c0": 1.0, "c1": 1.0}, r"calibration curve \(function 21\).*Calibrate"),
        ({"cf": 21}, r"calibration curve \(function 21\).*Calibrate"),
    ],
)
def test_a_calibration_to_other_than_whole_numbers_is_refused(
    calibration: dict[str, float], words: str, tmp_path: Path
) -> None:
    with pytest.raises(LabelError, match=words):
        read_labels(imagej(tmp_path / "a.tif", DEEP, **calibration))


def table(*colours: tuple[int, int, int], rest: int = 0) -> np.ndarray:
    """Return a palette with these colours first, and 256 in all."""
    palette = np.full((3, 256), rest, np.uint16)
    palette[:, : len(colours)] = np.array(colours).T
    return palette * 257


GLASBEY = (np.random.default_rng(0).integers(1, 256, (3, 256)) * 257).astype(np.uint16)
RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)


@pytest.mark.parametrize(
    "colours", [GLASBEY, 257 * np.tile(np.arange(256, dtype=np.uint16)[::-1], (3, 1)), table(BLACK, rest=9)]
)
def test_display_colours_of_imagej_are_display(colours: np.ndarray, tmp_path: Path) -> None:
    path = imagej(tmp_path / "a.tif", IDS, colours)
    file = read_labels(path)
    np.testing.assert_array_equal(file.pixels, IDS)
    assert file.palette is None
    np.testing.assert_array_equal(read_image(path).pixels, IDS)


def test_an_inverting_lookup_table_of_imagej_is_display(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IDS, imagej=True, photometric="miniswhite")
    file = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(file.pixels, IDS)
    assert "display" in " ".join(file.notes)


@pytest.mark.parametrize("options", [{"ome": True}, {"metadata": None}, {}])
def test_true_is_1_in_whatever_way_tifffile_wrote_it(options: dict[str, object], tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IDS > 1, **options)
    for read in (read_labels, read_image):
        np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, IDS > 1)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_numbers_stored_with_white_as_zero_stay_with_a_note(bits: int, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IDS, photometric="miniswhite", bitspersample=bits)
    file = read_labels(tmp_path / "a.tif")
    np.testing.assert_array_equal(file.pixels, IDS)
    assert file.palette is None
    assert "white as zero" in " ".join(file.notes)


def test_display_colours_of_ome_are_display(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", IDS, photometric="palette", colormap=GLASBEY, ome=True)
    assert read_labels(tmp_path / "a.ome.tif").palette is None
    np.testing.assert_array_equal(read_image(tmp_path / "a.ome.tif").pixels, IDS)


def test_a_picture_that_imagej_numbered_keeps_its_colours(tmp_path: Path) -> None:
    file = read_labels(imagej(tmp_path / "a.tif", IDS, table(BLACK, RED, GREEN)))
    assert file.palette is not None
    assert file.palette[:3].tolist() == [list(BLACK), list(RED), list(GREEN)]


def test_colours_of_8_bits_in_a_palette_of_16_bits(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IDS, photometric="palette", colormap=table(BLACK, RED, GREEN) // 257, metadata=None)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, np.array([BLACK, RED, GREEN])[IDS])


def test_pages_with_palettes_of_their_own_are_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for colours in (table(BLACK, RED, GREEN), table(BLACK, GREEN, RED)):
            tiff.write(IDS, photometric="palette", colormap=colours, metadata=None)
    with pytest.raises(LabelError, match="page 1 has another palette than page 0"):
        read_labels(tmp_path / "a.tif")
