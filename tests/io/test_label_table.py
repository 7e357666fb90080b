"""The golden table of label files: which are read, and which are refused with the place of the first bad pixel."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.errors import ImageReadError, LabelError
from unseam.io import read_labels

IDS = (np.arange(20 * 30).reshape(20, 30) // 100).astype(np.uint8)
BINARY = ((IDS > 2) * 255).astype(np.uint8)
STACK = np.stack([IDS, IDS[::-1], IDS[:, ::-1]])
OPAQUE = np.full((20, 30), 255, np.uint8)


def tif(pixels: np.ndarray, **options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / "a.tif", pixels, **options)
        return folder / "a.tif"

    return write


def npy(pixels: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.save(folder / "a.npy", pixels)
        return folder / "a.npy"

    return write


def picture(image: Image.Image, ending: str = "png") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        image.save(folder / f"a.{ending}")
        return folder / f"a.{ending}"

    return write


def palette() -> Image.Image:
    image = Image.new("P", (30, 20))
    image.putdata([int(value) for value in IDS.ravel()])
    image.putpalette([value for index in range(256) for value in (index, 255 - index, index * 7 % 256)])
    return image


GREEN = np.zeros((3, 256), np.uint16)
GREEN[1] = np.arange(256) * 257
WIDE = np.where(IDS > 0, IDS.astype(np.int64) + 2**33, 0)
PARTLY = IDS.astype(np.int16)
PARTLY[:5] = -1

# name: (how to write it, expected labels, axes, a word of the notes or "")
READ = {
    "TIFF 8-bit": (tif(IDS), IDS, "YX", ""),
    "TIFF 16-bit": (tif(IDS.astype(np.uint16) * 300), IDS.astype(np.uint16) * 300, "YX", ""),
    "TIFF 1-bit of tifffile": (tif(IDS > 2), (IDS > 2).astype(np.uint8), "YX", ""),
    "TIFF float": (tif(IDS.astype(np.float32)), IDS.astype(np.int32), "YX", "whole numbers"),
    "TIFF partly annotated": (tif(PARTLY), PARTLY, "YX", ""),
    "float, partly annotated": (npy(PARTLY.astype(np.float64)), PARTLY.astype(np.int32), "YX", "whole numbers"),
    "huge ids": (npy(WIDE), WIDE, "YX", ""),
    "huge ids as float": (npy(WIDE.astype(np.float64)), WIDE, "YX", "whole numbers"),
    "TIFF palette": (tif(IDS, photometric="palette", colormap=GREEN), IDS, "YX", ""),
    "black and white, white is zero": (
        tif(BINARY, photometric="miniswhite", metadata=None),
        255 - BINARY,
        "YX",
        "inverted",
    ),
    "ids, white is zero": (tif(IDS, photometric="miniswhite"), IDS, "YX", "white as zero"),
    "inverting table of ImageJ": (tif(BINARY, imagej=True, photometric="miniswhite"), BINARY, "YX", ""),
    "stack of 3 that looks like colours": (
        tif(STACK, photometric="rgb", planarconfig="separate"),
        STACK,
        "ZYX",
        "planes",
    ),
    "stack that ImageJ calls channels": (
        tif(STACK, imagej=True, metadata={"axes": "CYX"}),
        STACK,
        "ZYX",
        "planes",
    ),
    "npy stack of 3": (npy(STACK), STACK, "ZYX", "planes"),
    "npy bool": (npy(IDS > 2), (IDS > 2).astype(np.uint8), "YX", ""),
    "PNG": (picture(Image.fromarray(IDS)), IDS, "YX", ""),
    "PNG 16-bit": (picture(Image.fromarray(IDS.astype(np.uint16) * 300)), IDS.astype(np.uint16) * 300, "YX", ""),
    "PNG 1-bit": (picture(Image.fromarray(IDS > 2)), (IDS > 2).astype(np.uint8), "YX", ""),
    "PNG palette": (picture(palette()), IDS, "YX", "indices"),
    "GIF palette": (picture(palette(), "gif"), IDS, "YX", "indices"),
    "BMP palette": (picture(palette(), "bmp"), IDS, "YX", "indices"),
    "PNG grey RGB": (picture(Image.fromarray(np.dstack([IDS] * 3))), IDS, "YX", "all grey"),
    "PNG grey RGBA": (picture(Image.fromarray(np.dstack([IDS, IDS, IDS, OPAQUE]))), IDS, "YX", "all grey"),
    "TIFF grey RGB": (tif(np.dstack([IDS] * 3), photometric="rgb"), IDS, "YX", "all grey"),
    "PNG grey and alpha": (picture(Image.fromarray(np.dstack([IDS, OPAQUE]))), IDS, "YX", ""),
}

COLOURED = np.dstack([IDS, IDS, IDS])
COLOURED[4, 7] = (255, 0, 0)
HALVES = IDS.astype(np.float32)
HALVES[6, 8] = 0.5
HOLES = IDS.astype(np.float32)
HOLES[9, 1] = np.nan
MINUS = IDS.astype(np.int16)
MINUS[2, 3] = -5
DEEP = np.dstack([IDS.astype(np.uint16) * 300] * 3)
DEEP[1, 2, 0] += 1


def deep(folder: Path) -> Path:
    (folder / "a.png").write_bytes(imagecodecs.png_encode(DEEP))
    return folder / "a.png"


def cmyk(folder: Path) -> Path:
    Image.fromarray(np.dstack([IDS, IDS, IDS, OPAQUE]), "CMYK").save(folder / "a.tif")
    return folder / "a.tif"


# name: (how to write it, facts in the message)
REFUSED = {
    "colours": (picture(Image.fromarray(COLOURED)), r"row 4, column 7.*\(255, 0, 0\)"),
    "colours in TIFF": (tif(COLOURED, photometric="rgb"), "row 4, column 7"),
    "16-bit colours": (deep, "row 1, column 2"),
    "fractions": (tif(HALVES), r"row 6, column 8 .*0\.5.*probability map"),
    "NaN": (npy(HOLES), "row 9, column 1 is nan"),
    "negative": (tif(MINUS), "row 2, column 3 is -5"),
    "negative in a stack": (npy(np.stack([IDS.astype(np.int16)] * 4 + [MINUS])), r"column 3 \(plane 4\) is -5"),
    "JPEG": (picture(Image.fromarray(IDS), "jpg"), "JPEG"),
    "planes and channels": (
        tif(np.stack([STACK] * 2), imagej=True, metadata={"axes": "ZCYX"}),
        "axes ZCYX",
    ),
    "CMYK": (cmyk, "row 0, column 0"),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str, tmp_path: Path) -> None:
    write, labels, axes, note = READ[name]
    file = read_labels(write(tmp_path))
    assert file.axes == axes
    assert file.pixels.dtype == labels.dtype
    np.testing.assert_array_equal(file.pixels, labels)
    notes = " ".join(file.notes)
    assert note in notes
    assert bool(note) == bool(notes), notes


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    write, words = REFUSED[name]
    path = write(tmp_path)
    with pytest.raises(LabelError, match=words) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)


def test_a_damaged_label_file_is_no_label_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(ImageReadError):
        read_labels(tmp_path / "a.png")
