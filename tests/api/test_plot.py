"""Pictures from Python."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import unseam
from unseam.errors import DataError
from unseam.heads.objects import Objects
from unseam.model import Segmentation
from unseam.runs.run_folder import RunFolder
from unseam.tables import Table
from unseam.training.observers import Record


def test_overlay_of_maps_and_of_segmentations(rng, tmp_path):
    image = rng.integers(0, 255, (20, 30)).astype(np.uint16)
    foreground = np.zeros((20, 30), np.float32)
    foreground[2:8, 2:8] = foreground[2:8, 12:18] = 1
    segmentation = Segmentation(np.stack([1 - foreground, foreground]), Objects(min_size=1), (0, 255))
    of_classes = np.array(unseam.plot.overlay(image, segmentation))
    of_objects = np.array(unseam.plot.overlay(image, segmentation, objects=True))
    assert of_classes.shape == (20, 30, 3)
    np.testing.assert_array_equal(of_classes, np.array(unseam.plot.overlay(image, (foreground > 0).astype(int))))
    assert (of_classes[2, 2] == of_classes[2, 12]).all()
    assert (of_objects[2, 2] != of_objects[2, 12]).any()
    unseam.plot.overlay(image, segmentation).save(tmp_path / "picture.png")


def test_error_map_shows_each_kind_in_its_colour():
    truth, predicted = np.array([[0, 1, 0, 1, 255]]), np.array([[0, 0, 1, 2, 1]])
    picture = np.array(unseam.plot.error_map(predicted, truth)).astype(int)[0]
    assert (picture[0] == 255).all()
    assert (picture[4] == 255).all()
    missed, invented, other = picture[1:4]
    assert missed[2] > missed[0]
    assert invented[0] > invented[2]
    assert other[0] > other[1] < other[2]
    over = unseam.plot.error_map(predicted, truth, np.zeros((1, 5), np.uint8))
    assert over.getpixel((0, 0)) == (0, 0, 0)


def test_sizes_must_agree():
    with pytest.raises(DataError, match=r"3 x 4 px, the segmentation 4 x 3"):
        unseam.plot.overlay(np.zeros((3, 4)), np.zeros((4, 3), int))
    with pytest.raises(DataError, match="3 x 4 px, the truth 4 x 3"):
        unseam.plot.error_map(np.zeros((3, 4), int), np.zeros((4, 3), int))


def test_learning_curve_of_a_run_folder(tmp_path):
    with pytest.raises(DataError, match=r"history\.csv"):
        unseam.plot.learning_curve(tmp_path)
    RunFolder(tmp_path).write_history([Record(5, 1.0, 0.5, 0.3, 0.1), Record(10, 2.0, 0.4, 0.6, 0.1)], "IoU")
    svg = unseam.plot.learning_curve(str(tmp_path))
    assert "10" in [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def two_cells() -> tuple[np.ndarray, np.ndarray, Table]:
    cells = np.zeros((60, 80), np.int32)
    cells[5:15, 5:15], cells[30:50, 30:50] = 1, 2
    image = (cells * 50).astype(np.uint8)
    return image, cells, unseam.measure(cells, image).objects


def test_measured_objects_in_colour_with_a_scale():
    image, cells, table = two_cells()
    plain = unseam.plot.measured(image, cells, table, "area_px", limits=(100, 400), scale=False)
    assert plain.size == (80, 60)
    assert plain.getpixel((5, 5)) == (68, 1, 84)
    assert plain.getpixel((30, 30)) == (253, 231, 37)
    assert unseam.plot.measured(image, cells, table, "intensity_mean").size == (320, 94)


def test_distributions_of_a_table_with_groups():
    _, cells, _ = two_cells()
    table = unseam.measure([cells, cells], names=["a", "b"], groups={"a": "x", "b": "y"}).objects
    shown = [
        element.text
        for element in ET.fromstring(unseam.plot.distributions(table, "area_px")).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert {"x", "y", "a", "b"} <= set(shown)


def test_standouts_on_a_sheet():
    image, cells, table = two_cells()
    assert unseam.plot.standouts(image, cells, table, "largest").size == (2 * 184, 238)
    assert unseam.plot.standouts(image, cells, table, "largest", number=1).size == (184, 238)


def test_an_image_without_objects_can_be_drawn():
    empty = np.zeros((50, 60), int)
    table = unseam.measure(empty, empty).objects
    assert unseam.plot.measured(empty, empty, table, "area_px").size == (320, 84)
    assert unseam.plot.standouts(empty, empty, table).size == (184, 238)
    assert "no objects" in unseam.plot.distributions(table, "area_px")


def test_faults_of_tables_are_said():
    image, _, table = two_cells()
    with pytest.raises(DataError, match=r"no column 'volume'; it has image, id"):
        unseam.plot.distributions(table, "volume")
    with pytest.raises(DataError, match="holds words"):
        unseam.plot.distributions(table, "image")
    with pytest.raises(DataError, match="60 x 80 px, the instance map 5 x 5"):
        unseam.plot.measured(image, np.ones((5, 5), int), table, "area_px")
