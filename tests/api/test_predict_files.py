"""Files of results say of size, place and classes what the image and the model say."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

import unseam
from reference.large import blob_model, smooth
from unseam.api import predict_files
from unseam.io import ImageFile
from unseam.io.calibration import Calibration

PLACED = Calibration((0.13, 0.26), 0.5, 30.0, (0.0, 13.0, 26.0))


def test_size_place_and_classes_are_in_every_file(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", smooth(rng, 2, 40, 50), imagej=True, metadata={"axes": "ZYX"})
    read = predict_files.read_case

    def placed(images: Sequence[Path]) -> ImageFile:
        return replace(read(images), calibration=PLACED)

    monkeypatch.setattr(predict_files, "read_case", placed)
    unseam.predict(blob_model(), tmp_path / "a.tif", tmp_path / "out", save="both", probabilities=True)
    for name in ("classes", "masks", "prob"):
        with tifffile.TiffFile(tmp_path / f"out/a_{name}.tif") as tiff:
            about = tiff.imagej_metadata
        assert (about["unit"], about["spacing"], about["finterval"]) == ("um", 0.5, 30)
        assert [about[f"{axis}origin"] for axis in "xy"] == pytest.approx([-100, -100])
        assert about["max"] == {"classes": 255, "prob": 1}.get(name, about["max"])
        assert ("class 255: class 1\n" in about["Info"]) == (name == "classes")
        assert about.get("Labels") == (["class 0", "class 1"] * 2 if name == "prob" else None)
