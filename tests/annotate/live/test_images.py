import numpy as np
import pytest
import tifffile
from PIL import Image

from annotate_desk import SIDE, make_folder
from unseam.annotate.live import images as module
from unseam.annotate.live.images import LiveImages
from unseam.annotate.messages import ImageSource
from unseam.data.normalise import Normalise
from unseam.errors import DataError, ImageReadError


def opened(path) -> LiveImages:
    return LiveImages([ImageSource(0, path.stem, str(path))], Normalise())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_image_has_the_values_of_one_in_memory(tmp_path, monkeypatch, rng, dtype, channels):
    pixels = (rng.random((70, 90, channels)) * 250).astype(dtype)
    pixels = pixels[..., 0] if channels == 1 else pixels
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack" if channels == 1 else "rgb", planarconfig="contig")
    in_memory = opened(path).pixels(0)
    np.testing.assert_array_equal(in_memory, Normalise()(pixels))
    monkeypatch.setattr(module, "LARGEST_IN_MEMORY", 100)
    monkeypatch.setattr(module, "_BAND", 16)
    large = opened(path)
    assert not isinstance(large.pixels(0), np.ndarray)
    assert large.checked_size(0) == (70, 90)
    rows, columns = slice(11, 50), slice(3, 88)
    np.testing.assert_array_equal(large.window(0, rows, columns), in_memory[:, rows, columns])


def test_grey_saved_as_colour_is_grey(tmp_path, monkeypatch, rng):
    grey = rng.integers(0, 255, (40, 40), np.uint8)
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(opened(tmp_path / "grey.png").pixels(0), Normalise()(grey))
    monkeypatch.setattr(module, "LARGEST_IN_MEMORY", 100)
    assert opened(tmp_path / "grey.png").pixels(0).shape == (1, 40, 40)


def test_images_used_last_stay_in_memory(tmp_path, monkeypatch):
    images = LiveImages(make_folder(tmp_path, 3).images, Normalise())
    monkeypatch.setattr(module, "_MOST_BYTES", 2 * 4 * SIDE * SIDE)
    first = images.pixels(0)
    images.pixels(1)
    assert images.pixels(0) is first
    images.pixels(2)  # the least recent one, 1, makes room
    assert images.pixels(0) is first
    assert len(images._open) == 2


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(ImageReadError, match=r"bad\.png"):
        opened(tmp_path / "bad.png").checked_size(0)
    with pytest.raises(DataError, match="no image 5"):
        opened(tmp_path / "bad.png").checked_size(5)
