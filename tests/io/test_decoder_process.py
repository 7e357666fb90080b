"""Files decoded in a separate process: the same pixels, one process for many files; if it dies, only that file is refused."""

import sys
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.errors import ImageReadError, LabelError
from unseam.io import decoder_process, read_image, read_labels
from unseam.io.coded_size import count_coded_values
from unseam.io.decoder_process import DecoderDidNotStart, DecoderProcess, shared_decoder
from unseam.io.pictures import PictureReader
from unseam.io.tiff import TiffReader

SMOOTH = (np.add.outer(np.arange(64), np.arange(80)) * 1.5).astype(np.uint8)
COLOURS = np.dstack([SMOOTH, SMOOTH[::-1], SMOOTH])
_SCRIPT = """
import sys
sys.path[:] = sys.argv[1:]
import os, json, time
from unseam.io.decoder_process import HELLO
from unseam.io.decoder_main import limit_process
os.write(1, HELLO)
task = json.loads(sys.stdin.readline())
"""


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg")
    return tmp_path / "a.jpg"


@pytest.fixture
def process():
    process = DecoderProcess()
    yield process
    process.close()


def tiff(path: Path, **options: object) -> Path:
    pixels = SMOOTH if options["compression"] == "jpeg2000" else COLOURS
    tifffile.imwrite(path, pixels, **({} if pixels.ndim == 2 else {"photometric": "rgb"}), **options)
    return path


@pytest.mark.parametrize("codec", ["jpeg", "jpeg2000", "webp"])
def test_the_separate_process_reads_the_same(codec: str, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", compression=codec)
    assert TiffReader().decoded_apart(path) is not None
    direct, apart = TiffReader().read_image(path), read_image(path)
    np.testing.assert_array_equal(direct.pixels, apart.pixels)
    for name in ("axes", "spacing_um", "notes", "path"):
        assert getattr(direct, name) == getattr(apart, name)


def test_the_separate_process_reads_the_same_picture(jpeg: Path) -> None:
    np.testing.assert_array_equal(PictureReader().read_image(jpeg).pixels, read_image(jpeg).pixels)


@pytest.mark.parametrize("codec", [None, "lzw", "zlib", "zstd", "packbits"])
def test_numbers_are_decoded_here(codec: str | None, tmp_path: Path) -> None:
    assert TiffReader().decoded_apart(tiff(tmp_path / "a.tif", compression=codec)) is None


def test_one_process_for_many_files(process: DecoderProcess, jpeg: Path, tmp_path: Path) -> None:
    process.read(jpeg, False, 10_000)
    pid = process._process.pid
    (tmp_path / "b.jpg").write_bytes(jpeg.read_bytes()[:400])
    with pytest.raises(ImageReadError, match=r"b\.jpg"):
        process.read(tmp_path / "b.jpg", False, 10_000)
    process.read(tiff(tmp_path / "a.tif", compression="jpeg"), False, 10_000)
    assert process._process.pid == pid


def test_errors_of_the_reader_are_passed_on(jpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabelError, match=r"JPEG.*Export") as caught:
        read_labels(jpeg)
    assert str(caught.value).startswith(f"{jpeg}: JPEG")
    monkeypatch.chdir(tmp_path)
    assert read_image("a.jpg").path == Path("a.jpg")  # as given, although the process was started in another folder


def test_names_of_all_kinds(process: DecoderProcess, jpeg: Path) -> None:
    for name in ("ä ö\n'\".jpg", "-rf.jpg", "\u202egpj.jpg", *(["\udcff.jpg"] if sys.platform == "linux" else [])):
        (jpeg.parent / name).write_bytes(jpeg.read_bytes())
        assert process.read(jpeg.parent / name, False, 10_000).height == 64


@pytest.mark.parametrize("death", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.write(1, b'{')", "os.write(1, b'[]')"])
def test_a_process_that_dies(death: str, process: DecoderProcess, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is refused, and the next one gets a new process."""
    with monkeypatch.context() as patch:
        patch.setattr(decoder_process, "_CODE", _SCRIPT + death)
        with pytest.raises(ImageReadError, match=r"a\.jpg: .*copy it again"):
            process.read(jpeg, False, 10_000)
    assert process.read(jpeg, False, 10_000).height == 64


def test_half_of_the_pixels(process: DecoderProcess, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = '{"shape": [64, 80], "dtype": "|u1", "axes": "YX", "spacing_um": null, "notes": []}'
    monkeypatch.setattr(decoder_process, "_CODE", _SCRIPT + f"os.write(1, b'''{head}\\n1234''')")
    with pytest.raises(ImageReadError, match="exit code"):
        process.read(jpeg, False, 10_000)


def test_a_process_that_sleeps(process: DecoderProcess, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process, "_CODE", _SCRIPT + "time.sleep(1000)")
    monkeypatch.setattr(decoder_process, "_PATIENCE", (0.0, 0.2))
    with pytest.raises(ImageReadError, match="exit code"):
        process.read(jpeg, False, 10_000)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_process_that_computes_for_ever(process: DecoderProcess, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process, "_CODE", _SCRIPT + "limit_process(1, 10**9)\nwhile True: pass")
    with pytest.raises(ImageReadError, match=r"exit code -(24|9)"):
        process.read(jpeg, False, 10_000)


@pytest.mark.skipif(sys.platform != "linux", reason="no limit there")
def test_a_process_that_takes_all_memory(process: DecoderProcess, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process, "_CODE", _SCRIPT + "limit_process(9, 10**8)\nbytearray(2 * 10**8)")
    with pytest.raises(ImageReadError, match="exit code"):
        process.read(jpeg, False, 10_000)


def test_ctrl_c_does_not_shift_the_answers(process: DecoderProcess, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(decoder_process, "_receive_pixels", interrupted)
        with pytest.raises(KeyboardInterrupt):
            process.read(jpeg, False, 10_000)
    Image.fromarray(SMOOTH[:7, :9]).save(jpeg)
    assert process.read(jpeg, False, 10_000).pixels.shape == (7, 9)


def test_a_fork_starts_its_own(process: DecoderProcess, jpeg: Path) -> None:
    process.read(jpeg, False, 10_000)
    parents = process._process
    process._owner = -1  # as a fork would find it
    process.read(jpeg, False, 10_000)
    assert process._process.pid != parents.pid
    assert parents.poll() is None
    for pipe in (parents.stdin, parents.stdout):
        pipe.close()
    assert parents.wait(10) == 0  # it ends with the pipe


@pytest.mark.parametrize("executable", ["", "/nowhere/python", sys.executable])
def test_without_a_process_it_is_decoded_here(executable: str, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(decoder_process, "_CODE", "import nothing_of_that_name")
    shared_decoder.cache_clear()
    try:
        with pytest.raises(DecoderDidNotStart):
            shared_decoder().read(jpeg, False, 10_000)
        assert read_image(jpeg).height == 64
    finally:
        shared_decoder.cache_clear()


def test_sizes_stated_in_streams() -> None:
    def values(kind: str, codec: int, pixels: np.ndarray, **options: object) -> int | None:
        stream = BytesIO()
        Image.fromarray(pixels).save(stream, kind, **options)
        return count_coded_values(codec, stream.getvalue())

    assert values("jpeg", 7, COLOURS) == values("jpeg", 7, COLOURS, progressive=True) == COLOURS.size
    assert values("webp", 50001, COLOURS) == values("webp", 50001, COLOURS, lossless=True) == SMOOTH.size * 4
    assert count_coded_values(34712, imagecodecs.jpeg2k_encode(COLOURS)) == COLOURS.size
    assert count_coded_values(34712, imagecodecs.jpeg2k_encode(SMOOTH, codecformat="jp2")) == SMOOTH.size
    assert [count_coded_values(codec, b"") for codec in (1, 7, 34712, 50001)] == [None] * 4


def test_a_stream_larger_than_its_tile(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", compression="jpeg2000")
    data = path.read_bytes()
    at = data.index(b"\xff\x4f\xff\x51") + 8
    path.write_bytes(data[:at] + (60_000).to_bytes(4, "big") * 2 + data[at + 8 :])
    with pytest.raises(ImageReadError, match=r"3,600,000,000.*5,120"):
        read_image(path)
