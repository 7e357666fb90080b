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
    "a pipe for a chunk": (chunk_pipe, r"1\.2 .*pipe"),
    "a folder for a chunk": (chunk_folder, r"1\.2 .*folder"),
    "a link out": (lambda p: link(p, "../secret"), r"1\.2 .*link"),
    "a link to a device": (lambda p: link(p, "/dev/zero"), "link"),
    "a link to itself": (lambda p: link(p, "1.2"), r"1\.2 cannot be read"),
    "an array linked from elsewhere": (folder_link, "link"),
    "a pipe for metadata": (lambda p: (v2(p), (p / ".zattrs").unlink(), os.mkfifo(p / ".zattrs")), r"\.zattrs .*pipe"),
    "a folder for metadata": (lambda p: (v2(p), (p / ".zattrs").unlink(), (p / ".zattrs").mkdir()), r"\.zattrs .*folder"),
    "metadata of 2 MB": (lambda p: (v2(p), (p / ".zattrs").write_text("{}" + " " * 2_000_000)), "1,000,000"),
    "nothing": (lambda p: p.mkdir(), "zarr.json"),
    "a file of this name": (lambda p: p.write_bytes(b"PK"), "unpack"),
    "not there": (lambda p: None, "there is no such file"),
    "an empty group": (lambda p: attributes(p, 2, {}), "no image"),
    # metadata
    "no JSON": (lambda p: (v2(p), (p / ".zarray").write_text("{")), r"\.zarray .*JSON"),
    "no text": (lambda p: (v2(p), (p / ".zarray").write_bytes(b"\xff\xfe{}")), r"\.zarray .*JSON"),
    "JSON without end": (lambda p: (v2(p), (p / ".zarray").write_text("[" * 90_000)), "JSON"),
    "a list": (lambda p: (v2(p), (p / ".zarray").write_text("[]")), "JSON object"),
    "format 4": (lambda p: v3(p, zarr_format=4), "format 4 "),
    "format 1": (lambda p: v2(p, zarr_format=1), "format 1 "),
    "no node": (lambda p: v3(p, node_type="tree"), "zarr.json .*group nor an array"),
    "six axes": (lambda p: array(p, np.zeros((1, 1, 1, 2, 9, 9))), "6 axes.* 2 to 5"),
    "one axis": (lambda p: array(p, np.zeros(9)), "1 axes"),
    "no pixels": (lambda p: v2(p, shape=[0, 50]), "the shape"),
    "a shape below 0": (lambda p: v2(p, shape=[-1, 50]), "the shape"),
    "a shape without end": (lambda p: v2(p, shape=[10**15, 10**15]), "the shape"),
    "a shape of words": (lambda p: v2(p, shape=["40", 50]), "the shape"),
    "chunks of 0": (lambda p: v2(p, chunks=[0, 0]), "the chunk shape"),
    "chunks of other axes": (lambda p: v2(p, chunks=[16]), "damaged"),
    "chunks of 2 GB": (lambda p: v2(p, chunks=[2**15, 2**15]), "chunks of 2,048 MiB"),
    "no chunks": (lambda p: v2(p, chunks=None), "damaged"),
    "chunks of 0 in format 3": (
        lambda p: v3(p, chunk_grid={"name": "regular", "configuration": {"chunk_shape": [0, 16]}}),
        "the chunk shape",
    ),
    "another grid": (lambda p: v3(p, chunk_grid={"name": "rectilinear", "configuration": {}}), "regular"),
    "another encoding": (lambda p: v3(p, chunk_key_encoding={"name": "odd"}), "regular"),
    "another separator": (lambda p: v2(p, dimension_separator=".."), "damaged"),
    "objects": (lambda p: v2(p, dtype="|O"), "type object"),
    "text": (lambda p: array(p, np.array([["a"]]), filters=[VLenUTF8()]), "type|codec|damaged"),
    "complex numbers": (lambda p: array(p, PIXELS.astype(complex)), "type complex128"),
    "records": (lambda p: v2(p, dtype=[["a", "<u2"], ["b", "<u2"]]), "records"),
    "a type that is none": (lambda p: v2(p, dtype="<q9"), "damaged"),
    "an unknown type of format 3": (lambda p: v3(p, data_type="int7"), "type int7"),
    "an extended type": (lambda p: v3(p, data_type={"name": "numpy.datetime64"}), "damaged|type"),
    "a pickle": (lambda p: v2(p, filters=[{"id": "pickle", "protocol": 5}]), "codec pickle"),
    "an unknown compression": (lambda p: v2(p, compressor={"id": "zfpy"}), "codec zfpy"),
    "an unknown codec of format 3": (lambda p: v3(p, codecs=[{"name": "bytes"}, {"name": "pcodec"}]), "damaged|codec pcodec"),
    "no codec": (lambda p: v3(p, codecs=[]), "codec none"),
    "two compressions": (lambda p: v2(p, filters=[{"id": "zlib"}]), "over another compression"),
    "a transposition of nothing": (
        lambda p: v3(p, codecs=[{"name": "transpose", "configuration": {"order": [0, 0]}}, {"name": "bytes"}]),
        "damaged",
    ),
    "a field that must be understood": (lambda p: v3(p, secret={"must_understand": True}), "'secret'"),
    "a storage transformer": (lambda p: v3(p, storage_transformers=[{"name": "x"}]), "transformer"),
    "a fill value of words": (lambda p: v2(p, fill_value="many"), "damaged"),
    "a fill value too large": (lambda p: v2(p, fill_value=70_000), "damaged"),
    # OME
    "a path out": (lambda p: dataset(p, "../other"), "inside the store"),
    "an absolute path": (lambda p: dataset(p, "/etc"), "inside the store"),
    "a path by way of itself": (lambda p: dataset(p, "s0/../../x"), "inside the store"),
    "a path of another system": (lambda p: dataset(p, "..\\x"), "inside the store"),
    "no path": (lambda p: dataset(p, None), "inside the store"),
    "an array that is not there": (lambda p: dataset(p, "s7"), "s7"),
    "no multiscales": (lambda p: (ome(p), edited(p / ".zattrs", multiscales={})), "OME metadata"),
    "no datasets": (lambda p: ome(p, datasets=[]), "OME metadata"),
    "datasets of another form": (lambda p: ome(p, datasets=7), "OME metadata"),
    "an unknown axis": (lambda p: ome(p, axes=[{"name": "y"}, {"name": "angle"}]), "'angle'"),
    "an axis of another kind": (lambda p: ome(p, axes=[{"name": "y"}, {"name": "x", "type": "time"}]), "axis 'x'"),
    "an axis twice": (lambda p: ome(p, axes=[{"name": "x"}, {"name": "x"}]), "axis 'x'"),
    "no columns": (lambda p: ome(p, axes=[{"name": "y"}, {"name": "z"}]), "rows .y. and columns .x."),
    "axes of another number": (lambda p: ome(p, axes=["z", "y", "x"]), "3 axes"),
    "a plate without wells": (lambda p: attributes(p, 2, {"plate": {}}), "wells"),
    "a well that is not there": (
        lambda p: attributes(p, 2, {"plate": {"wells": [{"path": "A/1"}]}}),
        "A/1.*copy",
    ),
    "a well outside": (lambda p: attributes(p, 2, {"plate": {"wells": [{"path": "../A"}]}}), "inside the store"),
    "series that are not there": (lambda p: attributes(p, 2, {"bioformats2raw.layout": 3}), "no image"),
    # our own
    "an unfinished result": (lambda p: unfinished(p, {"format": "unseam result 1", "complete": False}), "unfinished"),
    "a result that does not say it": (lambda p: unfinished(p, {"format": "unseam result 1"}), "unfinished"),
    "a result nearly finished": (lambda p: unfinished(p, {"complete": 1}), "unfinished"),
    # chunks
    "a missing chunk": (lambda p: chunk(p, None), r"rows 16 to 31, columns 32 to 47 .*missing.*--missing-chunks fill"),
    "a missing shard": (
        lambda p: (array(p, PIXELS, **SHARDED), (p / "c/1/1").unlink()),
        "rows 16 to 23, columns 24 to 31 .*missing",
    ),
    "a missing chunk in a shard": (shard_without_a_chunk, "rows 24 to 31, columns 32 to 39 .*missing"),
    "a shard that leads out": (lambda p: shard_entry(p, 2**40, 10), "damaged"),
    "a shard with a chunk too long": (lambda p: shard_entry(p, 0, 2**40), "damaged"),
    "a shard half absent": (lambda p: shard_entry(p, 2**64 - 1, 10), "damaged"),
    "a shard cut short": (lambda p: shard_cut(p, 0), "shorter"),
    "a shard with a damaged table": (lambda p: shard_cut(p, 100), "c/1/1|checksum"),
    "a chunk cut short": (lambda p: chunk(p, b"\0" * 40), r"Zarr chunk at rows 16 to 31, columns 32 to 47"),
    "an empty chunk": (lambda p: chunk(p, b""), "Zarr chunk"),
    "a plain chunk cut short": (lambda p: chunk(p, b"\0" * 511, compressors=None), "511 bytes .*512"),
    "a plain chunk too long": (lambda p: chunk(p, b"\0" * 513, compressors=None), "513 bytes .*512"),
    "a chunk far too long": (lambda p: chunk(p, b"\0" * 10**6, compressors=None), "damaged"),
    "rubbish for Zlib": (lambda p: chunk(p, b"rubbish", compressors=Zlib()), "Zarr chunk"),
    "a check sum that does not fit": (
        lambda p: chunk(p, b"\1" * 516, "c/1/2", zarr_format=3, compressors=[zarr.codecs.Crc32cCodec()]),
        "checksum",
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
    with pytest.raises(ImageReadError, match="Zarr chunk"):
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
    with pytest.raises(ImageReadError, match="Zarr chunk"):
        read_all(tmp_path / "a", fill_missing=True)


def test_a_link_inside_the_store_is_followed(tmp_path):
    link(tmp_path / "a", "0.0")
    np.testing.assert_array_equal(read_all(tmp_path / "a")[0][16:32, 32:48], PIXELS[:16, :16])


def test_only_chunks_of_the_window_are_looked_at(tmp_path):
    chunk(tmp_path / "a", None)
    (one,) = open_large(tmp_path / "a")
    one.read(0, slice(0, 16), slice(0, 50))
    with pytest.raises(ImageReadError, match="missing"):
        one.read(0, slice(0, 17), slice(0, 50))


def test_a_path_inside_an_unfinished_result(tmp_path):
    unfinished(tmp_path / "a.zarr", {"complete": False})
    with pytest.raises(ImageReadError, match=re.escape(str(tmp_path / "a.zarr/0")) + ".*unfinished"):
        open_large(tmp_path / "a.zarr/0")


def test_a_shard_with_too_many_chunks(tmp_path, monkeypatch):
    array(tmp_path / "a", PIXELS, **SHARDED)
    monkeypatch.setattr(zarr_metadata, "_MAX_PER_SHARD", 5)
    with pytest.raises(ImageReadError, match="6 chunks"):
        open_large(tmp_path / "a")
