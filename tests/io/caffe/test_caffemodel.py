"""``.caffemodel`` is read as a plain reader reads it, or refused with one kind of error before memory is taken."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.caffe_files import blob, caffemodel, field, read_caffemodel, varint
from unseam.errors import ModelFileError
from unseam.io.caffe import open_caffe

SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4)
ARRAYS = st.lists(st.tuples(SHAPES, st.sampled_from([np.float32, np.float64])), min_size=1, max_size=3)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def read(path: Path, data: bytes) -> dict[str, list[np.ndarray]]:
    path.write_bytes(data)
    with open_caffe(path) as layers:
        return {name: [array.read() for array in arrays] for name, arrays in layers.items()}


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("caffe") / "net.caffemodel"


@settings(max_examples=50)
@given(st.dictionaries(NAMES, ARRAYS, max_size=4), st.sampled_from(["new", "V1"]), st.integers(1, 3), st.integers(0, 9))
def test_it_reads_what_a_plain_reader_reads(path, layers, form, pieces, seed):
    rng = np.random.default_rng(seed)
    arrays = {name: [rng.normal(size=shape).astype(dtype) for shape, dtype in of] for name, of in layers.items()}
    data = caffemodel(arrays, form, pieces=pieces)
    found, plain = read(path, data), read_caffemodel(data)
    assert list(found) == list(plain) == list(arrays)
    for name, of_layer in arrays.items():
        for array, expected, given_array in zip(found[name], plain[name], of_layer, strict=True):
            assert array.dtype == np.float32
            assert array.shape == expected.shape, "the older form has four lengths"
            assert np.array_equal(array, expected.astype(np.float32))
            assert np.array_equal(array.ravel(), given_array.ravel().astype(np.float32))


def test_numbers_that_are_not_packed_are_read(path):
    numbers = b"".join(varint(8 * 5 + 5) + np.float32(value).tobytes() for value in (1.5, -2))
    data = field(100, field(1, b"a") + field(7, field(7, field(1, 2)) + numbers))
    assert np.array_equal(read(path, data)["a"][0], [1.5, -2])


def test_an_array_without_a_shape_is_a_row(path):
    data = field(100, field(1, b"a") + field(7, field(5, np.float32([1, 2, 3]).tobytes())))
    assert read(path, data)["a"][0].shape == (3,)


def test_an_empty_array(path):
    assert read(path, field(100, field(1, b"a") + field(7, field(7, field(1, 0)))))["a"][0].shape == (0,)


def test_both_forms_in_one_file(path):
    arrays = {"a": [np.ones((2, 3), np.float32)]}
    found = read(path, caffemodel(arrays) + caffemodel({"b": arrays["a"]}, "V1"))
    assert {name: array[0].shape for name, array in found.items()} == {"a": (2, 3), "b": (1, 1, 2, 3)}


WHOLE = caffemodel({"a": [np.ones((2, 3), np.float32)], "b": [np.zeros(4, np.float32)]})


def test_cut_short_anywhere_it_is_refused_or_what_is_there_is_whole(path):
    expected, num_refused = {"a": np.ones((2, 3)), "b": np.zeros(4)}, 0
    for end in range(len(WHOLE)):
        try:
            found = read(path, WHOLE[:end])
        except ModelFileError:
            num_refused += 1
            continue
        assert all(np.array_equal(arrays[0], expected[name]) for name, arrays in found.items())
    assert num_refused > 0.9 * len(WHOLE), "it is read only if it ends between two fields"


def layer(content: bytes) -> bytes:
    return field(100, field(1, b"conv") + content)


ONE = np.ones((2, 3), np.float32)
REFUSED = {
    "a length beyond the file": (varint(8 * 100 + 2) + varint(2**40) + b"x", "1,099,511,627,776 bytes begins, and 1 are left"),
    "a length beyond its layer": (field(100, varint(8 * 7 + 2) + varint(50)) + bytes(99), "50 bytes begins, and 0 are left"),
    "a length beyond its array": (layer(field(7, varint(8 * 5 + 2) + varint(8) + bytes(4))), "8 bytes begins, and 4 are left"),
    "a number that never ends": (b"\xff" * 40, "a number does not end"),
    "a number of more than 64 bits": (varint(8 * 3) + b"\xff" * 9 + b"\x7f", "a number does not end"),
    "a group": (varint(8 * 5 + 3), "unknown kind 3"),
    "field 0": (varint(2) + varint(0), "the number 0"),
    "a huge field number": (varint(8 * 2**40) + b"\0", "field with the number"),
    "fewer numbers than the shape": (layer(field(7, blob(ONE)[:6] + field(5, bytes(20)))), "2 x 3, and 20 bytes"),
    "a shape of another count": (layer(field(7, field(7, field(1, 7)) + field(5, ONE.tobytes()))), "'conv'.* 7, and 24 bytes"),
    "a huge shape": (layer(field(7, field(7, field(1, varint(2**62) * 3)) + field(5, ONE.tobytes()))), "4611686018427387904 x"),
    "a negative shape": (layer(field(7, field(7, field(1, varint(-2) + varint(-3))) + field(5, ONE.tobytes()))), "-2 x -3"),
    "too many axes": (layer(field(7, field(7, field(1, varint(1) * 40)) + field(5, bytes(4)))), "more than 32 numbers"),
    "half a number": (layer(field(7, field(7, field(1, 1)) + field(5, bytes(5)))), "5 bytes of numbers"),
    "two precisions": (layer(field(7, field(5, bytes(8)) + field(8, bytes(8)))), "twice"),
    "a long name": (field(100, field(1, b"n" * 2000)), "2,000 bytes where at most 1,000"),
    "one name twice": (2 * layer(field(7, blob(ONE))), "two layers .* 'conv'"),
    "too many arrays": (layer(70 * field(7, blob(ONE))), "more than 64 arrays"),
    "too many fields": (200_001 * field(9, b""), "more than 200,000 fields"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case, path):
    data, words = REFUSED[case]
    with pytest.raises(ModelFileError, match=words) as caught:
        read(path, data)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_hostile_file_costs_no_memory(path):
    """A sparse file of 1.9 GB with one array of that size: nothing is read before somebody asks for it."""
    num_bytes = 1_900_000_000
    end = varint(8 * 5 + 2) + varint(num_bytes)
    shape = field(7, field(1, num_bytes // 4))
    content = shape + end
    head = varint(8 * 7 + 2) + varint(len(content) + num_bytes)
    name = field(1, b"conv")
    start = varint(8 * 100 + 2) + varint(len(name) + len(head) + len(content) + num_bytes) + name + head + content
    path.write_bytes(start)
    with path.open("r+b") as file:
        file.truncate(len(start) + num_bytes)
    tracemalloc.start()
    with open_caffe(path) as layers:
        assert layers["conv"][0].shape == (num_bytes // 4,)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    path.unlink()


def test_more_than_2_gb_is_refused(path):
    path.write_bytes(b"\n")
    with path.open("r+b") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(ModelFileError, match="2,147,483,649 bytes"):
        read_only(path)
    path.unlink()


def read_only(path: Path) -> None:
    with open_caffe(path) as layers:
        dict(layers)


def test_a_file_that_shrinks_while_it_is_read(path):
    path.write_bytes(WHOLE)
    with open_caffe(path) as layers, path.open("r+b") as file:
        file.truncate(40)
        with pytest.raises(ModelFileError, match="shorter"):
            layers["b"][0].read()


def test_what_is_no_file(tmp_path):
    for wrong in (tmp_path, tmp_path / "absent", Path("nul\0l")):
        with pytest.raises(ModelFileError):
            read_only(wrong)
