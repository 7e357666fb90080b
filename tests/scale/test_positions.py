"""A store of several images gives a store of several results, which our own reader and a validator open."""

import numpy as np
import pytest
import zarr
from yaozarrs import validate_zarr_store

from reference.large import EVERYTHING, blob_model, in_chunks, smooth, write_zarr
from unseam.errors import ImageReadError
from unseam.io.large import open_large


def series(path, images):
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
    for name, image in images.items():
        write_zarr(path / name, image)
    return path


def test_every_position(tmp_path, rng):
    images = {"0": smooth(rng, 50, 70), "1": smooth(rng, 90, 40)}
    model = blob_model()
    found = in_chunks(model, series(tmp_path / "two.zarr", images), tmp_path / "out.zarr", EVERYTHING)
    results = open_large(found.path)
    assert [one.position for one in results] == ["0", "1"]
    for one in results:
        whole = model.predict(images[one.position])
        everything = slice(0, one.height), slice(0, one.width)
        assert np.array_equal(one.read(0, *everything), whole.classes)
        objects = zarr.open_array(found.path / one.position / "labels/objects/0", mode="r")[...]
        assert np.array_equal(objects, whole.instances)
        validate_zarr_store(str(found.path / one.position))
    assert found.num_planes == 2


def test_a_result_is_a_valid_ome_zarr_image(tmp_path, rng):
    image = smooth(rng, 2, 60, 80)
    found = in_chunks(blob_model(), write_zarr(tmp_path / "movie.zarr", image, axes="tyx"), tmp_path / "out.ome.zarr")
    for group in (found.path, found.probabilities, found.path / "labels/objects", found.path / "labels/classes"):
        validate_zarr_store(str(group))
    (again,) = open_large(found.path)
    assert again.plane_axes == "T"
    assert again.spacing_um == (0.25, 0.25)


def test_unfinished_results_are_refused(tmp_path, rng):
    from unseam.io.result import ImageLayout, create_image

    layout = ImageLayout("YX", (40, 40), np.dtype(np.uint8), 32, kind="classes")
    create_image(tmp_path / "half.zarr", layout)
    with pytest.raises(ImageReadError, match=r"half\.zarr.*(finished|complete)"):
        open_large(tmp_path / "half.zarr")
