"""Outlines of QuPath and ImageJ that lay in the folder become annotation."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from annotate.folders import HEIGHT, WIDTH, labels_of, paint, project_in, raw_folder, stroke
from unseam import write_outlines
from unseam.annotate.project import open_project, outlines_geojson
from unseam.errors import DataError


def two_touching_objects() -> np.ndarray:
    labels = np.zeros((HEIGHT, WIDTH), np.int32)
    labels[5:15, 5:12], labels[5:15, 12:20], labels[20:30, 30:40] = 4, 7, 9
    labels[24:26, 34:36] = 0
    return labels


@pytest.mark.parametrize("name", ["a.zip", "a.geojson", "a_RoiSet.zip"])
def test_outlines_of_objects_are_objects_with_a_rim_of_background(tmp_path: Path, name: str) -> None:
    folder, labels = raw_folder(tmp_path, "a", "b"), two_touching_objects()
    (folder / "masks").mkdir()
    write_outlines(labels, folder / "masks" / name)
    with open_project(folder) as project:
        assert project.found is not None
        assert "3 outline(s) of 1 image(s) lie there and will be taken over: one object each" in project.found.message
        with pytest.raises(DataError, match="hold objects"):
            project.declare("classes", list(project.found.classes))
        project.declare("objects", list(project.found.classes))
        found = labels_of(project.opened(0))
        assert [project.state(number).status for number in range(2)] == ["begun", "new"]
        list(project.write_masks())
    is_near = ndimage.distance_transform_cdt(labels == 0, "chessboard") <= 3
    assert (found == np.where(labels > 0, labels, np.where(is_near, 0, -1))).all()
    assert (folder / "masks/a.tif").exists()
    assert len(list((folder / ".annotate/before").iterdir())) == 1


def test_what_the_page_saves_as_geojson_comes_back_as_the_same_classes(tmp_path: Path) -> None:
    first = raw_folder(tmp_path / "first", "a")
    with project_in(first, "classes", "background", "cell", "debris") as project:
        paint(project.opened(0), stroke(3, value=1))
        paint(project.opened(0), stroke(9, value=2))
        text, painted = outlines_geojson(project, 0), labels_of(project.opened(0))
    second = raw_folder(tmp_path / "second", "a")
    (second / "masks").mkdir()
    (second / "masks/a.geojson").write_bytes(text)
    with open_project(second) as project:
        assert project.found is not None
        assert [one.name for one in project.found.classes] == ["background", "cell", "debris"]
        project.declare("classes", list(project.found.classes))
        assert (labels_of(project.opened(0)) == painted).all()


def test_outlines_that_cannot_be_read_are_left_alone(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, "a")
    (folder / "masks").mkdir()
    (folder / "masks/a.zip").write_bytes(b"no archive")
    with open_project(folder) as project:
        assert project.found is not None
        with pytest.raises(DataError, match=r"a\.zip is damaged.*Mend them, or move the folder masks away"):
            project.declare(project.found.kind, list(project.found.classes))
    assert (folder / "masks/a.zip").read_bytes() == b"no archive"
