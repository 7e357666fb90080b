"""Outlines for QuPath; the overlay is the image with colours."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotate.folders import HEIGHT, WIDTH, paint, project_in, raw_folder, stroke
from unseam.annotate.project import outlines_geojson, overlay_png


@pytest.mark.parametrize("kind", ["classes", "objects"])
def test_geojson_for_qupath(tmp_path: Path, kind: str) -> None:
    with project_in(raw_folder(tmp_path), kind, "background", "cell") as project:
        paint(project.opened(0), stroke(3, value=1))
        paint(project.opened(0), stroke(8, value=0))
        found = json.loads(outlines_geojson(project, 0))
    (feature,) = found["features"]
    assert feature["geometry"] == {"type": "Polygon", "coordinates": [[[2, 3], [11, 3], [11, 4], [2, 4], [2, 3]]]}
    assert feature["properties"]["classification"]["name"] == "cell"
    assert feature["properties"]["classification"]["color"] == [0, 114, 178]
    assert (feature["properties"]["name"], feature["properties"]["objectType"]) == ("1", "annotation")


def test_the_overlay_shows_what_is_annotated(tmp_path: Path) -> None:
    with project_in(raw_folder(tmp_path)) as project:
        plain = np.asarray(Image.open(BytesIO(overlay_png(project, 0)))).astype(int)
        paint(project.opened(0), stroke(3))
        shown = np.asarray(Image.open(BytesIO(overlay_png(project, 0)))).astype(int)
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert (plain[..., 0] == plain[..., 2]).all()
    changed = (shown != plain).any(axis=2)
    assert changed.sum() == 9
    assert changed[3, 2:11].all()
    assert (np.abs(shown[3, 2:11] - np.rint(0.55 * plain[3, 2:11] + 0.45 * np.array([0, 114, 178]))) <= 1).all()
