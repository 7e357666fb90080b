"""What is wrong with a folder, as a program asks it."""

import numpy as np
import pytest
from PIL import Image

import unseam
from reference.large import blob_model
from reference.toy import spots
from unseam.api.check import page


@pytest.fixture
def data(tmp_path, rng):
    for part in ("images", "masks"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for name in "ab":
        image, labels = spots(rng)
        Image.fromarray(image).save(tmp_path / f"data/images/{name}.png")
        Image.fromarray(labels).save(tmp_path / f"data/masks/{name}.png")
    return tmp_path / "data"


def test_a_folder_is_reported_and_nothing_is_printed(data, capsys):
    report = unseam.check(str(data), masks="instances")
    assert not report.stops
    assert str(data) in report.checked
    assert capsys.readouterr() == ("", "")
    assert report.checked.split()[0] in page(report)


def test_what_stops_training_is_found(data):
    (data / "masks/a.png").write_bytes(b"no image")
    report = unseam.check(data)
    assert report.stops
    assert any("a.png" in place["file"] for one in report.to_json()["findings"] for place in one["where"])


def test_with_a_model_or_its_file(data, tmp_path):
    model = blob_model()
    model.save(tmp_path / "model.safetensors")
    Image.fromarray(np.zeros((70, 60, 3), np.uint8) + np.arange(3, dtype=np.uint8)).save(data / "images/c.png")
    reports = [unseam.check(data / "images", given) for given in (model, tmp_path / "model.safetensors")]
    assert reports[0] == reports[1]
    assert "other channels than the model" in {finding.kind for finding in reports[0].findings}
