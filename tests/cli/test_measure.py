"""``unseam measure``, and ``unseam predict --table``."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from reference.blobs import blobs


@pytest.fixture
def masks(tmp_path, rng):
    for folder in ("masks", "images"):
        (tmp_path / folder).mkdir()
    for name in "ab":
        labels = blobs(rng, number=8)
        tifffile.imwrite(tmp_path / f"masks/{name}_masks.tif", labels.astype(np.uint16))
        Image.fromarray((labels * 3 % 251).astype(np.uint8)).save(tmp_path / f"images/{name}.png")
    return tmp_path / "masks"


def test_tables_and_outlines(masks, terminal, tmp_path):
    (tmp_path / "groups.csv").write_text("image,group\na,x\nb,y\n")
    said = terminal(
        "measure", masks, "--images", tmp_path / "images", "--out", tmp_path / "out/t.csv", "--groups", tmp_path / "groups.csv",
        "--properties", "default,extent", "--pixel-size", "0.5", "--outlines", "geojson", "roi", "--outlines", "coco",
    )  # fmt: skip
    assert said.code == 0, said.err
    table = pd.read_csv(tmp_path / "out/t.csv")
    assert {"area_um2", "extent", "intensity_mean", "group"} <= set(table.columns)
    assert f"{len(table)} objects in 2 image(s) -> " in said.out
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {
        "t.csv", "t_images.csv", "t_groups.csv", "a.geojson", "b.geojson", "a_rois.zip", "b_rois.zip", "t_coco.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--pixel-size", "0"), "--pixel-size 0: the side of a pixel is above 0"),
        (("--units", "um"), "a, b: the file states no pixel size"),
        (("--images", "gone"), "gone: there is no such file or folder"),
        (("--properties", "size"), "There is no property 'size'"),
        (("--pieces",), "holds objects already"),
        (("--masks", "classes", "--outlines", "roi"), "a, b holds classes, not one number per object"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(words, message, masks, terminal, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    said = terminal("measure", masks, "--out", tmp_path / "out/t.csv", *words)
    assert said.code == 2
    assert len(said.err.strip().splitlines()) == 1
    assert message in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_predict_writes_the_table_of_its_results(model, data, terminal, tmp_path):
    said = terminal("predict", model, data / "images", "--out", tmp_path / "r", "--save", "both", "--table")
    assert said.code == 0, said.err
    images = pd.read_csv(tmp_path / "r/table_images.csv")
    assert images["image"].tolist() == ["a", "b", "c"]
    objects = pd.read_csv(tmp_path / "r/table.csv")
    for name, number in zip(images["image"], images["num_objects"], strict=True):
        assert number == (objects["image"] == name).sum() == tifffile.imread(tmp_path / f"r/{name}_masks.tif").max()
    again = terminal(
        "predict", model, data / "images", "--out", tmp_path / "r", "--save", "instances", "--table", "--skip-existing"
    )
    assert again.code == 0, again.err
    refused = terminal("predict", model, data / "images", "--out", tmp_path / "r", "--table")
    assert refused.code == 2
    assert "table.csv already exists" in refused.err


def test_predict_measures_a_large_result_beside_it(model, data, terminal, tmp_path):
    said = terminal("predict", model, data / "images/a.png", "--out", tmp_path / "x.ome.zarr", "--table")
    assert said.code == 0, said.err
    assert pd.read_csv(tmp_path / "x_table.csv")["image"].tolist()[0] == "x"
