"""What a report is made from comes back from its file; anything else is one kind of error."""

import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from unseam.errors import DataError
from unseam.report.comparison import read_comparisons, write_comparisons


def test_it_comes_back(of_objects, of_classes, tmp_path):
    for comparisons in (of_objects, of_classes):
        write_comparisons(tmp_path / "e.npz", comparisons)
        back = read_comparisons(tmp_path / "e.npz")
        assert back.facts == comparisons.facts
        for one, other in zip(back.images, comparisons.images, strict=True):
            assert (one.name, one.origin, one.group) == (other.name, other.origin, other.group)
            np.testing.assert_array_equal(one.truth, other.truth)
            np.testing.assert_array_equal(one.predicted, other.predicted)
            if other.picture is None:
                assert one.picture is None
            else:
                np.testing.assert_array_equal(one.picture, other.picture)


def test_damage_is_one_kind_of_error(of_objects, tmp_path, rng):
    path = tmp_path / "e.npz"
    write_comparisons(path, of_objects)
    whole = path.read_bytes()
    tried = [b"", b"no archive", whole[: len(whole) // 2]]
    for _ in range(30):
        broken = bytearray(whole)
        broken[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        tried.append(bytes(broken))
    refused = 0
    for data in tried:
        path.write_bytes(data)
        with suppress(DataError):  # a bit may be turned where it says nothing
            read_comparisons(path)
            continue
        refused += 1
    assert refused > 20


def test_an_array_whose_header_is_no_python_is_one_kind_of_error(of_objects, tmp_path):
    """NumPy reads a header that it does not understand once more with the tokenizer of Python, which has errors of its own."""
    write_comparisons(tmp_path / "e.npz", of_objects)
    with zipfile.ZipFile(tmp_path / "e.npz") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for old, new in ((b"}", b"{"), (b"'fortran", b"  fortran")):
        with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
            for name, data in parts.items():
                archive.writestr(name, data.replace(old, new, 1) if name == "truth_0.npy" else data)
        with pytest.raises(DataError, match=r"\.npz: .*Train again"):
            read_comparisons(tmp_path / "f.npz")


def test_an_archive_of_something_else(tmp_path):
    about = {"format": "unseam evidence 1", "facts": {"masks": "classes", "class_names": ["a"]}, "images": [{"name": "x"}]}
    for arrays in ({"other": np.zeros(3)}, {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}):
        np.savez(tmp_path / "e.npz", **arrays)
        with pytest.raises(DataError, match=r"\.npz: .*Train again"):
            read_comparisons(tmp_path / "e.npz")


def test_maps_that_do_not_fit_are_refused(tmp_path):
    about = {
        "format": "unseam evidence 1",
        "facts": {"masks": "classes", "class_names": ["a", "b"]},
        "images": [{"name": "x", "origin": [0, 0]}],
    }
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(tmp_path / "e.npz", about=text, truth_0=np.zeros((2, 3), int), predicted_0=np.zeros((3, 2), int))
    with pytest.raises(DataError, match="image 0: "):
        read_comparisons(tmp_path / "e.npz")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "e.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("about.npy", "w") as entry:
        for _ in range(520):
            entry.write(bytes(2**20))
    with pytest.raises(DataError, match="545,259,520 bytes"):
        read_comparisons(tmp_path / "e.npz")
