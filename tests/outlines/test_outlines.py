"""Outlines enclose exactly the pixels of their objects, are valid polygons, and come back as the same map."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from roifile import ROI_TYPE, ImagejRoi, roiread

from reference.blobs import blobs
from unseam.errors import DataError
from unseam.outlines.coco import CocoImage, write_coco
from unseam.outlines.fill import fill_outlines
from unseam.outlines.geojson import read_geojson, write_geojson
from unseam.outlines.outline import At, Outline
from unseam.outlines.rois import read_rois, write_rois
from unseam.outlines.trace import trace_outlines

MAPS = arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3))


def as_shape(outline):
    return shapely.MultiPolygon(
        [shapely.Polygon(polygon[0][:, ::-1], [hole[:, ::-1] for hole in polygon[1:]]) for polygon in outline.polygons]
    )


@given(MAPS)
def test_filled_outlines_are_the_map(labels):
    outlines = list(trace_outlines(labels))
    assert [one.number for one in outlines] == np.unique(labels[labels > 0]).tolist()
    filled, num_shared = fill_outlines(outlines, *labels.shape)
    np.testing.assert_array_equal(filled, labels)
    assert num_shared == 0


@given(MAPS)
def test_outlines_are_valid_polygons_of_the_area(labels):
    for outline in trace_outlines(labels):
        shape = as_shape(outline)
        assert shape.is_valid, shapely.is_valid_reason(shape)
        assert shape.area == (labels == outline.number).sum()


def test_the_corner_of_the_window_moves_outlines(rng):
    labels = blobs(rng)
    (moved, *_), (first, *_) = trace_outlines(labels, (100, 20)), trace_outlines(labels)
    np.testing.assert_array_equal(moved.polygons[0][0], first.polygons[0][0] + (100, 20))


def test_what_lies_outside_the_image_or_in_two_objects_is_said():
    square = Outline(1, ((np.array([[-1.0, -1], [-1, 3], [3, 3], [3, -1]]),),))
    labels, num_shared = fill_outlines([square, replace(square, number=2)], 2, 5)
    assert labels.tolist() == [[1, 1, 1, 0, 0]] * 2
    assert num_shared == 6
    assert fill_outlines([Outline(1, ((np.array([[9.0, 9], [9, 10], [10, 10]]),),))], 4, 4)[0].max() == 0


@pytest.fixture
def labels(rng):
    return blobs(rng)


@pytest.fixture
def outlines(labels):
    return list(trace_outlines(labels))


def test_geojson_comes_back_as_the_same_map(labels, outlines, tmp_path):
    number = write_geojson(tmp_path / "x.geojson", "x", [(one, {"area_px": 2.0, "empty": float("nan")}) for one in outlines])
    found = read_geojson(tmp_path / "x.geojson")
    assert number == len(found) == len(outlines)
    np.testing.assert_array_equal(fill_outlines(found, *labels.shape)[0], labels)


def test_geojson_is_as_the_standard_and_qupath_want_it(outlines, tmp_path):
    outlines = [replace(one, class_name="2", at=At(frame=1, plane=3)) for one in outlines]
    write_geojson(tmp_path / "x.geojson", "x", [(one, {"area_px": 2, "empty": float("nan")}) for one in outlines])
    content = json.loads((tmp_path / "x.geojson").read_text(encoding="utf-8"))
    assert content.keys() == {"type", "features"}
    assert content["type"] == "FeatureCollection"
    assert len({feature["id"] for feature in content["features"]}) == len(outlines)
    for feature in content["features"]:
        assert feature.keys() == {"type", "id", "geometry", "properties"}
        assert feature["type"] == "Feature"
        properties, geometry = feature["properties"], feature["geometry"]
        assert properties["objectType"] == "detection"
        assert properties["measurements"] == {"area_px": 2.0}
        assert properties["classification"]["name"] == "2"
        assert all(0 <= part <= 255 for part in properties["classification"]["color"])
        assert geometry["plane"] == {"c": -1, "z": 3, "t": 1}
        assert geometry["type"] in ("Polygon", "MultiPolygon")
        polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        for polygon in polygons:
            for ring in polygon:
                assert ring[0] == ring[-1]
                assert len(ring) >= 4
            shape = shapely.Polygon(polygon[0])
            assert shape.exterior.is_ccw, "RFC 7946: outer rings run counterclockwise, in numbers"
            assert not any(shapely.LinearRing(hole).is_ccw for hole in polygon[1:])
    found = read_geojson(tmp_path / "x.geojson")
    assert {(one.class_name, one.at) for one in found} == {("2", At(1, 3))}


def test_geojson_that_others_drew(tmp_path):
    triangle = {"type": "Polygon", "coordinates": [[[0, 0], [8.8, 0], [0, 8.8], [0, 0]]]}
    features = [
        {"type": "Feature", "geometry": triangle, "properties": {"name": "Cell A", "classification": {"names": ["T", "x"]}}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}},
        {"type": "Feature", "geometry": {"type": "GeometryCollection", "geometries": [triangle]}, "properties": None},
    ]
    path = tmp_path / "x.geojson"
    path.write_text(json.dumps(features))
    found = read_geojson(path)
    assert [(one.number, one.class_name) for one in found] == [(1, "T: x"), (2, "")]
    assert fill_outlines(found[:1], 10, 10)[0].sum() == 36


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]x", '"word"', '{"type": "FeatureCollection"}', "[" * 100_000,
     '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], ["a", 1], [1, 1], [0, 0]]]}}]',
     '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1]]]}}]',
     '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": 7}}]'],
)  # fmt: skip
def test_what_is_no_geojson_is_refused(text, tmp_path):
    (tmp_path / "x.geojson").write_text(text)
    with pytest.raises(DataError, match=r"x\.geojson"):
        read_geojson(tmp_path / "x.geojson")


def test_rois_come_back_as_the_same_map(labels, outlines, tmp_path):
    assert write_rois(tmp_path / "x.zip", outlines) == len(outlines)
    np.testing.assert_array_equal(fill_outlines(read_rois(tmp_path / "x.zip"), *labels.shape)[0], labels)
    kinds = {roi.roitype for roi in roiread(tmp_path / "x.zip")}
    assert kinds == {ROI_TYPE.TRACED, ROI_TYPE.RECT}, "the map has objects with holes and without"


@pytest.mark.parametrize(("frames", "planes"), [(1, 5), (5, 1), (4, 5)])
def test_rois_state_their_place_in_a_stack(outlines, frames, planes, tmp_path):
    at = At(frames - 1, planes - 1)
    write_rois(
        tmp_path / "x.zip", [replace(one, at=at, class_name="7") for one in outlines], num_planes=planes, num_frames=frames
    )
    found = read_rois(tmp_path / "x.zip")
    assert {(one.at, one.class_name) for one in found} == {(at, "7")}
    assert [one.number for one in found] == [one.number for one in outlines]


def test_rois_beyond_what_imagej_holds_as_whole_numbers(tmp_path):
    far = Outline(3, ((np.array([[70_000, 80_000], [70_000, 80_002], [70_003, 80_002], [70_003, 80_000]]),),))
    write_rois(tmp_path / "x.zip", [far])
    (found,) = read_rois(tmp_path / "x.zip")
    np.testing.assert_array_equal(found.polygons[0][0], far.polygons[0][0])


def test_rois_that_people_drew(tmp_path):
    drawn = ImagejRoi.frompoints(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]), name="cell 1")
    point = ImagejRoi.frompoints(np.array([[1, 1]]), name="here")
    point.roitype = ROI_TYPE.POINT
    box = ImagejRoi()
    box.roitype, box.left, box.top, box.right, box.bottom, box.name = ROI_TYPE.RECT, 5, 5, 7, 8, "box"
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for roi in (drawn, point, box):
            archive.writestr(f"{roi.name}.roi", roi.tobytes())
    found = read_rois(tmp_path / "x.zip")
    assert [one.number for one in found] == [1, 2]
    labels, _ = fill_outlines(found, 10, 10)
    assert np.bincount(labels.ravel()).tolist() == [78, 16, 6]


def test_damaged_rois_are_refused(outlines, tmp_path):
    write_rois(tmp_path / "x.zip", outlines)
    whole = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "x.roi").write_bytes(b"Iout" + bytes(20))
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for name in ("cut.zip", "x.roi", "empty.zip", "gone.zip"):
        with pytest.raises(DataError, match=name):
            read_rois(tmp_path / name)


def test_coco_has_the_same_masks(labels, outlines, tmp_path):
    height, width = labels.shape
    named = [replace(one, class_name="cell" if one.number % 4 == 1 else "") for one in outlines]
    assert write_coco(tmp_path / "x.json", [CocoImage("x.tif", height, width, named)]) == len(outlines)
    content = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert content["images"] == [{"id": 1, "file_name": "x.tif", "height": height, "width": width}]
    names = {one["id"]: one["name"] for one in content["categories"]}
    assert set(names.values()) == {"cell", "object"}
    kinds = set()
    for outline, one in zip(named, content["annotations"], strict=True):
        inside = labels == outline.number
        rows, columns = np.nonzero(inside)
        assert one["area"] == inside.sum()
        assert one["bbox"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert names[one["category_id"]] == (outline.class_name or "object")
        kinds.add(type(one["segmentation"]))
        if isinstance(one["segmentation"], dict):
            counts = one["segmentation"]["counts"]
            values = np.arange(len(counts)) % 2
            np.testing.assert_array_equal(np.repeat(values, counts).reshape(width, height).T, inside)
        else:
            rings = [np.reshape(ring, (-1, 2))[:, ::-1] for ring in one["segmentation"]]
            drawn, _ = fill_outlines([Outline(1, tuple((ring,) for ring in rings))], height, width)
            np.testing.assert_array_equal(drawn, inside)
    assert kinds == {dict, list}
