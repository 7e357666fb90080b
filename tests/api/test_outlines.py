"""Outlines of a label map, written and read by one function each."""

import json

import numpy as np
import pytest

import unseam
from reference.blobs import blobs
from unseam.errors import DataError


@pytest.mark.parametrize("ending", [".geojson", ".zip"])
def test_the_map_comes_back(ending, rng, tmp_path):
    labels = blobs(rng)
    path = tmp_path / f"x{ending}"
    assert unseam.write_outlines(labels, path) == len(np.unique(labels)) - 1
    np.testing.assert_array_equal(unseam.read_outlines(path, *labels.shape), labels)


def test_measurements_and_classes_go_along(rng, tmp_path):
    labels = blobs(rng)
    table = unseam.measure(labels, classes=labels % 3).objects
    unseam.write_outlines(labels, tmp_path / "x.geojson", table)
    features = json.loads((tmp_path / "x.geojson").read_text(encoding="utf-8"))["features"]
    for feature, row in zip(features, table.rows(), strict=True):
        properties = feature["properties"]
        assert properties["name"] == str(row["id"])
        assert properties["classification"]["name"] == str(row["class"])
        assert properties["measurements"]["area_px"] == row["area_px"]
        assert not {"image", "id", "class"} & properties["measurements"].keys()
    unseam.write_outlines(labels, tmp_path / "x.json", table)
    assert len(json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["categories"]) == len(set(table["class"]))


def test_mistakes(rng, tmp_path):
    labels = blobs(rng)
    with pytest.raises(DataError, match=r"x\.txt: outlines are written as"):
        unseam.write_outlines(labels, tmp_path / "x.txt")
    with pytest.raises(DataError, match=r"x\.txt: outlines are read from"):
        unseam.read_outlines(tmp_path / "x.txt", 4, 4)
    with pytest.raises(DataError, match="other numbers"):
        unseam.write_outlines(labels, tmp_path / "x.zip", unseam.measure(labels + (labels > 0)).objects)
    with pytest.raises(DataError, match="0 x 4 px"):
        unseam.read_outlines(tmp_path / "x.zip", 0, 4)
    assert not list(tmp_path.iterdir())
