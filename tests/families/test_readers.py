"""The families of readers: a suite that each member inherits, and a toy member that the whole package finds."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from families.package_copy import add_line, copy_package, run_python
from reference.toy import SMALL, spots
from unseam.errors import ImageReadError, LabelError
from unseam.io import READERS, Reader, can_read, read_image, read_labels
from unseam.io.arrays import ArrayReader
from unseam.io.large import LARGE_READERS, LargeReader, open_large
from unseam.io.large.array_image import LargeArrayReader
from unseam.io.large.tiff_image import LargeTiffReader
from unseam.io.large.whole_image import WholeReader
from unseam.io.large.zarr_image import ZarrReader
from unseam.io.pictures import PictureReader
from unseam.io.tiff import TiffReader

PIXELS = np.random.default_rng(0).integers(0, 200, (40, 50), np.uint8)

Write = Callable[[Path], object]
EXAMPLES: dict[type, tuple[str, Write]] = {
    TiffReader: (".tif", lambda path: tifffile.imwrite(path, PIXELS)),
    PictureReader: (".png", lambda path: Image.fromarray(PIXELS).save(path)),
    ArrayReader: (".npy", lambda path: np.save(path, PIXELS)),
}
"""For each reader of images: an ending, and how to write `PIXELS` there. A new reader gets a line here."""
LARGE_EXAMPLES: dict[type, tuple[str, Write]] = {
    ZarrReader: (".zarr", lambda path: zarr.save_array(path, PIXELS)),
    LargeTiffReader: EXAMPLES[TiffReader],
    LargeArrayReader: EXAMPLES[ArrayReader],
    WholeReader: EXAMPLES[PictureReader],
}
"""The same for readers of images larger than memory."""


def test_every_reader_has_an_example() -> None:
    assert set(EXAMPLES) == set(get_args(Reader)) == {type(reader) for reader in READERS}
    assert set(LARGE_EXAMPLES) == set(get_args(LargeReader)) == {type(reader) for reader in LARGE_READERS}


def test_no_two_readers_take_one_ending() -> None:
    suffixes = [suffix for reader in READERS for suffix in reader.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: type(reader).__name__)
class TestReader:
    """What each reader of images owes."""

    def write(self, reader: Reader, folder: Path) -> Path:
        suffix, write = EXAMPLES[type(reader)]
        write(path := folder / f"example{suffix}")
        return path

    def test_it_takes_its_endings_in_any_case(self, reader, tmp_path):
        for suffix in reader.suffixes:
            assert suffix == suffix.lower()
            assert suffix.startswith(".")
            for name in (f"a{suffix}", f"A.B{suffix.upper()}"):
                assert reader.can_read(tmp_path / name)
                assert [one for one in READERS if one.can_read(tmp_path / name)] == [reader]
                assert can_read(name)
            assert not reader.can_read(tmp_path / f"a{suffix}.csv")

    def test_pixels_come_back(self, reader, tmp_path):
        path = self.write(reader, tmp_path)
        for file in (read_image(path), read_labels(path), reader.read_image(path)):
            assert file.path == path
            assert file.axes == "YX"
            assert file.pixels.dtype == np.uint8
            assert np.array_equal(file.pixels, PIXELS)

    @pytest.mark.parametrize("keep", [0, 1, 0.5])
    def test_a_damaged_file_is_refused_by_name(self, reader, keep, tmp_path):
        path = self.write(reader, tmp_path)
        data = path.read_bytes()
        path.write_bytes(data[: int(keep * len(data))] if keep != 1 else b"?" * len(data))
        for read in (read_image, read_labels):
            with pytest.raises((ImageReadError, LabelError), match=path.name):
                read(path)

    def test_what_is_no_file_is_refused_by_name(self, reader, tmp_path):
        (tmp_path / "folder").mkdir()
        folder = (tmp_path / "folder").rename(tmp_path / f"folder{reader.suffixes[0]}")
        for path in (folder, tmp_path / f"absent{reader.suffixes[0]}"):
            with pytest.raises(ImageReadError, match=path.name):
                read_image(path)


@pytest.mark.parametrize("reader", LARGE_READERS, ids=lambda reader: type(reader).__name__)
class TestLargeReader:
    """What each reader of images larger than memory owes."""

    def test_it_is_the_first_that_takes_its_example(self, reader, tmp_path):
        suffix, write = LARGE_EXAMPLES[type(reader)]
        write(path := tmp_path / f"example{suffix}")
        assert next(one for one in LARGE_READERS if one.can_read(path)) is reader

    def test_windows_have_the_pixels_of_the_whole(self, reader, tmp_path):
        suffix, write = LARGE_EXAMPLES[type(reader)]
        write(path := tmp_path / f"example{suffix}")
        (image,) = open_large(path)
        assert (image.height, image.width, image.num_planes, image.num_channels) == (40, 50, 1, 1)
        assert np.array_equal(image.read(0, slice(3, 29), slice(40, 50)), PIXELS[3:29, 40:50])

    def test_a_damaged_file_is_refused_by_name(self, reader, tmp_path):
        suffix, write = LARGE_EXAMPLES[type(reader)]
        write(path := tmp_path / f"example{suffix}")
        for file in [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]:
            file.write_bytes(b"")
        with pytest.raises(ImageReadError, match=path.name):
            open_large(path)[0].read(0, slice(0, 40), slice(0, 50))


TOY = '''
"""Images as lines of numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unseam.io.calibration import UNKNOWN
from unseam.io.guard import decoding
from unseam.io.image_file import ImageFile


@dataclass(frozen=True)
class ToyReader:
    suffixes: tuple[str, ...] = (".toy",)

    def can_read(self, path: Path) -> bool:
        return path.name.lower().endswith(self.suffixes)

    def decoded_apart(self, path: Path) -> int | None:
        return 10**6  # in the other process, so that this one is seen to find it too

    def read_image(self, path: Path) -> ImageFile:
        with decoding(path, "toy"):
            return ImageFile(np.loadtxt(path, dtype=np.int64).astype(np.uint8), "YX", UNKNOWN, path)

    def read_labels(self, path: Path) -> ImageFile:
        return self.read_image(path)
'''


def test_a_new_reader_is_one_file_and_one_line(tmp_path):
    copy = copy_package(tmp_path / "copy")
    (copy / "io/toy.py").write_text(TOY, encoding="utf-8")
    face = copy / "io/__init__.py"
    add_line(face, "from unseam.io.tiff import", "from unseam.io.toy import ToyReader")
    old = "Reader = TiffReader | PictureReader | ArrayReader"
    assert face.read_text(encoding="utf-8").count(old) == 1
    face.write_text(face.read_text(encoding="utf-8").replace(old, f"{old} | ToyReader"), encoding="utf-8")
    rng, data = np.random.default_rng(4), tmp_path / "data"
    for place in ("images", "masks"):
        (data / place).mkdir(parents=True)
    for name in "abc":
        image, labels = spots(rng)
        np.savetxt(data / f"images/{name}.toy", image, "%d")
        np.savetxt(data / f"masks/{name}.toy", labels > 0, "%d")
    (data / "images/c.toy").rename(tmp_path / "c.toy")
    (data / "masks/c.toy").rename(tmp_path / "c_mask.toy")
    tiny = [word for setting in SMALL for word in ("--set", setting)]
    program = ["-m", "unseam"]
    assert "2 annotated image(s)" in run_python(copy, [*program, "check", data])
    run_python(copy, [*program, "train", data, "--out", tmp_path / "run", "--steps", "2", "--device", "cpu", *tiny])
    run_python(copy, [*program, "predict", tmp_path / "run", tmp_path / "c.toy", "--out", tmp_path / "seg"])
    assert list((tmp_path / "seg").glob("c*"))
    (tmp_path / "bad.toy").write_text("no numbers", encoding="utf-8")
    code = f"import unseam.io; unseam.io.read_image({str(tmp_path / 'bad.toy')!r})"
    with pytest.raises(AssertionError, match=r"ImageReadError.*bad\.toy"):
        run_python(copy, code)
