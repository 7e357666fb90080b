"""Leftovers of killed writers are removed, files still being written are not; folders are whole; a manifest notices damage."""

import os
from pathlib import Path

import pytest

from unseam.errors import ModelFileError, OutputError
from unseam.io import make_folders, remove_unfinished, whole_file, write_bytes_whole, write_text_whole
from unseam.io.lock import lock_name_of, locked
from unseam.io.manifest import MANIFEST, read_with_manifest, write_with_manifest
from unseam.io.write import remove_tree, write_folder_whole

POSIX = pytest.mark.skipif(os.name != "posix", reason="locks and links of POSIX")


def test_only_unfinished_files_of_unseam_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".unseam-0123456789abcdef.tmp").write_bytes(b"half")
    (tmp_path / ".unseam-fedcba9876543210.tmp").mkdir()
    (tmp_path / ".unseam-fedcba9876543210.tmp" / "a").write_bytes(b"half")
    others = {"a.tif", ".unseam-mine.tmp", ".unseam-0123456789abcdef.tmp.txt", "x.unseam-0123456789abcdef.tmp"}
    for name in others:
        (tmp_path / name).write_bytes(b"whole")
    assert remove_unfinished(tmp_path) == 2
    assert {path.name for path in tmp_path.iterdir()} == others
    assert remove_unfinished(tmp_path / "nowhere") == 0


@POSIX
def test_files_still_being_written_stay(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.bin") as stream:
        stream.write(b"data")
        assert remove_unfinished(tmp_path) == 0

    def files():
        yield "a", b"1"
        assert remove_unfinished(tmp_path) == 0
        yield "b", b"2"

    write_folder_whole(tmp_path / "folder", files())
    assert (tmp_path / "a.bin").read_bytes() == b"data"
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["a", "b"]


@POSIX
def test_a_lock_without_a_holder_is_removed(tmp_path: Path) -> None:
    left = tmp_path / lock_name_of("image \udcff, killed")
    left.write_bytes(b"")
    with locked(tmp_path, "segmenting", name=lock_name_of("another")):
        assert remove_unfinished(tmp_path) == 1
        assert [path.name for path in tmp_path.iterdir()] == [lock_name_of("another")]
    assert not list(tmp_path.iterdir())


@POSIX
def test_a_link_with_such_a_name_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "a").write_bytes(b"precious")
    (tmp_path / ".unseam-0123456789abcdef.tmp").symlink_to(tmp_path / "precious")
    os.mkfifo(tmp_path / ".unseam-0123456789abcdee.tmp")  # a plain open would wait for ever
    assert remove_unfinished(tmp_path) == 2
    assert (tmp_path / "precious" / "a").read_bytes() == b"precious"


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    write_bytes_whole(tmp_path / "a.bin", b"old")

    def fail() -> None:
        with whole_file(tmp_path / "a.bin") as stream:
            stream.write(b"new" * 1_000_000)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


def test_large_files_and_text(tmp_path: Path) -> None:
    data = os.urandom(3_000_001)
    with whole_file(tmp_path / "a.bin") as stream:
        stream.write(data)
        stream.seek(5)
        stream.write(b"five")
    assert (tmp_path / "a.bin").read_bytes() == data[:5] + b"five" + data[9:]
    write_text_whole(tmp_path / "a.txt", "µ \udcff")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "µ \\udcff"


def test_folders_are_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    write_folder_whole(place, [("old", b"old")])

    def files():
        yield "new", b"new"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_folder_whole(place, files())
    assert [path.name for path in place.iterdir()] == ["old"]
    write_folder_whole(place, [("new", b"new")])
    assert [path.name for path in place.iterdir()] == ["new"]
    remove_tree(place)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="folder first"):
        write_folder_whole(tmp_path / "no" / "folder", [])


def test_folders_are_made_with_those_above(tmp_path: Path) -> None:
    make_folders(tmp_path / "a" / "b")
    make_folders(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match=r"folder.*Choose"):
            make_folders(place)


@pytest.fixture
def verified(tmp_path: Path) -> Path:
    write_with_manifest(tmp_path / "v", {"step": 3}, [("a", b"one"), ("b", b"")])
    return tmp_path / "v"


def test_a_manifest_comes_back(verified: Path) -> None:
    about, files = read_with_manifest(verified)
    assert about["step"] == 3
    assert files == {"a": b"one", "b": b""}


def test_every_bit_of_it_counts(verified: Path) -> None:
    for name in ("a", MANIFEST):
        whole = (verified / name).read_bytes()
        for bit in range(8 * len(whole)):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            (verified / name).write_bytes(damaged)
            with pytest.raises(ModelFileError, match="damaged"):
                read_with_manifest(verified)
        (verified / name).write_bytes(whole)
    assert read_with_manifest(verified)


@POSIX
def test_a_pipe_in_place_of_a_file_is_not_waited_for(verified: Path) -> None:
    for name in ("b", MANIFEST):
        (verified / name).unlink()
        os.mkfifo(verified / name)
        with pytest.raises(ModelFileError, match="ordinary file"):
            read_with_manifest(verified)


@pytest.mark.parametrize("name", ["../a", "/etc/hostname", "below/a"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "v" / "below").mkdir(parents=True)
    from unseam.io.manifest import render_manifest

    facts = {"bytes": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
    (tmp_path / "v" / MANIFEST).write_bytes(render_manifest({"files": {name: facts}}))
    with pytest.raises(ModelFileError, match="damaged"):
        read_with_manifest(tmp_path / "v")
