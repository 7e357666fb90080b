"""Windows of Zarr stores of every layout are those of the array that zarr wrote."""

from pathlib import Path

import numpy as np
import pytest
import zarr
import zarr.codecs
from numcodecs import BZ2, LZ4, LZMA, Blosc, Delta, Shuffle, Zlib
from zarr.codecs.numcodecs import BZ2 as BZ2v3
from zarr.codecs.numcodecs import LZ4 as LZ4v3

from torture.zarr_stores import array, attributes, edited, image
from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.image_file import ImageFile
from unseam.io.large import is_store, open_large
from unseam.io.large.image import LargeImage

COUNT = np.arange(2 * 3 * 4 * 37 * 53, dtype=np.uint16).reshape(2, 3, 4, 37, 53)


def planes(pixels: np.ndarray, axes: str) -> list[np.ndarray]:
    kept = [i for i, (letter, n) in enumerate(zip(axes, pixels.shape, strict=True)) if letter in "YX" or n > 1]
    pixels, axes = pixels.reshape([pixels.shape[i] for i in kept]), "".join(axes[i] for i in kept)
    return ImageFile(pixels, axes, UNKNOWN, Path("a")).planes()


def check_windows(one: LargeImage, expected: list[np.ndarray], rng: np.random.Generator, num: int = 6) -> None:
    assert isinstance(one, LargeImage)
    assert one.num_planes == len(expected) == np.prod(one.plane_shape, dtype=int)
    assert (one.height, one.width) == expected[0].shape[:2]
    assert one.has_channels == (expected[0].ndim == 3)
    assert one.num_channels == (expected[0].shape[2] if one.has_channels else 1)
    assert len(one.plane_axes) == len(one.plane_shape)
    for _ in range(num):
        plane = int(rng.integers(one.num_planes))
        top, left = int(rng.integers(one.height)), int(rng.integers(one.width))
        rows = slice(top, int(rng.integers(top, one.height)) + 1)
        columns = slice(left, int(rng.integers(left, one.width)) + 1)
        window = one.read(plane, rows, columns)
        np.testing.assert_array_equal(window, expected[plane][rows, columns])
        assert window.dtype == one.dtype
        assert window.dtype.isnative
        assert window.flags.writeable
        assert window.flags.owndata or window.base.flags.owndata


SHARDS = {"zarr_format": 3, "chunks": (1, 1, 2, 8, 8), "shards": (1, 3, 4, 24, 32)}
LAYOUTS = {
    "2": {},
    "2, nested": {"chunk_key_encoding": {"name": "v2", "separator": "/"}},
    "2, columns first": {"order": "F"},
    "2, plain": {"compressors": None},
    "2, Zlib": {"compressors": Zlib()},
    "2, BZ2": {"compressors": BZ2()},
    "2, LZMA": {"compressors": LZMA()},
    "2, LZ4": {"compressors": LZ4()},
    "2, Blosc": {"compressors": Blosc(cname="lz4", shuffle=Blosc.BITSHUFFLE)},
    "2, Blosc Zstandard": {"compressors": Blosc(cname="zstd", shuffle=Blosc.SHUFFLE)},
    "2, differences": {"filters": [Delta("<u2", "<i4")], "compressors": Zlib()},
    "2, shuffled": {"filters": [Shuffle(2)], "compressors": Zlib()},
    "3": {"zarr_format": 3},
    "3, keys of 2": {"zarr_format": 3, "chunk_key_encoding": {"name": "v2", "separator": "."}},
    "3, flat": {"zarr_format": 3, "chunk_key_encoding": {"name": "default", "separator": "."}},
    "3, plain": {"zarr_format": 3, "compressors": None},
    "3, gzip": {"zarr_format": 3, "compressors": [zarr.codecs.GzipCodec()]},
    "3, Zstandard with sum": {"zarr_format": 3, "compressors": [zarr.codecs.ZstdCodec(checksum=True)]},
    "3, Blosc and sum": {"zarr_format": 3, "compressors": [zarr.codecs.BloscCodec(), zarr.codecs.Crc32cCodec()]},
    "3, transposed": {"zarr_format": 3, "filters": [zarr.codecs.TransposeCodec(order=(4, 0, 3, 1, 2))]},
    "3, transposed twice": {
        "zarr_format": 3,
        "filters": [zarr.codecs.TransposeCodec(order=(4, 0, 3, 1, 2)), zarr.codecs.TransposeCodec(order=(1, 2, 0, 4, 3))],
    },
    "3, big-endian": {"zarr_format": 3, "serializer": zarr.codecs.BytesCodec(endian="big")},
    "3, shards": SHARDS,
    "3, shards, transposed": {**SHARDS, "filters": [zarr.codecs.TransposeCodec(order=(4, 0, 3, 1, 2))]},
    "3, shards, plain": {**SHARDS, "compressors": None},
    "3, shards, index first": {
        "zarr_format": 3,
        "chunks": (1, 3, 4, 24, 32),
        "compressors": None,
        "serializer": zarr.codecs.ShardingCodec(chunk_shape=(1, 1, 2, 8, 8), index_location="start"),
    },
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout(name, tmp_path, rng):
    options = dict(LAYOUTS[name])
    version = options.pop("zarr_format", 2)
    (one,) = open_large(image(tmp_path / "a.zarr", COUNT, version, **options))
    assert (one.axes, one.plane_axes, one.plane_shape, one.position) == ("TCZYX", "TZ", (2, 4), "")
    assert one.spacing_um == (0.5, 0.25)
    assert one.piece == ((8, 8) if "shards" in name else (16, 16))
    check_windows(one, planes(COUNT, "TCZYX"), rng)


@pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3")
@pytest.mark.parametrize("codec", [BZ2v3, LZ4v3])
def test_codecs_under_the_name_of_numcodecs(codec, tmp_path, rng):
    (one,) = open_large(image(tmp_path / "a", COUNT, 3, compressors=[codec()]))
    check_windows(one, planes(COUNT, "TCZYX"), rng)


@pytest.mark.parametrize("axes", ["YX", "XY", "CYX", "YXC", "ZYX", "TYX", "TZYX", "XCYT", "ZCXY", "TCZYX", "CTXZY"])
def test_axes_in_any_order(axes, tmp_path, rng):
    pixels = np.moveaxis(COUNT, range(5), range(5)).transpose(["TCZYX".index(letter) for letter in "TCZYX"])
    kept = pixels[tuple(slice(None) if letter in axes else 0 for letter in "TCZYX")]
    rest = [letter for letter in "TCZYX" if letter in axes]
    stored = kept.transpose([rest.index(letter) for letter in axes])
    (one,) = open_large(image(tmp_path / "a", stored, 3, axes))
    assert one.axes == axes
    check_windows(one, planes(stored, axes), rng)


@pytest.mark.parametrize("dtype", ["?", "|u1", "<i2", ">i2", ">u4", "<i8", "<f2", ">f4", "<f8"])
def test_types_of_numbers(dtype, tmp_path, rng):
    pixels = (COUNT[0, 0, 0] % 2 if dtype == "?" else COUNT[0, 0, 0]).astype(dtype)
    (one,) = open_large(array(tmp_path / "a", pixels))
    assert one.dtype == (np.uint8 if dtype == "?" else np.dtype(dtype).newbyteorder("="))
    check_windows(one, [pixels.astype(one.dtype)], rng)


def test_axes_of_one_are_dropped(tmp_path, rng):
    (one,) = open_large(image(tmp_path / "a", COUNT[:1, :1], 2))
    assert (one.axes, one.num_channels, one.has_channels) == ("ZYX", 1, False)
    check_windows(one, list(COUNT[0, 0]), rng)


def test_an_array_alone_has_its_axes_guessed(tmp_path, rng):
    pixels = COUNT[:, :, 0].reshape(6, 37, 53)
    (one,) = open_large(array(tmp_path / "a", pixels))
    assert "stack of 6 planes" in one.notes[0]
    check_windows(one, list(pixels), rng)


def test_an_array_alone_that_names_its_axes(tmp_path, rng):
    (one,) = open_large(array(tmp_path / "a", COUNT[:, 0, 0], zarr_format=3, dimension_names=["t", "x", "y"]))
    assert (one.axes, one.notes) == ("TXY", ())
    path = array(tmp_path / "b", COUNT[:, 0, 0])
    (path / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["t", "y", "x"]}')
    (one,) = open_large(path)
    assert one.axes == "TYX"


@pytest.mark.parametrize("version", [2, 3])
def test_a_path_inside_a_store(version, tmp_path, rng):
    image(tmp_path / "a.zarr", COUNT, version)
    (full,) = open_large(tmp_path / "a.zarr/s0")
    assert (full.axes, full.spacing_um) == ("TCZYX", (0.5, 0.25))
    (half,) = open_large(tmp_path / "a.zarr/half")
    assert (half.height, half.spacing_um) == (19, (1.0, 0.5))
    image(tmp_path / "a.zarr/labels/cells", COUNT[:, :1], version)
    attributes(tmp_path / "a.zarr/labels", version, {"labels": ["cells"]})
    (labels,) = open_large(tmp_path / "a.zarr/labels")
    assert labels.axes == "TZYX"
    (labels,) = open_large(tmp_path / "a.zarr/labels/cells")
    check_windows(labels, planes(COUNT[:, :1], "TCZYX"), rng)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("is_listed", [True, False])
def test_series_of_a_converted_file(version, is_listed, tmp_path, rng):
    path = tmp_path / "a.zarr"
    attributes(path, version, {"bioformats2raw.layout": 3})
    for number in range(11):
        image(path / str(number), COUNT[:1, :, number % 4 : number % 4 + 1], version)
    if is_listed:
        attributes(path / "OME", version, {"series": ["3", "0"]})
    images = open_large(path)
    order = [3, 0] if is_listed else list(range(11))
    assert [one.position for one in images] == [str(number) for number in order]
    for number, one in zip(order, images, strict=True):
        check_windows(one, planes(COUNT[:1, :, number % 4 : number % 4 + 1], "TCZYX"), rng, 2)
    (alone,) = open_large(path / images[1].position)
    assert alone.height == 37


@pytest.mark.parametrize("version", [2, 3])
def test_plate_and_well(version, tmp_path, rng):
    path = tmp_path / "a.zarr"
    attributes(path, version, {"plate": {"wells": [{"path": "A/2"}, {"path": "B/1"}]}})
    for number, well in enumerate(["A/2", "B/1"]):
        attributes(path / well, version, {"well": {"images": [{"path": "0"}, {"path": "1"}]}})
        for field in range(2):
            image(path / well / str(field), COUNT[number, field][None, None], version)
    images = open_large(path)
    assert [one.position for one in images] == ["A/2/0", "A/2/1", "B/1/0", "B/1/1"]
    check_windows(images[3], list(COUNT[1, 1]), rng)
    assert [one.position for one in open_large(path / "A/2")] == ["0", "1"]


def test_a_plain_group_gives_its_arrays(tmp_path, rng):
    attributes(tmp_path / "a", 2, {"made by": "somebody"})
    for number in (10, 9):
        array(tmp_path / "a" / f"raw{number}", COUNT[0, 0, 0] + np.uint16(number))
    (tmp_path / "a" / "notes").mkdir()
    images = open_large(tmp_path / "a")
    assert [one.position for one in images] == ["raw9", "raw10"]
    check_windows(images[1], [COUNT[0, 0, 0] + np.uint16(10)], rng)


def test_the_full_resolution_need_not_be_named_first(tmp_path):
    path = image(tmp_path / "a", COUNT)
    import json

    meaning = json.loads((path / ".zattrs").read_text())["multiscales"][0]
    meaning["datasets"].reverse()
    edited(path / ".zattrs", multiscales=[meaning])
    assert open_large(path)[0].height == 37


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("nanometer", 1e-3), ("millimeter", 1e3), ("inch", 25400.0), ("angstrom", 1e-4), ("yard", 914400.0)],
)
def test_units_of_length(unit, factor, tmp_path):
    axes = [{"name": name, "type": "space", "unit": unit} for name in "yx"]
    step = [{"type": "scale", "scale": [2, 3]}]
    array(tmp_path / "a/0", COUNT[0, 0, 0])
    datasets = [{"path": "0", "coordinateTransformations": step}]
    meaning = {"axes": axes, "datasets": datasets, "coordinateTransformations": [{"type": "scale", "scale": [10, 0.5]}]}
    attributes(tmp_path / "a", 2, {"multiscales": [meaning]})
    spacing = open_large(tmp_path / "a")[0].spacing_um
    assert spacing == pytest.approx((20 * factor, 1.5 * factor))


@pytest.mark.parametrize("what", [{"unit": None}, {"unit": "pixel"}, {"scale": [1]}, {"scale": "x"}, {"scale": [0, 1]}])
def test_no_spacing_where_none_is_said(what, tmp_path):
    axes = [{"name": name, "type": "space", "unit": what.get("unit", "micrometer")} for name in "yx"]
    step = [{"type": "scale", "scale": what.get("scale", [2, 3])}]
    array(tmp_path / "a/0", COUNT[0, 0, 0])
    meaning = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": step}]}
    attributes(tmp_path / "a", 2, {"multiscales": [meaning]})
    assert open_large(tmp_path / "a")[0].spacing_um is None


@pytest.mark.parametrize("version", [2, 3])
def test_planes_frames_and_place(version, tmp_path):
    units = {"t": "millisecond", "z": "nanometer", "y": "micrometer", "x": "µm"}
    axes = [{"name": name, "unit": units.get(name)} for name in "tczyx"]
    own = [{"type": "scale", "scale": [500, 1, 800, 0.5, 0.25]}, {"type": "translation", "translation": [100, 0, 1000, -4, 6]}]
    whole = [{"type": "scale", "scale": [2, 1, 1, 1, 2]}, {"type": "translation", "translation": [0, 0, 500, 0, 1]}]
    datasets = [{"path": str(n), "coordinateTransformations": own} for n in range(2)]
    meaning = {"axes": axes, "datasets": datasets, "coordinateTransformations": whole}
    array(tmp_path / "a/0", COUNT, zarr_format=version)
    attributes(tmp_path / "a", version, {"multiscales": [meaning]})
    found = open_large(tmp_path / "a")[0].calibration
    assert [*found.pixel_um, found.plane_um, found.frame_s, found.start_s] == pytest.approx([0.5, 0.5, 0.8, 1.0, 0.2])
    assert found.origin_um == pytest.approx((1.5, -4.0, 13.0))
    assert open_large(tmp_path / "a" / "0")[0].calibration == found


@pytest.mark.parametrize("shift", [[1], ["a", 1], [1e999, 0], None, [True, 1]])
def test_a_damaged_place_is_none(shift, tmp_path):
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    steps = [{"type": "scale", "scale": [2, 3]}, {"type": "translation", "translation": shift}]
    array(tmp_path / "a/0", COUNT[0, 0, 0])
    attributes(
        tmp_path / "a", 2, {"multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}]}
    )
    assert open_large(tmp_path / "a")[0].calibration == Calibration((2, 3))


def test_old_versions_have_five_axes(tmp_path):
    path = image(tmp_path / "a", COUNT)
    edited(path / ".zattrs", multiscales=[{"datasets": [{"path": "s0"}]}])
    assert open_large(path)[0].axes == "TCZYX"
    edited(path / ".zattrs", multiscales=[{"axes": list("tczyx"), "datasets": [{"path": "s0"}]}])
    assert open_large(path)[0].axes == "TCZYX"


def test_a_finished_result_of_ours_is_read(tmp_path):
    path = image(tmp_path / "a", COUNT, 3)
    import json

    tree = json.loads((path / "zarr.json").read_text())
    tree["attributes"]["unseam"] = {"format": "unseam result 1", "complete": True}
    (path / "zarr.json").write_text(json.dumps(tree))
    assert open_large(path)


def test_what_is_a_store(tmp_path):
    assert is_store(array(tmp_path / "a", COUNT[0, 0, 0]))
    assert is_store(tmp_path / "b.zarr")
    assert not is_store(tmp_path)
    assert not is_store(tmp_path / "a.tif")


def test_threads_may_read_together(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    (one,) = open_large(image(tmp_path / "a", COUNT, 3, **{k: v for k, v in SHARDS.items() if k != "zarr_format"}))
    expected = planes(COUNT, "TCZYX")
    with ThreadPoolExecutor(8) as pool:
        jobs = [(plane, slice(top, top + 9), slice(0, 53)) for plane in range(8) for top in range(0, 28, 4)]
        windows = list(pool.map(lambda job: one.read(*job), jobs))
    for (plane, rows, columns), window in zip(jobs, windows, strict=True):
        np.testing.assert_array_equal(window, expected[plane][rows, columns])
