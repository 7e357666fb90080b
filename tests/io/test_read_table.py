"""The golden table: every kind of pixel that a file can hold, and how it is read."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.errors import ImageReadError
from unseam.io import read_image

RAMP = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
GREY = (RAMP % 251).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
DEEP = np.stack([RAMP * 100, RAMP * 50, RAMP * 7], axis=-1).astype(np.uint16)
STACK = np.stack([GREY, GREY + 1, GREY + 2, GREY + 3, GREY + 4])
RAISED = np.full((20, 30), 255, np.uint8)
CLEAR = np.zeros_like(RAISED)
WORN = RAISED.copy()
WORN[3, 4] = 10


def tif(pixels: np.ndarray, **options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / "a.tif", pixels, **options)
        return folder / "a.tif"

    return write


def picture(image: Image.Image, ending: str = "png", **options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        image.save(folder / f"a.{ending}", **options)
        return folder / f"a.{ending}"

    return write


def raw(data: bytes, name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def npy(pixels: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.save(folder / "a.npy", pixels)
        return folder / "a.npy"

    return write


def palette(colours: list[int]) -> Image.Image:
    image = Image.new("P", (30, 20))
    image.putdata([int(value) for value in (GREY % 3).ravel()])
    image.putpalette(colours)
    return image


RED_GREEN_BLUE = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
THREE_GREYS = np.array([[7, 7, 7], [100, 100, 100], [255, 255, 255]], np.uint8)
COLOUR_MAP = np.zeros((3, 256), np.uint16)
COLOUR_MAP[:, :3] = RED_GREEN_BLUE.T.astype(np.uint16) * 257
INK = np.stack([GREY, GREY // 2, GREY // 3, GREY // 4], axis=-1)
PAPER = np.rint((1 - INK[..., :3] / 255) * (1 - INK[..., 3:] / 255) * 255).astype(np.uint8)

# name: (how to write it, expected pixels, axes, a word of the notes or "")
READ = {
    "TIFF 8-bit": (tif(GREY), GREY, "YX", ""),
    "TIFF 16-bit": (tif(RAMP), RAMP, "YX", ""),
    "TIFF 16-bit big-endian": (tif(RAMP, byteorder=">"), RAMP, "YX", ""),
    "TIFF 32-bit unsigned": (tif(RAMP.astype(np.uint32)), RAMP.astype(np.uint32), "YX", ""),
    "TIFF 16-bit signed": (tif(RAMP.astype(np.int16) - 300), RAMP.astype(np.int16) - 300, "YX", ""),
    "TIFF half float": (tif(RAMP.astype(np.float16)), RAMP.astype(np.float16), "YX", ""),
    "TIFF float": (tif(RAMP / np.float32(7)), RAMP / np.float32(7), "YX", ""),
    "TIFF double": (tif(RAMP / 7.0), RAMP / 7.0, "YX", ""),
    "TIFF 1-bit": (tif(GREY > 100), (GREY > 100).astype(np.uint8), "YX", ""),
    "TIFF 1-bit of Pillow": (picture(Image.fromarray(GREY > 100), "tif"), (GREY > 100).astype(np.uint8), "YX", ""),
    "TIFF LZW": (tif(RAMP, compression="lzw"), RAMP, "YX", ""),
    "TIFF Deflate with predictor": (tif(RAMP, compression="zlib", predictor=True), RAMP, "YX", ""),
    "TIFF Zstandard": (tif(RAMP, compression="zstd"), RAMP, "YX", ""),
    "TIFF PackBits": (tif(GREY, compression="packbits"), GREY, "YX", ""),
    "TIFF tiles": (tif(RAMP, tile=(16, 16), compression="zlib"), RAMP, "YX", ""),
    "TIFF strips of 3 rows": (tif(RAMP, rowsperstrip=3), RAMP, "YX", ""),
    "BigTIFF": (tif(RAMP, bigtiff=True), RAMP, "YX", ""),
    "TIFF white is zero": (tif(GREY, photometric="miniswhite", metadata=None), 255 - GREY, "YX", "inverted"),
    "TIFF 16-bit white is zero": (tif(RAMP, photometric="miniswhite"), 65535 - RAMP, "YX", "inverted"),
    "TIFF palette": (
        tif(GREY % 3, photometric="palette", colormap=COLOUR_MAP),
        RED_GREEN_BLUE[GREY % 3],
        "YXC",
        "palette",
    ),
    "TIFF CMYK": (picture(Image.fromarray(INK, "CMYK"), "tif"), PAPER, "YXC", "CMYK"),
    "TIFF RGB": (tif(COLOUR, photometric="rgb"), COLOUR, "YXC", ""),
    "TIFF RGB 16-bit": (tif(DEEP, photometric="rgb"), DEEP, "YXC", ""),
    "TIFF RGB, colours apart": (
        tif(np.moveaxis(COLOUR, -1, 0).copy(), photometric="rgb", planarconfig="separate"),
        np.moveaxis(COLOUR, -1, 0),
        "CYX",
        "the first axis, of 3",
    ),
    "TIFF RGBA": (
        tif(np.dstack([COLOUR, RAISED]), photometric="rgb", extrasamples=["unassalpha"]),
        COLOUR,
        "YXC",
        "",
    ),
    "TIFF RGBA, worn": (
        tif(np.dstack([COLOUR, WORN]), photometric="rgb", extrasamples=["unassalpha"]),
        np.dstack([COLOUR, WORN]),
        "YXC",
        "varies: read as a channel",
    ),
    "TIFF nameless stack": (tif(STACK), STACK, "ZYX", "stack of 5 planes"),
    "TIFF pages": (
        picture(
            Image.fromarray(STACK[0]),
            "tif",
            save_all=True,
            append_images=[Image.fromarray(p) for p in STACK[1:]],
        ),
        STACK,
        "ZYX",
        "",
    ),
    "TIFF nameless, 3 first": (
        tif(STACK[:3].astype(np.float64), photometric="minisblack"),
        STACK[:3].astype(np.float64),
        "CYX",
        "channels",
    ),
    "ImageJ stack": (tif(STACK, imagej=True, metadata={"axes": "ZYX"}), STACK, "ZYX", ""),
    "ImageJ channels": (tif(STACK, imagej=True, metadata={"axes": "CYX"}), STACK, "CYX", ""),
    "ImageJ time": (tif(STACK, imagej=True, metadata={"axes": "TYX"}), STACK, "TYX", ""),
    "OME channels": (tif(STACK, ome=True, metadata={"axes": "CYX"}), STACK, "CYX", ""),
    "OME time, channels": (
        tif(STACK[:4].reshape(2, 2, 20, 30), ome=True, metadata={"axes": "TCYX"}),
        STACK[:4].reshape(2, 2, 20, 30),
        "TCYX",
        "",
    ),
    "PNG 8-bit": (picture(Image.fromarray(GREY)), GREY, "YX", ""),
    "PNG 16-bit": (picture(Image.fromarray(RAMP)), RAMP, "YX", ""),
    "PNG 1-bit": (picture(Image.fromarray(GREY > 100)), (GREY > 100).astype(np.uint8), "YX", ""),
    "PNG RGB": (picture(Image.fromarray(COLOUR)), COLOUR, "YXC", ""),
    "PNG RGBA": (picture(Image.fromarray(np.dstack([COLOUR, RAISED]))), COLOUR, "YXC", ""),
    "PNG RGBA, worn": (
        picture(Image.fromarray(np.dstack([COLOUR, WORN]))),
        np.dstack([COLOUR, WORN]),
        "YXC",
        "varies: read as a channel",
    ),
    "PNG RGBA, clear": (picture(Image.fromarray(np.dstack([COLOUR, CLEAR]))), COLOUR, "YXC", "is 0 everywhere: dropped"),
    "PNG grey and alpha, worn": (
        picture(Image.fromarray(np.dstack([GREY, WORN]))),
        np.dstack([GREY, WORN]),
        "YXC",
        "channel 2 of 2",
    ),
    "PNG grey and alpha": (picture(Image.fromarray(np.dstack([GREY, RAISED]))), GREY, "YX", ""),
    "PNG RGB 16-bit": (raw(imagecodecs.png_encode(DEEP), "a.png"), DEEP, "YXC", ""),
    "PNG RGBA 16-bit": (
        raw(imagecodecs.png_encode(np.dstack([DEEP, np.full((20, 30), 65535, np.uint16)])), "a.png"),
        DEEP,
        "YXC",
        "",
    ),
    "PNG grey and alpha 16-bit": (
        raw(imagecodecs.png_encode(DEEP[..., :2].copy()), "a.png"),
        DEEP[..., :2],
        "YXC",
        "varies: read as a channel",
    ),
    "PNG palette": (picture(palette(RED_GREEN_BLUE.ravel().tolist())), RED_GREEN_BLUE[GREY % 3], "YXC", "palette"),
    "PNG grey palette": (picture(palette(THREE_GREYS.ravel().tolist())), THREE_GREYS[GREY % 3, 0], "YX", "palette"),
    "BMP": (picture(Image.fromarray(GREY), "bmp"), GREY, "YX", ""),
    "BMP RGB": (picture(Image.fromarray(COLOUR), "bmp"), COLOUR, "YXC", ""),
    "GIF": (picture(palette(RED_GREEN_BLUE.ravel().tolist()), "gif"), RED_GREEN_BLUE[GREY % 3], "YXC", "palette"),
    "npy": (npy(RAMP), RAMP, "YX", ""),
    "npy big-endian": (npy(RAMP.astype(">u2")), RAMP, "YX", ""),
    "npy Fortran order": (npy(np.asfortranarray(RAMP)), RAMP, "YX", ""),
    "npy bool": (npy(GREY > 100), (GREY > 100).astype(np.uint8), "YX", ""),
    "npy RGB": (npy(COLOUR), COLOUR, "YXC", ""),
    "npy RGBA": (npy(np.dstack([COLOUR, RAISED])), COLOUR, "YXC", "dropped"),
    "npy one channel": (npy(RAMP[..., np.newaxis]), RAMP, "YX", ""),
    "npy channels first": (npy(np.moveaxis(DEEP, -1, 0)), np.moveaxis(DEEP, -1, 0), "CYX", "channels"),
    "npy stack": (npy(STACK), STACK, "ZYX", "stack of 5"),
    "npy stack of colours": (npy(np.stack([COLOUR] * 5)), np.stack([COLOUR] * 5), "ZYXC", "3 channels"),
    "npy planes of channels": (
        npy(np.moveaxis(np.stack([COLOUR] * 5), -1, 1)),
        np.moveaxis(np.stack([COLOUR] * 5), -1, 1),
        "ZCYX",
        "3 channels",
    ),
    "npy one pixel": (npy(np.ones((1, 1))), np.ones((1, 1)), "YX", ""),
}

NOT_FINITE = RAMP / np.float32(3)
NOT_FINITE[5, 6] = np.nan
INFINITE = STACK.astype(np.float64)
INFINITE[2, 3, 4] = -np.inf

# name: (how to write it, facts in the message)
REFUSED = {
    "NaN": (tif(NOT_FINITE), "row 5, column 6 .*nan"),
    "infinite in a stack": (npy(INFINITE), r"row 3, column 4 \(plane 2\) .*-inf"),
    "complex": (npy(GREY.astype(np.complex64)), "complex64.*magnitude"),
    "complex TIFF": (tif(GREY.astype(np.complex64)), "complex64"),
    "text": (npy(np.array([["a", "b"]])), "integers or real"),
    "no rows": (npy(np.zeros((0, 5))), "no pixels"),
    "one axis": (npy(np.zeros(5)), r"shape \(5,\)"),
    "five axes": (npy(np.zeros((2, 2, 2, 8, 8))), "2 axes"),
    "scalar": (npy(np.float64(3)), r"shape \(\)"),
    "empty file": (raw(b"", "a.tif"), "empty"),
    "text named .tif": (raw(b"hello, I am text", "a.tif"), "readable TIFF"),
    "text named .png": (raw(b"hello, I am text", "a.png"), "PNG, JPEG"),
    "text named .npy": (raw(b"hello, I am text", "a.npy"), "readable NumPy"),
    "text named .npz": (raw(b"hello, I am text", "a.npz"), "readable NumPy"),
    "TIFF named .png": (raw(b"II*\0" + b"\0" * 60, "a.png"), "rename it to .tif"),
    "microscope file": (raw(b"ZISRAWFILE", "a.czi"), "OME-TIFF"),
    "unknown ending": (raw(b"1,2,3", "a.csv"), r"\.csv.*\.tif"),
    "no ending": (raw(b"1,2,3", "a"), r"ending.*\.tif"),
    "fax in TIFF": (picture(Image.fromarray(GREY > 100), "tif", compression="group4"), r"CCITT.*Image\.open"),
    "LZMA in TIFF": (tif(GREY, compression="lzma"), r"LZMA.*tifffile\.imread"),
    "JPEG XR in TIFF": (tif(np.zeros((64, 64), np.uint8), compression="jpegxr"), "JPEGXR"),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str, tmp_path: Path) -> None:
    write, pixels, axes, note = READ[name]
    file = read_image(write(tmp_path))
    assert file.axes == axes
    assert file.pixels.dtype == pixels.dtype.newbyteorder("=")
    assert file.pixels.dtype.isnative
    np.testing.assert_array_equal(file.pixels, pixels)
    notes = " ".join(file.notes)
    assert note in notes
    assert bool(note) == bool(notes), notes


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    write, words = REFUSED[name]
    path = write(tmp_path)
    with pytest.raises(ImageReadError, match=words) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_jpeg_is_read_and_turned_upright(tmp_path: Path) -> None:
    image = Image.fromarray(np.repeat(GREY[:, :, np.newaxis], 3, axis=2))
    exif = image.getexif()
    exif[0x0112] = 6  # the camera lay on its side: a quarter turn clockwise corrects it
    image.save(tmp_path / "a.jpg", quality=100, exif=exif)
    file = read_image(tmp_path / "a.jpg")
    assert file.pixels.shape == (30, 20, 3)
    assert np.abs(file.pixels[..., 0].astype(int) - np.rot90(GREY, -1)).mean() < 3
    assert "orientation" in file.notes[0]


def test_jpeg_with_printing_inks(tmp_path: Path) -> None:
    Image.new("CMYK", (30, 20), (0, 0, 0, 255)).save(tmp_path / "a.jpg")
    file = read_image(tmp_path / "a.jpg")
    assert file.pixels.shape == (20, 30, 3)
    assert file.pixels.max() < 5
    assert "CMYK" in file.notes[0]


def test_jpeg_in_tiff_is_rgb(tmp_path: Path) -> None:
    flat = np.broadcast_to(np.array([200, 100, 50], np.uint8), (64, 64, 3))
    tifffile.imwrite(tmp_path / "a.tif", flat, tile=(32, 32), compression="jpeg", photometric="rgb")
    assert np.abs(read_image(tmp_path / "a.tif").pixels.astype(int) - flat).max() <= 3


def test_first_frame_of_a_moving_gif(tmp_path: Path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    file = read_image(tmp_path / "a.gif")
    np.testing.assert_array_equal(file.pixels, GREY)
    assert any("first of 2 frames" in note for note in file.notes)


def test_several_images_in_one_tiff(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(GREY, metadata=None)
        writer.write(RAMP[:7, :9], metadata=None)
    file = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(file.pixels, GREY)
    assert "first of 2 images" in file.notes[0]


def test_lookup_table_of_imagej_is_left_aside(tmp_path: Path) -> None:
    green = np.zeros((3, 256), np.uint8)
    green[1] = np.arange(256)
    tifffile.imwrite(tmp_path / "a.tif", GREY, imagej=True, colormap=green, metadata={"LUTs": [green]})
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, GREY)


def test_npz_with_one_array_and_with_two(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "one.npz", RAMP)
    np.testing.assert_array_equal(read_image(tmp_path / "one.npz").pixels, RAMP)
    np.savez(tmp_path / "two.npz", image=RAMP, mask=RAMP > 5)
    with pytest.raises(ImageReadError, match=r"2 arrays \(image, mask\)"):
        read_image(tmp_path / "two.npz")


def test_no_pickle_is_ever_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "x_seg.npy", np.array({"masks": GREY}, dtype=object))
    with pytest.raises(ImageReadError, match=r"Cellpose.*_cp_masks\.tif"):
        read_image(tmp_path / "x_seg.npy")
    np.save(tmp_path / "x.npy", np.array([{"masks": GREY}], dtype=object))
    with pytest.raises(ImageReadError, match="pickle"):
        read_image(tmp_path / "x.npy")


def test_no_file_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="file"):
        read_image(tmp_path / "a.tif")
    with pytest.raises(ImageReadError, match="folder"):
        read_image(tmp_path)
    with pytest.raises(ImageReadError, match="null"):
        read_image("a\0b.tif")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(ImageReadError, match="ordinary file"):
        read_image(tmp_path / "a.tif")


def test_pillow_would_have_cut_this_to_8_bits() -> None:
    cut = np.asarray(Image.open(BytesIO(imagecodecs.png_encode(DEEP))))
    assert cut.dtype == np.uint8  # if this changes, the deep PNG path may go


MISSING_PLANES = np.stack([GREY] * 3)
HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"


def changed(write: Callable[[Path], Path], old: bytes, new: bytes) -> Callable[[Path], Path]:
    """Write the same file with a piece of its bytes replaced everywhere."""

    def write_changed(folder: Path) -> Path:
        path = write(folder)
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new))
        return path

    return write_changed


def cut(write: Callable[[Path], Path], share: float) -> Callable[[Path], Path]:
    """Write only the first part of the same file."""

    def write_cut(folder: Path) -> Path:
        path = write(folder)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        return path

    return write_cut


def retagged(write: Callable[[Path], Path], name: str, value: object) -> Callable[[Path], Path]:
    """Write the same TIFF with another value of one tag of its first page."""

    def write_retagged(folder: Path) -> Path:
        path = write(folder)
        with tifffile.TiffFile(path, mode="r+") as file:
            file.pages.first.tags[name].overwrite(value)
        return path

    return write_retagged


def redescribed(write: Callable[[Path], Path], old: str, new: str) -> Callable[[Path], Path]:
    """Write the same TIFF with one piece of its description replaced."""

    def write_redescribed(folder: Path) -> Path:
        path = write(folder)
        with tifffile.TiffFile(path, mode="r+") as file:
            text = file.pages.first.description
            assert old in text
            file.pages.first.tags["ImageDescription"].overwrite(text.replace(old, new, 1))
        return path

    return write_redescribed


def zipped(num: int) -> bytes:
    stream = BytesIO()
    np.savez(stream, **{f"a{index}": GREY for index in range(num)})
    return stream.getvalue()


def ending_twice() -> bytes:
    stream = BytesIO()
    np.save(stream, GREY)
    np.save(stream, GREY)
    return stream.getvalue()


def header_only(shape: tuple[int, ...]) -> bytes:
    stream = BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()


OME = tif(MISSING_PLANES, ome=True, metadata={"axes": "ZYX"})
IMAGEJ = tif(STACK, imagej=True, metadata={"axes": "ZYX"})
RECORDS = np.zeros((5, 6), np.dtype([("r", "u1"), ("g", "u1")]))

# name: (how to write it, facts in the message)
MORE_REFUSED = {
    "TIFF cut in the middle": (cut(tif(RAMP), 0.5), "cut short|damaged"),
    "TIFF with LZW, cut": (cut(tif(RAMP, compression="lzw"), 0.9), "cut short|damaged"),
    "BigTIFF, cut": (cut(tif(RAMP, bigtiff=True), 0.5), "cut short|damaged"),
    "TIFF pages, cut in the chain": (cut(tif(STACK, photometric="minisblack", metadata=None), 0.6), "cut short|damaged"),
    "ImageJ stack, cut after two planes": (cut(IMAGEJ, 0.5), "cut short|damaged"),
    "tifffile's stack, cut after two planes": (cut(tif(STACK), 0.5), "cut short|damaged"),
    "OME that promises 9 planes of 3": (changed(OME, b'SizeZ="3"', b'SizeZ="9"'), r"9 planes.* 3;"),
    "OME with 9,999,999 planes": (redescribed(OME, 'PlaneCount="3"', 'PlaneCount="9999999"'), "9,999,999|damaged"),
    "OME whose description is cut": (redescribed(OME, "</OME>", ""), "OME.*export it again"),
    "OME whose XML defines entities": (changed(OME, b"<OME xmlns=", b"<!ENTITY a="), "entities"),
    "TIFF that says it is narrower": (retagged(tif(RAMP, metadata=None), "ImageWidth", 20), "1,200 bytes.* 800 bytes"),
    "TIFF that says it has fewer rows": (
        retagged(tif(RAMP, metadata=None, rowsperstrip=20), "ImageLength", 10),
        "1,200 bytes.* 600 bytes",
    ),
    "TIFF with LZW that says it is narrower": (
        retagged(tif(RAMP, metadata=None, compression="lzw"), "ImageWidth", 20),
        "800 bytes",
    ),
    "TIFF that says it is wider": (retagged(tif(RAMP, metadata=None), "ImageWidth", 40), "cut short|1,600"),
    "TIFF that says it is deeper": (retagged(tif(GREY, metadata=None), "BitsPerSample", 16), "1,200|cut short"),
    "TIFF whose strip has no bytes": (retagged(tif(RAMP, metadata=None), "StripByteCounts", 0), "damaged"),
    "TIFF whose width stands there twice": (changed(tif(RAMP), b"\x01\x01\x04\x00", b"\x00\x01\x04\x00"), "twice"),
    "TIFF of a million columns": (retagged(tif(RAMP, metadata=None), "ImageWidth", 10**6), "cut short|damaged"),
    "TIFF with an unknown compression": (retagged(tif(RAMP), "Compression", 4711), "4711"),
    "TIFF that has LERC": (tif(RAMP.astype(np.float32), compression="lerc"), "LERC"),
    "TIFF with JPEG XL": (tif(np.zeros((64, 64), np.uint8), compression="jpegxl"), "JPEGXL"),
    "TIFF with L*a*b* colours": (retagged(tif(COLOUR, photometric="rgb"), "PhotometricInterpretation", 8), "CIELAB"),
    "TIFF palette with too few colours": (
        retagged(tif(GREY, photometric="palette", colormap=COLOUR_MAP), "BitsPerSample", 4),
        "damaged|palette",
    ),
    "TIFF without pages": (raw(b"II*\0" + bytes(4), "a.tif"), "no image|damaged|TIFF"),
    "HTML named .tif": (raw(HTML, "a.tif"), "readable TIFF"),
    "HTML named .png": (raw(HTML, "a.png"), "PNG, JPEG"),
    "HTML named .npy": (raw(HTML, "a.npy"), "readable NumPy"),
    "ZIP named .tif": (raw(zipped(1), "a.tif"), "readable TIFF"),
    "ZIP named .npy": (raw(zipped(1), "a.npy"), "readable NumPy"),
    "JPEG named .tif": (raw(b"\xff\xd8\xff\xe0" + bytes(30), "a.tif"), "readable TIFF"),
    "JPEG, cut": (cut(picture(Image.fromarray(COLOUR), "jpg"), 0.6), "cut short|damaged"),
    "PNG, cut": (cut(picture(Image.fromarray(COLOUR)), 0.6), "cut short"),
    "GIF, cut": (cut(picture(Image.fromarray(GREY), "gif"), 0.3), "cut short|damaged"),
    "BMP, cut": (cut(picture(Image.fromarray(COLOUR), "bmp"), 0.6), "cut short|damaged"),
    "npz with no array": (raw(zipped(0), "a.npz"), "0 arrays"),
    "npz with two arrays": (raw(zipped(2), "a.npz"), "2 arrays"),
    "npz, cut": (raw(zipped(1)[:-30], "a.npz"), "readable NumPy"),
    "npy of records": (npy(RECORDS), "integers or real"),
    "npy with two arrays one behind the other": (raw(ending_twice(), "a.npy"), "second array"),
    "npy that promises 10**18 pixels": (raw(header_only((10**9, 10**9)), "a.npy"), "GiB"),
    "npy of less than no rows": (raw(header_only((-1, 5)), "a.npy"), "readable|no pixels|shape"),
    "npy, cut": (cut(npy(RAMP), 0.7), "cut short"),
    "npy of dates": (npy(np.zeros((5, 6), "datetime64[s]")), "integers or real"),
}


@pytest.mark.parametrize("name", MORE_REFUSED)
def test_what_is_damaged_or_lies_is_refused(name: str, tmp_path: Path) -> None:
    write, words = MORE_REFUSED[name]
    path = write(tmp_path)
    with pytest.raises(ImageReadError, match=words) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_the_golden_tables_are_long_enough() -> None:
    assert len(READ) + len(REFUSED) + len(MORE_REFUSED) >= 60


def test_the_first_level_of_a_pyramid(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as writer:
        writer.write(RAMP, subifds=1, tile=(16, 16))
        writer.write(RAMP[::2, ::2], subfiletype=1, tile=(16, 16))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, RAMP)


def test_one_file_of_an_ome_series_is_read_with_a_note(tmp_path: Path) -> None:
    """Its description mentions planes in other files, which are never opened."""
    old = 'SizeZ="3"', "<TiffData"
    new = 'SizeZ="6"', '<TiffData FirstZ="3" IFD="0"><UUID FileName="b.ome.tif">urn:uuid:1</UUID></TiffData><TiffData'
    path = redescribed(redescribed(OME, old[0], new[0]), old[1], new[1])(tmp_path)
    file = read_image(path)
    np.testing.assert_array_equal(file.pixels.reshape(3, 20, 30), MISSING_PLANES)
    assert any("series of 6 planes" in note for note in file.notes)


def test_a_link_is_followed_and_a_device_is_not(tmp_path: Path) -> None:
    import os

    np.save(tmp_path / "a.npy", RAMP)
    try:
        (tmp_path / "link.npy").symlink_to(tmp_path / "a.npy")
        (tmp_path / "lost.npy").symlink_to(tmp_path / "nowhere.npy")
    except OSError:
        pytest.skip("no links here")
    np.testing.assert_array_equal(read_image(tmp_path / "link.npy").pixels, RAMP)
    with pytest.raises(ImageReadError, match="file"):
        read_image(tmp_path / "lost.npy")
    if os.path.exists("/dev/zero"):
        (tmp_path / "zero.tif").symlink_to("/dev/zero")
        with pytest.raises(ImageReadError, match="ordinary file"):
            read_image(tmp_path / "zero.tif")
