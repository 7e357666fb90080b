"""The golden table of stores that are hostile, damaged or incomplete: each refused with its path, reason and mend."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import zarr.codecs
from numcodecs import VLenUTF8, Zlib

from torture.zarr_stores import array, attributes, edited, image
from unseam.errors import ImageReadError
from unseam.io.large import open_large, zarr_metadata
from unseam.io.large.image import LargeImage

PIXELS = np.arange(1, 1 + 40 * 50, dtype=np.uint16).reshape(40, 50)
SHARDED = {"zarr_format": 3, "chunks": (8, 8), "shards": (16, 24)}


def read_all(path: Path, **options: bool) -> list[np.ndarray]:
    def whole(one: LargeImage) -> np.ndarray:
        return one.read(0, slice(0, one.height), slice(0, one.width))

    return [whole(one) for one in open_large(path, **options)]


def v2(path: Path, **changes: object) -> None:
    array(path, PIXELS)
    if changes:
        edited(path / ".zarray", **changes)


def v3(path: Path, **changes: object) -> None:
    array(path, PIXELS, zarr_format=3)
    if changes:
        edited(path / "zarr.json", **changes)


def ome(path: Path, **changes: object) -> None:
    image(path, PIXELS, axes="YX")
    meaning = json.loads((path / ".zattrs").read_text())["multiscales"][0] | changes
    edited(path / ".zattrs", multiscales=[meaning])


def dataset(path: Path, inside: object) -> None:
    ome(path, datasets=[{"path": inside}])


def chunk(path: Path, data: bytes | None, name: str = "1.2", **options: object) -> None:
    array(path, PIXELS, **options)
    (path / name).unlink()
    if data is not None:
        (path / name).write_bytes(data)


def chunk_folder(path: Path) -> None:
    chunk(path, None)
    (path / "1.2").mkdir()


def chunk_pipe(path: Path) -> None:
    chunk(path, None)
    os.mkfifo(path / "1.2")


def link(path: Path, target: str, name: str = "1.2") -> None:
    chunk(path, None)
    (path.parent / "secret").write_bytes(bytes(512))
    (path / name).symlink_to(target)


def folder_link(path: Path) -> None:
    array(path.parent / "elsewhere", PIXELS)
    ome(path)
    (path / "s1").symlink_to(path.parent / "elsewhere")
    edited(path / ".zattrs", multiscales=[{"axes": ["y", "x"], "datasets": [{"path": "s1"}]}])


def shard_without_a_chunk(path: Path) -> None:
    array(path, PIXELS, **SHARDED)
    shard = path / "c/1/1"
    data = bytearray(shard.read_bytes())
    table = len(data) - 4 - 16 * 6
    data[table + 16 * 4 : table + 16 * 5] = b"\xff" * 16
    _sealed(data)
    shard.write_bytes(data)


def shard_entry(path: Path, offset: int, length: int) -> None:
    array(path, PIXELS, **SHARDED)
    shard = path / "c/1/1"
    data = bytearray(shard.read_bytes())
    table = len(data) - 4 - 16 * 6
    data[table : table + 16] = offset.to_bytes(8, "little") + length.to_bytes(8, "little")
    _sealed(data)
    shard.write_bytes(data)


def _sealed(data: bytearray) -> None:
    import google_crc32c

    table = bytes(data[-4 - 16 * 6 : -4])
    data[-4:] = google_crc32c.value(table).to_bytes(4, "little")


def shard_cut(path: Path, keep: int) -> None:
    array(path, PIXELS, **SHARDED)
    (path / "c/1/1").write_bytes((path / "c/1/1").read_bytes()[-keep:] if keep else b"x")


def unfinished(path: Path, ours: object) -> None:
    array(path / "0", PIXELS, zarr_format=3)
    attributes(path, 3, {"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "0"}]}]})
    tree = json.loads((path / "zarr.json").read_text())
    tree["attributes"]["unseam"] = ours
    (path / "zarr.json").write_text(json.dumps(tree))


def shrunk(path: Path, version: int, bomb: bytes) -> None:
    array(path, np.zeros((16, 16), np.uint8), zarr_format=version)
    (path / ("0.0" if version == 2 else "c/0/0")).write_bytes(bomb)


REFUSED = {
    # what lies in the folder
    "a pipe for a chunk": (chunk_pipe, r"1\.2 is a pipe or a device"),
    "a folder for a chunk": (chunk_folder, r"1\.2 is a folder"),
    "a link out": (lambda p: link(p, "../secret"), r"1\.2 is a link that leads out of the store"),
    "a link to a device": (lambda p: link(p, "/dev/zero"), "leads out of the store"),
    "a link to itself": (lambda p: link(p, "1.2"), r"1\.2 cannot be read"),
    "an array linked from elsewhere": (folder_link, "leads out of the store"),
    "a pipe for metadata": (lambda p: (v2(p), (p / ".zattrs").unlink(), os.mkfifo(p / ".zattrs")), r"\.zattrs is a pipe"),
    "a folder for metadata": (lambda p: (v2(p), (p / ".zattrs").unlink(), (p / ".zattrs").mkdir()), r"\.zattrs is a folder"),
    "metadata of 2 MB": (lambda p: (v2(p), (p / ".zattrs").write_text("{}" + " " * 2_000_000)), "metadata may have 1,000,000"),
    "nothing": (lambda p: p.mkdir(), "holds none of zarr.json"),
    "a file of this name": (lambda p: p.write_bytes(b"PK"), "is no folder"),
    "not there": (lambda p: None, "there is no such file"),
    "an empty group": (lambda p: attributes(p, 2, {}), "holds no image"),
    # metadata
    "no JSON": (lambda p: (v2(p), (p / ".zarray").write_text("{")), r"\.zarray is no readable JSON"),
    "no text": (lambda p: (v2(p), (p / ".zarray").write_bytes(b"\xff\xfe{}")), r"\.zarray is no readable JSON"),
    "JSON without end": (lambda p: (v2(p), (p / ".zarray").write_text("[" * 90_000)), "no readable JSON"),
    "a list": (lambda p: (v2(p), (p / ".zarray").write_text("[]")), "no JSON object"),
    "format 4": (lambda p: v3(p, zarr_format=4), "of Zarr format 4; 2 and 3 are read"),
    "format 1": (lambda p: v2(p, zarr_format=1), "of Zarr format 1"),
    "no node": (lambda p: v3(p, node_type="tree"), "neither that of a group nor of an array"),
    "six axes": (lambda p: array(p, np.zeros((1, 1, 1, 2, 9, 9))), "has 6 axes; an image has 2 to 5"),
    "one axis": (lambda p: array(p, np.zeros(9)), "has 1 axes"),
    "no pixels": (lambda p: v2(p, shape=[0, 50]), "has the shape"),
    "a shape below 0": (lambda p: v2(p, shape=[-1, 50]), "has the shape"),
    "a shape without end": (lambda p: v2(p, shape=[10**15, 10**15]), "more than any disk holds"),
    "a shape of words": (lambda p: v2(p, shape=["40", 50]), "has the shape"),
    "chunks of 0": (lambda p: v2(p, chunks=[0, 0]), "has the chunk shape"),
    "chunks of other axes": (lambda p: v2(p, chunks=[16]), "metadata of the array are damaged"),
    "chunks of 2 GB": (lambda p: v2(p, chunks=[2**15, 2**15]), "chunks of 2,048 MiB"),
    "no chunks": (lambda p: v2(p, chunks=None), "damaged"),
    "chunks of 0 in format 3": (
        lambda p: v3(p, chunk_grid={"name": "regular", "configuration": {"chunk_shape": [0, 16]}}),
        "has the chunk shape",
    ),
    "another grid": (lambda p: v3(p, chunk_grid={"name": "rectilinear", "configuration": {}}), "only regular ones"),
    "another encoding": (lambda p: v3(p, chunk_key_encoding={"name": "odd"}), "only regular ones"),
    "another separator": (lambda p: v2(p, dimension_separator=".."), "damaged"),
    "objects": (lambda p: v2(p, dtype="|O"), "holds values of type object"),
    "text": (lambda p: array(p, np.array([["a"]]), filters=[VLenUTF8()]), "holds values of type|which is not read|damaged"),
    "complex numbers": (lambda p: array(p, PIXELS.astype(complex)), "holds values of type complex128"),
    "records": (lambda p: v2(p, dtype=[["a", "<u2"], ["b", "<u2"]]), "holds records"),
    "a type that is none": (lambda p: v2(p, dtype="<q9"), "damaged"),
    "an unknown type of format 3": (lambda p: v3(p, data_type="int7"), "holds values of type int7"),
    "an extended type": (lambda p: v3(p, data_type={"name": "numpy.datetime64"}), "damaged|holds values of type"),
    "a pickle": (lambda p: v2(p, filters=[{"id": "pickle", "protocol": 5}]), "codec pickle, which is not read"),
    "an unknown compression": (lambda p: v2(p, compressor={"id": "zfpy"}), "codec zfpy, which is not read"),
    "an unknown codec of format 3": (lambda p: v3(p, codecs=[{"name": "bytes"}, {"name": "pcodec"}]), "damaged|codec pcodec"),
    "no codec": (lambda p: v3(p, codecs=[]), "codec none"),
    "two compressions": (lambda p: v2(p, filters=[{"id": "zlib"}]), "over another compression"),
    "a transposition of nothing": (
        lambda p: v3(p, codecs=[{"name": "transpose", "configuration": {"order": [0, 0]}}, {"name": "bytes"}]),
        "damaged",
    ),
    "a field that must be understood": (lambda p: v3(p, secret={"must_understand": True}), "'secret', which is not known"),
    "a storage transformer": (lambda p: v3(p, storage_transformers=[{"name": "x"}]), "by way of a transformer"),
    "a fill value of words": (lambda p: v2(p, fill_value="many"), "damaged"),
    "a fill value too large": (lambda p: v2(p, fill_value=70_000), "damaged"),
    # OME
    "a path out": (lambda p: dataset(p, "../other"), "has to lie inside the store"),
    "an absolute path": (lambda p: dataset(p, "/etc"), "has to lie inside the store"),
    "a path by way of itself": (lambda p: dataset(p, "s0/../../x"), "has to lie inside the store"),
    "a path of another system": (lambda p: dataset(p, "..\\x"), "has to lie inside the store"),
    "no path": (lambda p: dataset(p, None), "has to lie inside the store"),
    "an array that is not there": (lambda p: dataset(p, "s7"), "the array s7, which is not there"),
    "no multiscales": (lambda p: (ome(p), edited(p / ".zattrs", multiscales={})), "OME metadata are damaged"),
    "no datasets": (lambda p: ome(p, datasets=[]), "OME metadata are damaged"),
    "datasets of another form": (lambda p: ome(p, datasets=7), "OME metadata are damaged"),
    "an unknown axis": (lambda p: ome(p, axes=[{"name": "y"}, {"name": "angle"}]), "has an axis 'angle'"),
    "an axis of another kind": (lambda p: ome(p, axes=[{"name": "y"}, {"name": "x", "type": "time"}]), "has an axis 'x'"),
    "an axis twice": (lambda p: ome(p, axes=[{"name": "x"}, {"name": "x"}]), "has an axis 'x'"),
    "no columns": (lambda p: ome(p, axes=[{"name": "y"}, {"name": "z"}]), "has rows .y. and columns .x."),
    "axes of another number": (lambda p: ome(p, axes=["z", "y", "x"]), "give 3 axes"),
    "a plate without wells": (lambda p: attributes(p, 2, {"plate": {}}), "list no wells"),
    "a well that is not there": (
        lambda p: attributes(p, 2, {"plate": {"wells": [{"path": "A/1"}]}}),
        "A/1, which is not there",
    ),
    "a well outside": (lambda p: attributes(p, 2, {"plate": {"wells": [{"path": "../A"}]}}), "inside the store"),
    "series that are not there": (lambda p: attributes(p, 2, {"bioformats2raw.layout": 3}), "holds no image"),
    # our own
    "an unfinished result": (lambda p: unfinished(p, {"format": "unseam result 1", "complete": False}), "unfinished result"),
    "a result that does not say it": (lambda p: unfinished(p, {"format": "unseam result 1"}), "unfinished result"),
    "a result nearly finished": (lambda p: unfinished(p, {"complete": 1}), "unfinished result"),
    # chunks
    "a missing chunk": (lambda p: chunk(p, None), r"rows 16 to 31, columns 32 to 47 is missing.*--missing-chunks fill"),
    "a missing shard": (
        lambda p: (array(p, PIXELS, **SHARDED), (p / "c/1/1").unlink()),
        "rows 16 to 23, columns 24 to 31 is missing",
    ),
    "a missing chunk in a shard": (shard_without_a_chunk, "rows 24 to 31, columns 32 to 39 is missing"),
    "a shard that leads out": (lambda p: shard_entry(p, 2**40, 10), "the store is damaged"),
    "a shard with a chunk too long": (lambda p: shard_entry(p, 0, 2**40), "the store is damaged"),
    "a shard half absent": (lambda p: shard_entry(p, 2**64 - 1, 10), "the store is damaged"),
    "a shard cut short": (lambda p: shard_cut(p, 0), "shorter than its table"),
    "a shard with a damaged table": (lambda p: shard_cut(p, 100), "shard c/1/1|check sum|damaged"),
    "a chunk cut short": (lambda p: chunk(p, b"\0" * 40), r"no readable Zarr chunk at rows 16 to 31, columns 32 to 47"),
    "an empty chunk": (lambda p: chunk(p, b""), "no readable Zarr chunk"),
    "a plain chunk cut short": (lambda p: chunk(p, b"\0" * 511, compressors=None), "511 bytes where 512 belong"),
    "a plain chunk too long": (lambda p: chunk(p, b"\0" * 513, compressors=None), "513 bytes where 512 belong"),
    "a chunk far too long": (lambda p: chunk(p, b"\0" * 10**6, compressors=None), "the store is damaged"),
    "rubbish for Zlib": (lambda p: chunk(p, b"rubbish", compressors=Zlib()), "no readable Zarr chunk"),
    "a check sum that does not fit": (
        lambda p: chunk(p, b"\1" * 516, "c/1/2", zarr_format=3, compressors=[zarr.codecs.Crc32cCodec()]),
        "its check sum does not fit",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, tmp_path):
    make, reason = REFUSED[name]
    path = tmp_path / "store.zarr"
    make(path)
    with pytest.raises(ImageReadError, match="(?s)" + reason) as caught:
        read_all(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["zlib", "gzip", "bz2", "lzma", "zstd", "blosc", "lz4"])
def test_bombs_are_not_decoded(name, tmp_path):
    """A stream that makes 64 MB of a few kB, where 256 bytes belong."""
    import numcodecs

    codec = numcodecs.get_codec({"id": name})
    bomb = bytes(codec.encode(bytes(64_000_000 // (1 if name != "lz4" else 4))))
    array(tmp_path / "a", np.zeros((16, 16), np.uint8), compressors=codec)
    (tmp_path / "a/0.0").write_bytes(bomb[:60_000])
    with pytest.raises(ImageReadError, match="no readable Zarr chunk"):
        read_all(tmp_path / "a")


def test_missing_chunks_may_be_filled(tmp_path):
    chunk(tmp_path / "a", None, fill_value=7)
    (window,) = read_all(tmp_path / "a", fill_missing=True)
    expected = PIXELS.copy()
    expected[16:32, 32:48] = 7
    np.testing.assert_array_equal(window, expected)
    shard_without_a_chunk(tmp_path / "b")
    (window,) = read_all(tmp_path / "b", fill_missing=True)
    assert (window[24:32, 32:40] == 0).all()
    assert (window != 0).sum() == PIXELS.size - 64


@pytest.mark.parametrize(("fill", "value"), [("NaN", np.nan), ("-Infinity", -np.inf), (1.5, 1.5), ("0x3fc00000", 1.5)])
def test_fill_values_that_json_has_no_number_for(fill, value, tmp_path):
    array(tmp_path / "a", PIXELS.astype(np.float32), zarr_format=3)
    edited(tmp_path / "a/zarr.json", fill_value=fill)
    (tmp_path / "a/c/0/0").unlink()
    np.testing.assert_array_equal(read_all(tmp_path / "a", fill_missing=True)[0][:16, :16], value)


def test_damage_is_not_filled(tmp_path):
    chunk(tmp_path / "a", b"")
    with pytest.raises(ImageReadError, match="no readable Zarr chunk"):
        read_all(tmp_path / "a", fill_missing=True)


def test_a_link_inside_the_store_is_followed(tmp_path):
    link(tmp_path / "a", "0.0")
    np.testing.assert_array_equal(read_all(tmp_path / "a")[0][16:32, 32:48], PIXELS[:16, :16])


def test_only_chunks_of_the_window_are_looked_at(tmp_path):
    chunk(tmp_path / "a", None)
    (one,) = open_large(tmp_path / "a")
    one.read(0, slice(0, 16), slice(0, 50))
    with pytest.raises(ImageReadError, match="is missing"):
        one.read(0, slice(0, 17), slice(0, 50))


def test_a_path_inside_an_unfinished_result(tmp_path):
    unfinished(tmp_path / "a.zarr", {"complete": False})
    with pytest.raises(ImageReadError, match=re.escape(str(tmp_path / "a.zarr/0")) + ".*unfinished"):
        open_large(tmp_path / "a.zarr/0")


def test_a_shard_with_too_many_chunks(tmp_path, monkeypatch):
    array(tmp_path / "a", PIXELS, **SHARDED)
    monkeypatch.setattr(zarr_metadata, "_MOST_PER_SHARD", 5)
    with pytest.raises(ImageReadError, match="shards of 6 chunks"):
        open_large(tmp_path / "a")
