"""Chunks on the disk: any Zarr library reads them, each is there, and damage is noticed."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torture.disk_calls import watched
from unseam.errors import OutputError
from unseam.io.result import ArrayLayout, ChunkedArray, ChunkFiles, create_array, open_array
from unseam.io.result.chunk_codec import crc32c

TYPES = ("uint8", "int16", "uint16", "uint32", "int64", "float16", "float32", "float64")


def fill(array: ChunkedArray, pixels: np.ndarray) -> None:
    for leading in np.ndindex(*pixels.shape[:-2]):
        for chunk in range(len(array.grid)):
            array.write(leading, array.grid.place(chunk), pixels[leading][array.grid.window(chunk)])


@given(
    st.sampled_from(TYPES),
    st.lists(st.integers(1, 2), max_size=3),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(5, 16),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read(tmp_path: Path, dtype, leading, plane, chunk, shard, random) -> None:
    shutil.rmtree(tmp_path / "a", ignore_errors=True)
    shape = (*leading, *plane)
    pixels = np.random.default_rng(random.randrange(2**32)).integers(0, 100, shape).astype(dtype)
    layout = ArrayLayout(shape, np.dtype(dtype), chunk, shard)
    fill(create_array(tmp_path / "a", layout), pixels)
    theirs = zarr.open_array(str(tmp_path / "a"), mode="r")
    assert theirs.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(theirs[...], pixels)
    ours = open_array(tmp_path / "a")
    assert ours.layout == layout
    assert ours.check() == layout.num_chunks
    low = [random.randrange(side) for side in plane]
    high = [random.randint(at + 1, side) for at, side in zip(low, plane, strict=True)]
    window = slice(low[0], high[0]), slice(low[1], high[1])
    for at in np.ndindex(*leading):
        np.testing.assert_array_equal(ours.read(at, window), pixels[at][window])


def test_zarr_can_change_what_we_wrote(tmp_path: Path) -> None:
    array = create_array(tmp_path / "a", ArrayLayout((20, 20), np.dtype("u2"), 8, 2))
    fill(array, np.ones((20, 20), "u2"))
    theirs = zarr.open_array(str(tmp_path / "a"), mode="r+")
    theirs[3:12, 5:18] = 7
    assert array.read((), (slice(3, 12), slice(5, 18))).min() == 7
    assert array.read((), (slice(0, 3), slice(0, 20))).max() == 1


def test_constant_chunks_are_files_and_absent_ones_are_no_zeros(tmp_path: Path) -> None:
    array = create_array(tmp_path / "a", ArrayLayout((20, 20), np.dtype("u1"), 8))
    whole = slice(0, 20), slice(0, 20)
    fill(array, np.zeros((20, 20), "u1"))
    assert len(list((tmp_path / "a" / "c").rglob("*"))) == 3 + 9
    assert not array.read((), whole).any()
    (tmp_path / "a" / "c" / "1" / "2").unlink()
    with pytest.raises(OutputError, match=r"1.2: .*missing"):
        array.read((), whole)
    with pytest.raises(OutputError, match=r"1.2: .*missing"):
        array.check()
    (tmp_path / "a" / "c" / "1" / "2").touch()
    with pytest.raises(OutputError, match=r"1.2: .*missing"):
        array.check()
    with pytest.raises(OutputError, match="damaged"):
        array.read((), whole)


@pytest.mark.parametrize("shard", [1, 2])
def test_damage_is_noticed(shard: int, tmp_path: Path, rng: np.random.Generator) -> None:
    """Any bit, any byte cut off: the pixels as they were, or an error."""
    array = create_array(tmp_path / "a", ArrayLayout((16, 16), np.dtype("u2"), 16 // shard, shard))
    pixels = rng.integers(0, 9, (16, 16)).astype("u2")
    fill(array, pixels)
    path = tmp_path / "a" / "c" / "0" / "0"
    sound = path.read_bytes()
    noticed = 0
    damaged = [sound[:cut] for cut in range(0, len(sound), 7)]
    for bit in rng.permutation(8 * len(sound))[:400]:
        changed = bytearray(sound)
        changed[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(changed))
    for data in damaged:
        path.write_bytes(data)
        try:
            read = array.read((), (slice(0, 16), slice(0, 16)))
        except OutputError as error:
            noticed += str(path) in str(error)
        else:
            np.testing.assert_array_equal(read, pixels)
    assert noticed >= 0.98 * len(damaged)


def test_what_is_not_ours_is_refused(tmp_path: Path) -> None:
    zarr.create_array(str(tmp_path / "theirs"), shape=(9, 9), chunks=(4, 4), dtype="u1")
    with pytest.raises(OutputError, match=r"zarr\.json .*Remove"):
        open_array(tmp_path / "theirs")
    with pytest.raises(OutputError, match="cannot be read"):
        open_array(tmp_path / "absent")
    create_array(tmp_path / "a", ArrayLayout((9, 9), np.dtype("u1"), 4, 2))
    sound = (tmp_path / "a" / "zarr.json").read_text()
    for text in ("", "[]", "{}", "[" * 100_000, sound[:-9], sound.replace("9", "-9"), sound.replace('"uint8"', '"O"')):
        (tmp_path / "a" / "zarr.json").write_text(text)
        with pytest.raises(OutputError, match=r"zarr\.json"):
            open_array(tmp_path / "a")
    for key in json.loads(sound):
        about = json.loads(sound)
        for value in (None, [], {}, 0, "?"):
            if about[key] != value:
                (tmp_path / "a" / "zarr.json").write_text(json.dumps({**about, key: value}))
                with pytest.raises(OutputError, match=r"zarr\.json"):
                    open_array(tmp_path / "a")


def test_old_chunks_are_not_taken_for_new_ones(tmp_path: Path) -> None:
    layout = ArrayLayout((9, 9), np.dtype("u1"), 4)
    fill(create_array(tmp_path / "a", layout), np.ones((9, 9), "u1"))
    with pytest.raises(OutputError, match=r"a .*--out"):
        create_array(tmp_path / "a", layout)


def test_one_by_one_each_chunk_is_on_the_disk(tmp_path: Path) -> None:
    array = create_array(tmp_path / "a", ArrayLayout((8, 16), np.dtype("u1"), 8))
    array.write((), (0, 0), np.ones((8, 8), "u1"))
    with watched() as calls:
        array.write((), (0, 1), np.ones((8, 8), "u1"))
    assert [name for name, _ in calls] == ["create", "write", "sync", "rename", "close", "open_folder", "sync", "close"]
    assert array.files.settle() == 0


def test_in_groups_each_file_and_folder_is_synced_once(tmp_path: Path) -> None:
    files = ChunkFiles(is_synced=False)
    array = create_array(tmp_path / "a", ArrayLayout((16, 16), np.dtype("u1"), 8), files)
    with watched() as calls:
        fill(array, np.ones((16, 16), "u1"))
        synced = [Path(str(words[0])) for name, words in calls if name == "open_again"]
        assert synced == []
        calls.clear()
        assert files.settle() == 5
        opened = [(name, Path(str(words[0])).relative_to(tmp_path / "a").as_posix()) for name, words in calls if "open" in name]
    assert sorted(place for name, place in opened if name == "open_again") == ["c/0/0", "c/0/1", "c/1/0", "c/1/1", "zarr.json"]
    if hasattr(os, "O_DIRECTORY"):
        assert [place for name, place in opened[5:]] == [".", "c/0", "c/1"]
    assert [name for name, _ in calls].count("sync") == len(opened)
    assert files.settle() == 0


def test_a_disk_that_fails_when_settling_is_told_once(tmp_path: Path) -> None:
    files = ChunkFiles(is_synced=False)
    files.write(tmp_path / "a" / "b", b"data")

    def fail(number: int, name: str) -> None:
        if name == "sync":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with watched(fail), pytest.raises(OutputError, match=r"b: could not be written \(Input/output error; 4 bytes\)"):
        files.settle()
    assert files.settle() == 0


def test_threads_share_a_writer(tmp_path: Path, rng: np.random.Generator) -> None:
    files = ChunkFiles(is_synced=False)
    array = create_array(tmp_path / "a", ArrayLayout((64, 64), np.dtype("u2"), 8, 2), files)
    pixels = rng.integers(0, 99, (64, 64)).astype("u2")

    def work(first: int) -> None:
        for chunk in range(first, len(array.grid), 4):
            array.write((), array.grid.place(chunk), pixels[array.grid.window(chunk)])
            files.settle()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(array.read((), (slice(0, 64), slice(0, 64))), pixels)


def test_check_sum_of_castagnoli() -> None:
    """The examples of RFC 3720, B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = "import sys, unseam.io.result; sys.exit(bool({'zarr', 'numcodecs', 'torch', 'dask'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
