"""``.caffemodel.h5``: the arrays that Caffe writes, and nothing else that HDF5 can hold."""

from pathlib import Path

import numpy as np
import pytest

from reference.caffe_files import hdf5
from unseam.errors import ModelFileError, SettingsError
from unseam.io.caffe import open_caffe

ARRAYS = {"conv_d0a-b": [np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3), np.float32([1, 2])], "b": [np.float64([3, 4])]}


def test_it_is_read_by_its_content_whatever_it_is_called(tmp_path):
    pytest.importorskip("h5py")
    with open_caffe(hdf5(tmp_path / "any.name", ARRAYS)) as layers:
        assert {name: [array.shape for array in arrays] for name, arrays in layers.items()} == {
            name: [array.shape for array in arrays] for name, arrays in ARRAYS.items()
        }, "empty groups and diff are left out"
        for name, arrays in ARRAYS.items():
            for stored, array in zip(layers[name], arrays, strict=True):
                assert stored.read().dtype == np.float32
                assert np.array_equal(stored.read(), array)


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(SettingsError, match=r"pip install 'unseam\[hdf5\]'"), open_caffe(tmp_path / "a.h5"):
        pass


def objects(h5py, layer, path):
    layer.create_dataset("0", data=[b"text"], dtype=h5py.special_dtype(vlen=bytes))


def references(h5py, layer, path):
    layer.create_dataset("0", (2,), dtype=h5py.ref_dtype)


def pickled(h5py, layer, path):
    layer.create_dataset("0", data=np.void(b"cos\nsystem\n(S'true'\ntR."))


def whole_numbers(h5py, layer, path):
    layer.create_dataset("0", data=np.arange(4))


def half_precision(h5py, layer, path):
    layer.create_dataset("0", data=np.zeros(4, np.float16))


def compressed(h5py, layer, path):
    layer.create_dataset("0", (10**12,), np.float32, chunks=(10**6,), compression="gzip")


def never_written(h5py, layer, path):
    layer.create_dataset("0", (10**12,), np.float32)


def data_in_another_file(h5py, layer, path):
    (path / "other.raw").write_bytes(bytes(400))
    layer.create_dataset("0", (100,), np.float32, external=[(str(path / "other.raw"), 0, 400)])


def virtual(h5py, layer, path):
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource(str(path / "other.h5"), "0", (2,))
    layer.create_virtual_dataset("0", layout)


def link_to_another_file(h5py, layer, path):
    layer["0"] = h5py.ExternalLink(str(path / "other.h5"), "/0")


def soft_link(h5py, layer, path):
    layer["0"] = h5py.SoftLink("/data")


def a_group_for_an_array(h5py, layer, path):
    layer.create_group("0")


def other_names(h5py, layer, path):
    layer.create_dataset("weight", data=np.zeros(4, np.float32))


def a_gap(h5py, layer, path):
    layer.create_dataset("1", data=np.zeros(4, np.float32))


REFUSED = {
    objects: "objects or text", references: "objects or text", pickled: "weights are float32", whole_numbers: "int64",
    half_precision: "float16", compressed: "one piece", never_written: "one piece", data_in_another_file: "one piece",
    virtual: "one piece", link_to_another_file: "a link to another place", soft_link: "a link to another place",
    a_group_for_an_array: "is no array", other_names: "other things than arrays", a_gap: "other things than arrays",
}  # fmt: skip


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_caffe_never_writes_is_refused(make, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "net.caffemodel.h5"
    with h5py.File(path, "w") as file:
        make(h5py, file.create_group("data").create_group("conv"), tmp_path)
    with pytest.raises(ModelFileError, match=REFUSED[make]) as caught, open_caffe(path):
        pass
    assert str(path) in str(caught.value)


def test_another_hdf5_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    for make in (lambda file: None, lambda file: file.create_dataset("data", data=[1.0]), lambda file: file.create_group("x")):
        with h5py.File(path, "w") as file:
            make(file)
        with pytest.raises(ModelFileError, match="no group 'data'"), open_caffe(path):
            pass


def test_cut_short_it_is_refused(tmp_path):
    pytest.importorskip("h5py")
    path = hdf5(tmp_path / "whole.h5", ARRAYS)
    data, short = path.read_bytes(), tmp_path / "short.h5"
    for end in (8, 9, 100, len(data) // 2, len(data) - 1):
        short.write_bytes(data[:end])
        with pytest.raises(ModelFileError, match="cut short or damaged"):
            read_all(short)


def read_all(path: Path) -> None:
    with open_caffe(path) as layers:
        for arrays in layers.values():
            for array in arrays:
                array.read()
