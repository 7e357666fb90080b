"""Written files are whole, open in Fiji, and read back unchanged."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unseam.errors import LabelError, OutputError
from unseam.io import read_image, read_labels, write_bytes_whole, write_image, write_label_map, write_probabilities
from unseam.io.output_folder import is_case_blind

LABELS = hnp.arrays(
    st.sampled_from([np.uint8, np.int32, np.uint32, np.int64]),
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=9),
    elements=st.integers(0, 200),
)


@given(LABELS, st.sampled_from([1, 300, 10**6]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_label_maps_come_back(tmp_path: Path, labels: np.ndarray, factor: int) -> None:
    labels = labels.astype(np.int64) * factor
    write_label_map(tmp_path / "a.tif", labels)
    back = read_labels(tmp_path / "a.tif")
    planes = np.stack(back.planes())
    np.testing.assert_array_equal(planes, labels if labels.ndim == 3 else labels[np.newaxis])


@pytest.mark.parametrize(
    ("high", "dtype"), [(0, "u1"), (255, "u1"), (256, "u2"), (65535, "u2"), (65536, "u4"), (2**32 - 1, "u4")]
)
@pytest.mark.parametrize("shape", [(6, 7), (3, 6, 7), (1, 1)])
def test_smallest_type_and_spacing(high: int, dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    labels = np.full(shape, high, np.int64)
    write_label_map(tmp_path / "a.tif", labels, spacing_um=(0.65, 0.325))
    back = read_labels(tmp_path / "a.tif")
    assert back.pixels.dtype == np.dtype(dtype)
    assert back.spacing_um == pytest.approx((0.65, 0.325), rel=1e-6)
    assert back.axes == ("YX" if len(shape) == 2 else "ZYX")
    assert back.notes == ()
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_imagej == (dtype != "u4")
        assert tiff.is_ome == (dtype == "u4")


@pytest.mark.parametrize("high", [1, 300, 70_000])
@pytest.mark.parametrize("shape", [(1, 2, 1), (3, 1, 1), (3, 2, 1), (2, 1), (2, 3, 4, 1), (2, 3, 1, 4), (2, 3, 4, 5)])
def test_narrow_stacks_come_back(shape: tuple[int, ...], high: int, tmp_path: Path) -> None:
    labels = np.arange(np.prod(shape)).reshape(shape) * high
    write_label_map(tmp_path / "a.tif", labels)
    back = read_labels(tmp_path / "a.tif")
    np.testing.assert_array_equal(np.stack(back.planes()), labels.reshape(-1, *shape[-2:]))
    if len(shape) == 4:
        assert back.axes == "TZYX"
    probabilities = labels.astype(np.float32)[..., np.newaxis, :, :] + np.arange(2, dtype=np.float32)[:, np.newaxis, np.newaxis]
    write_probabilities(tmp_path / "p.tif", probabilities)
    back = read_image(tmp_path / "p.tif")
    planes = np.stack([np.moveaxis(plane, -1, 0) for plane in back.planes()])
    np.testing.assert_array_equal(planes, probabilities.reshape(-1, 2, *shape[-2:]))


def test_labels_that_no_file_holds(tmp_path: Path) -> None:
    for labels in (np.full((2, 2), -1), np.full((2, 2), 2**32)):
        with pytest.raises(LabelError, match=r"a\.tif.*4294967295"):
            write_label_map(tmp_path / "a.tif", labels)
    assert list(tmp_path.iterdir()) == []


def test_probabilities_come_back_as_channels(tmp_path: Path, rng: np.random.Generator) -> None:
    for num_classes in (2, 3, 4):
        probabilities = rng.random((num_classes, 8, 9), dtype=np.float32)
        write_probabilities(tmp_path / "a_prob.tif", probabilities, spacing_um=(0.5, 0.5))
        back = read_image(tmp_path / "a_prob.tif")
        assert back.axes == "CYX"
        assert back.spacing_um == pytest.approx((0.5, 0.5))
        np.testing.assert_array_equal(back.pixels, probabilities)


def test_pictures_come_back(tmp_path: Path, rng: np.random.Generator) -> None:
    for shape in ((8, 9), (8, 9, 3)):
        image = rng.integers(0, 256, shape, np.uint8)
        write_image(tmp_path / "a.png", image)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, image)


def test_the_ending_is_the_format(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"end in \.tif"):
        write_label_map(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(OutputError, match=r"end in \.png"):
        write_image(tmp_path / "a.tif", np.zeros((2, 2), np.uint8))


def test_order_of_the_whole_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write, sync, rename, sync the folder; in another order a power cut leaves an empty file."""
    calls = []
    fsync, replace = os.fsync, os.replace

    def seen_fsync(descriptor: int) -> None:
        calls.append("fsync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync file")
        fsync(descriptor)

    def seen_replace(old: Path, new: Path) -> None:
        assert Path(old).parent == Path(new).parent
        calls.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "replace", seen_replace)
    write_bytes_whole(tmp_path / "a.bin", b"abc")
    assert calls == ["fsync file", "rename", *(["fsync folder"] if hasattr(os, "O_DIRECTORY") else [])]
    assert (tmp_path / "a.bin").read_bytes() == b"abc"


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_any_call_may_fail_and_the_old_file_stays(
    call: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutputError, match=os.strerror(number)) as caught:
        write_bytes_whole(path, b"new and longer")
    monkeypatch.undo()
    assert str(path) in str(caught.value)
    assert caught.value.errno == number
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes_whole(tmp_path / "a.bin", b"abc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_mode_honours_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_bytes_whole(tmp_path / "a.bin", b"abc")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "a.bin").symlink_to(tmp_path / "precious")
    write_bytes_whole(tmp_path / "a.bin", b"abc")
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not (tmp_path / "a.bin").is_symlink()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder first"):
        write_bytes_whole(tmp_path / "no" / "a.bin", b"abc")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError):
        write_bytes_whole(tmp_path / "folder", b"abc")
    with pytest.raises(OutputError):
        write_bytes_whole(tmp_path / ("x" * 300), b"abc")
    with pytest.raises(OutputError):
        write_bytes_whole(str(tmp_path / "a\0b"), b"abc")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder"]


def test_a_disk_that_takes_two_cases_for_one_name(tmp_path):
    (tmp_path / "out").mkdir()
    assert not is_case_blind(tmp_path / "out") or (tmp_path / "OUT").exists()
    if not (tmp_path / "OUT").exists():
        (tmp_path / "OUT").symlink_to(tmp_path / "out")  # as such a disk shows it
    assert is_case_blind(tmp_path / "out")
