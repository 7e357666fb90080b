"""Tiles have the numbers of the image; smaller levels their means."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from unseam.annotate.ops import LabelMap, join_runs
from unseam.annotate.project import Picture, picture
from unseam.annotate.project.picture import halved
from unseam.annotate.server.label_tiles import label_tile
from unseam.errors import ImageReadError


def whole(shown: Picture, level: int = 0) -> np.ndarray:
    """A level, put together from its tiles."""
    height, width = shown.size(level)
    rows = [
        np.concatenate([shown.tile(level, row, column) for column in range(-(-width // 512))], axis=2)
        for row in range(-(-height // 512))
    ]
    return np.concatenate(rows, axis=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (513, 3), (520, 1030)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_travel_as_they_are(tmp_path: Path, rng: np.random.Generator, size: tuple[int, int], dtype: type) -> None:
    pixels = rng.integers(0, np.iinfo(dtype).max, size).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", pixels)
    shown = Picture(tmp_path / "x.tif")
    assert (shown.dtype, shown.scale, shown.channels) == (dtype, None, 1)
    assert (whole(shown)[0] == pixels).all()
    assert max(shown.size(shown.levels - 1)) <= 512
    assert shown.levels == 1 or max(shown.size(shown.levels - 2)) > 512
    for level in range(1, shown.levels):
        assert whole(shown, level).shape[1:] == shown.size(level)


@given(hnp.arrays(np.uint16, st.tuples(st.just(2), st.integers(1, 7), st.integers(1, 7))))
def test_halving_is_the_mean_of_four(pixels: np.ndarray) -> None:
    found = halved(pixels)
    for channel, row, column in np.ndindex(found.shape):
        rows = [min(2 * row + i, pixels.shape[1] - 1) for i in (0, 1)]
        columns = [min(2 * column + i, pixels.shape[2] - 1) for i in (0, 1)]
        four = [int(pixels[channel, r, c]) for r in rows for c in columns]
        assert found[channel, row, column] == (sum(four) + 2) // 4


def test_real_numbers_travel_as_16_bits_of_their_range(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.normal(0, 3, (30, 40)).astype(np.float32)
    tifffile.imwrite(tmp_path / "x.tif", pixels)
    shown = Picture(tmp_path / "x.tif")
    assert shown.scale is not None
    back = shown.scale.low + whole(shown)[0] * (shown.scale.high - shown.scale.low) / 65535
    assert np.abs(back - pixels).max() <= (shown.scale.high - shown.scale.low) / 65535


def test_a_constant_real_image(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", np.full((3, 4), 2.5, np.float32))
    shown = Picture(tmp_path / "x.tif")
    assert whole(shown).max() == 0
    assert shown.display == ((0, 1),)


def test_colours_and_channels_are_planes(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 255, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    shown = Picture(tmp_path / "x.png")
    assert (shown.is_rgb, shown.channels, shown.display) == (True, 3, ((0, 255),) * 3)
    assert (whole(shown) == pixels.transpose(2, 0, 1)).all()
    stack = rng.integers(0, 4000, (4, 20, 30)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "y.tif", stack, metadata={"axes": "CYX"}, imagej=True)
    shown = Picture(tmp_path / "y.tif")
    assert (shown.is_rgb, shown.channels) == (False, 4)
    assert (whole(shown) == stack).all()


def test_contrast_leaves_out_the_extremes(tmp_path: Path) -> None:
    pixels = np.full((100, 100), 500, np.uint16)
    pixels[0, :5], pixels[:50] = 65535, 300
    tifffile.imwrite(tmp_path / "x.tif", pixels)
    assert Picture(tmp_path / "x.tif").display == ((300, 500),)


def test_a_large_image_is_read_by_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 65535, (1500, 1100)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", pixels, tile=(256, 256))
    small = Picture(tmp_path / "x.tif")
    expected = [whole(small, level) for level in range(small.levels)]
    monkeypatch.setattr(picture, "is_large", lambda height, width: True)
    large = Picture(tmp_path / "x.tif")
    for level in range(large.levels):
        assert (whole(large, level) == expected[level]).all()
    assert large.num_bytes == 0


def test_a_thumbnail_is_small(tmp_path: Path, rng: np.random.Generator) -> None:
    from io import BytesIO

    Image.fromarray(rng.integers(0, 255, (600, 300), np.uint8)).save(tmp_path / "x.png")
    assert Image.open(BytesIO(Picture(tmp_path / "x.png").thumbnail())).size == (64, 128)


@pytest.mark.parametrize("where", [(0, 2, 0), (0, 0, 1), (2, 0, 0), (-1, 0, 0)])
def test_tiles_outside(tmp_path: Path, where: tuple[int, int, int]) -> None:
    Image.fromarray(np.zeros((600, 30), np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(IndexError):
        Picture(tmp_path / "x.png").tile(*where)


def test_a_damaged_image_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    with pytest.raises(ImageReadError, match=r"x\.png"):
        Picture(tmp_path / "x.png").tile(0, 0, 0)


@pytest.mark.parametrize(("none", "dtype"), [(255, np.uint8), (-1, np.int32)])
def test_labels_of_smaller_levels_show_what_is_annotated(none: int, dtype: type) -> None:
    labels = LabelMap(1300, 1100, none=none, dtype=dtype)
    assert label_tile(labels, 0, 0, 0) is None
    rng = np.random.default_rng(5)
    pixels = np.unique(rng.integers(0, 1300 * 1100, 400))
    labels.put(join_runs(pixels, rng.integers(0, 4, len(pixels)), 1100))
    full = labels.read(0, 0, 1300, 1100).astype(np.int64)
    full[full == none] = -1
    for level in (0, 1, 2):
        side = 2**level
        padded = np.pad(full, [(0, -length % side) for length in full.shape], constant_values=-1)
        expected = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side).max(axis=(1, 3))
        for row in range(-(-expected.shape[0] // 512)):
            for column in range(-(-expected.shape[1] // 512)):
                part = expected[row * 512 : (row + 1) * 512, column * 512 : (column + 1) * 512]
                found = label_tile(labels, level, row, column)
                shown = (
                    np.full(part.shape, none) if found is None else np.frombuffer(found, dtype).reshape(part.shape).astype(int)
                )
                assert (np.where(shown == none, -1, shown) == part).all()
    with pytest.raises(IndexError):
        label_tile(labels, 0, 3, 0)


def test_a_large_image_without_smaller_copies_is_read_once_for_the_far_views(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    pixels = rng.integers(0, 65535, (2900, 5001)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", pixels, tile=(256, 256))
    small = Picture(tmp_path / "x.tif")
    monkeypatch.setattr(picture, "is_large", lambda height, width: True)
    large = Picture(tmp_path / "x.tif")
    assert large.levels == 5
    for level in (3, 4):
        assert (whole(large, level) == whole(small, level)).all()
    assert large.num_bytes < pixels.nbytes / 32


def test_the_smaller_copies_of_an_ome_zarr_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(tmp_path / "x.ome.zarr"), mode="w", zarr_format=2)
    sizes = [(1300, 1100), (650, 550), (325, 275)]
    levels = [rng.integers(0, 65535, size).astype(np.uint16) for size in sizes]
    for number, level in enumerate(levels):
        stored = group.create_array(str(number), shape=level.shape, chunks=(256, 256), dtype=level.dtype)
        stored[:] = level
    axes = [{"name": name, "type": "space"} for name in "yx"]
    scales = [[{"type": "scale", "scale": [2.0**number] * 2}] for number in range(3)]
    datasets = [{"path": str(number), "coordinateTransformations": scale} for number, scale in enumerate(scales)]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    monkeypatch.setattr(picture, "is_large", lambda height, width: True)
    large = Picture(tmp_path / "x.ome.zarr")
    for number, level in enumerate(levels[: large.levels]):
        assert (whole(large, number)[0] == level).all()
