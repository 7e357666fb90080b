"""Compression with loss in a label map is refused; the same codecs without loss are read."""

from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.errors import LabelError
from unseam.io import read_image, read_labels

ROWS, COLUMNS = np.mgrid[:64, :96]
LABELS = ((ROWS - 30) ** 2 + (COLUMNS - 40) ** 2 < 400).astype(np.uint8) + (COLUMNS > 70)
RGB = np.dstack([LABELS] * 3)


def write(path: Path, data: bytes, codec: int, shape: tuple[int, ...] = LABELS.shape) -> Path:
    """Write a TIFF of one strip with this stream."""
    colours = "minisblack" if len(shape) == 2 else "rgb"
    tifffile.imwrite(path, iter([data]), shape=shape, dtype=np.uint8, compression=34712, photometric=colours, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["Compression"].overwrite(codec)
    return path


def jpeg_2000(ratio: float, *, irreversible: bool) -> bytes:
    stream = BytesIO()
    Image.fromarray(LABELS).save(
        stream, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=irreversible, no_jp2=True
    )
    return stream.getvalue()


LOSSY = {
    "JPEG": (7, imagecodecs.jpeg8_encode(LABELS, level=95), LABELS.shape),
    "JPEG of full quality": (7, imagecodecs.jpeg8_encode(LABELS, level=100), LABELS.shape),
    "old JPEG": (6, imagecodecs.jpeg8_encode(LABELS, level=95), LABELS.shape),
    "JPEG of another number": (33007, imagecodecs.jpeg8_encode(LABELS, level=95), LABELS.shape),
    "JPEG of raw cameras": (34892, imagecodecs.jpeg8_encode(LABELS, level=95), LABELS.shape),
    "JPEG 2000, other wavelet": (34712, jpeg_2000(0, irreversible=True), LABELS.shape),
    "JPEG 2000, cut to a size": (34712, jpeg_2000(20, irreversible=False), LABELS.shape),
    "JPEG 2000 of Aperio": (33005, imagecodecs.jpeg2k_encode(RGB, level=40), RGB.shape),
    "WebP": (50001, imagecodecs.webp_encode(RGB, level=90, lossless=False), RGB.shape),
    "WebP, old number": (34927, imagecodecs.webp_encode(RGB, level=90, lossless=False), RGB.shape),
    "JPEG XL": (50002, b"\xff\x0a" + bytes(60), LABELS.shape),
    "JPEG XR": (34934, b"II\xbc\x01" + bytes(60), LABELS.shape),
    "LERC": (34887, b"Lerc2 " + bytes(60), LABELS.shape),
}


@pytest.mark.parametrize("name", LOSSY)
def test_loss_is_refused(name: str, tmp_path: Path) -> None:
    codec, data, shape = LOSSY[name]
    with pytest.raises(LabelError, match=r"a\.tif: its compression, .*cannot hold labels.*would keep the damage"):
        read_labels(write(tmp_path / "a.tif", data, codec, shape))


LOSSLESS = {
    "JPEG": (7, imagecodecs.ljpeg_encode(LABELS), LABELS.shape),
    "JPEG 2000": (34712, imagecodecs.jpeg2k_encode(LABELS, reversible=True), LABELS.shape),
    "JPEG 2000 of Pillow": (34712, jpeg_2000(0, irreversible=False), LABELS.shape),
    "JPEG 2000 in colour": (33005, imagecodecs.jpeg2k_encode(RGB, reversible=True), RGB.shape),
    "WebP": (50001, imagecodecs.webp_encode(RGB, lossless=True), RGB.shape),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_codecs_without_loss_are_read(name: str, tmp_path: Path) -> None:
    codec, data, shape = LOSSLESS[name]
    np.testing.assert_array_equal(read_labels(write(tmp_path / "a.tif", data, codec, shape)).pixels, LABELS)


def test_every_page_is_looked_at_and_images_may_lose(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for compression in ("zlib", "jpeg"):
            tiff.write(LABELS, compression=compression, metadata=None)
    assert read_image(tmp_path / "a.tif").pixels.shape[-2:] == LABELS.shape
    tifffile.imwrite(tmp_path / "b.tif", np.stack([0 * LABELS, 100 * LABELS]), compression="jpeg", tile=(32, 32))
    with pytest.raises(LabelError, match="JPEG"):
        read_labels(tmp_path / "b.tif")


def test_a_palette_comes_back_from_the_decoder_process(tmp_path: Path) -> None:
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 1] = 65_535, 0, 0
    data = imagecodecs.jpeg2k_encode(LABELS, reversible=True)
    tifffile.imwrite(
        tmp_path / "a.tif",
        iter([data]),
        shape=LABELS.shape,
        dtype=np.uint8,
        compression=34712,
        photometric="palette",
        colormap=colours,
        metadata=None,
    )
    file = read_labels(tmp_path / "a.tif")
    np.testing.assert_array_equal(file.pixels, LABELS)
    assert file.palette is not None
    assert file.palette[1].tolist() == [255, 0, 0]
