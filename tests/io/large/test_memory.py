"""Reading a window takes memory for the window, whatever the size of the image; each file is read by a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

_SIDE = 512
_CODE = """
import json, sys
from pathlib import Path

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

import imagecodecs, numcodecs.blosc, numpy as np, tifffile
from unseam.io.large import open_large

before = status("VmHWM")
(image,) = open_large(Path(sys.argv[1]), fill_missing=True)
found = []
for top in range(0, image.height - {side}, image.height // 3):
    for left in range(0, image.width - {side}, image.width // 3):
        window = image.read(image.num_planes - 1, slice(top, top + {side}), slice(left, left + {side}))
        found.append(int(window.max()))
print(json.dumps([image.num_planes, image.height, image.width, max(found), status("VmHWM") - before]))
""".replace("{side}", str(_SIDE))


def measured(path: Path) -> tuple[int, int, int, int, int]:
    """Planes, rows, columns, the largest value that was read, and the growth of memory in bytes."""
    done = subprocess.run([sys.executable, "-c", _CODE, str(path)], capture_output=True, text=True, check=True, timeout=100)
    return tuple(json.loads(done.stdout))


def _npy(path: Path) -> Path:
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<u2", "fortran_order": False, "shape": (40_000, 50_000)})
        stream.truncate(stream.tell() + 40_000 * 50_000 * 2)
    return path


def _zarr(path: Path, **options: object) -> Path:
    array = zarr.create_array(str(path), shape=(60_000, 80_000), dtype="u2", chunks=(1024, 1024), **options)
    array[20_000:20_100, 26_600:26_700] = 7
    return path


def _tiff(path: Path, shape: tuple[int, ...], **options: object) -> Path:
    tifffile.imwrite(path, shape=shape, dtype=np.uint8, photometric="minisblack", **options)
    return path


def _imagej(path: Path) -> Path:
    """6 GB behind one page."""
    return _tiff(path, (3, 40_000, 50_000), imagej=True, metadata={"axes": "ZYX"})


def _tiles(path: Path) -> Path:
    """Tiles of Deflate, 200 MB of pixels in 0.3 MB."""
    tile = np.zeros((512, 512), np.uint8)
    shape = (14_000, 15_000)
    num = -(-shape[0] // 512) * -(-shape[1] // 512)
    tifffile.imwrite(path, (tile for _ in range(num)), shape=shape, dtype=np.uint8, tile=(512, 512), compression="zlib")
    return path


def _clear(path: Path) -> Path:
    """Colours with a transparency of 0 everywhere, 240 MB of pixels: every one is looked at."""
    tifffile.imwrite(path, shape=(6_000, 10_000, 4), dtype=np.uint8, photometric="rgb")
    return path


KINDS = {
    "npy": (lambda p: _npy(p / "a.npy"), (1, 40_000, 50_000, 0), 20),
    "zarr": (lambda p: _zarr(p / "a.zarr"), (1, 60_000, 80_000, 7), 60),
    "zarr, shards": (lambda p: _zarr(p / "b.zarr", shards=(8192, 8192), zarr_format=3), (1, 60_000, 80_000, 7), 60),
    "BigTIFF": (lambda p: _tiff(p / "a.tif", (60_000, 80_000), bigtiff=True), (1, 60_000, 80_000, 0), 20),
    "ImageJ": (
        lambda p: _tiff(p / "b.tif", (3, 40_000, 50_000), imagej=True, metadata={"axes": "ZYX"}),
        (3, 40_000, 50_000, 0),
        20,
    ),
    "tiles": (lambda p: _tiles(p / "c.tif"), (1, 14_000, 15_000, 0), 60),
    "transparency": (lambda p: _clear(p / "d.tif"), (1, 6_000, 10_000, 0), 90),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory was used")
@pytest.mark.filterwarnings("ignore:.*truncating ImageJ file")
@pytest.mark.parametrize("name", KINDS)
def test_memory_is_that_of_the_window(name, tmp_path):
    make, expected, most = KINDS[name]
    *found, growth = measured(make(tmp_path))
    assert tuple(found) == expected
    assert growth < most * 1e6
    print(f"{name}: {growth / 1e6:.1f} MB")
