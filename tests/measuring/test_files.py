"""Files that pair by name, what they hold, and the mistakes that are refused before anything is written."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import unseam
from reference.blobs import blobs
from reference.large import write_zarr
from unseam.api.measure_files import measure_files
from unseam.errors import DataError, ImageReadError, LabelError, OutputError, SettingsError
from unseam.measuring.read_groups import read_groups


@pytest.fixture
def maps(rng):
    return {name: blobs(rng, number=12) for name in ("dish1", "dish2", "dish10")}


@pytest.fixture
def folders(maps, rng, tmp_path):
    """Results of unseam with pixels of 0.5 um, and the images in two channels."""
    for folder in ("results", "images"):
        (tmp_path / folder).mkdir()
    for name, labels in maps.items():
        calibrated = {"resolution": (2.0, 2.0), "metadata": {"unit": "um"}, "imagej": True}
        tifffile.imwrite(tmp_path / f"results/{name}_masks.tif", labels.astype(np.uint16), **calibrated)
        tifffile.imwrite(tmp_path / f"results/{name}_classes.tif", (labels % 7 % 3).astype(np.uint8))
        image = rng.integers(0, 4000, (*labels.shape, 2)).astype(np.uint16)
        np.save(tmp_path / f"images/{name}.npy", image)
    (tmp_path / "groups.csv").write_text("Image;Condition\ndish1.npy;wild type\ndish2_masks.tif;wild type\n\ndish10;mutant\n")
    return tmp_path


def test_a_folder_of_results_pairs_with_images_classes_and_groups(folders, maps):
    result = unseam.measure(folders / "results", folders / "images", groups=folders / "groups.csv")
    assert result.images["image"].tolist() == ["dish1", "dish2", "dish10"]
    assert result.images["group"].tolist() == ["wild type", "wild type", "mutant"]
    assert result.groups["num_images"].tolist() == [2, 1]
    assert {"class", "area_um2", "intensity_mean_c0", "intensity_mean_c1"} <= set(result.objects.names)
    expected = unseam.measure(
        list(maps.values()),
        [np.load(folders / f"images/{name}.npy") for name in maps],
        classes=[labels % 7 % 3 for labels in maps.values()],
        names=list(maps),
        spacing_um=0.5,
        groups=read_groups(folders / "groups.csv"),
    )
    assert result.objects.names == expected.objects.names
    for name in result.objects.names:
        np.testing.assert_array_equal(result.objects[name], expected.objects[name])


def test_medians_densities_and_groups_are_those_of_pandas(folders):
    result = unseam.measure(folders / "results", groups=folders / "groups.csv")
    objects, images, groups = (table.to_pandas() for table in (result.objects, result.images, result.groups))
    by_image = objects.groupby("image", sort=False)
    assert images["num_objects"].tolist() == by_image.size().tolist()
    np.testing.assert_allclose(images["median_area_um2"], by_image["area_um2"].median())
    np.testing.assert_allclose(images["area_mm2"], 120 * 140 * 0.25e-6)
    np.testing.assert_allclose(images["objects_per_mm2"], images["num_objects"] / images["area_mm2"])
    np.testing.assert_allclose(images["area_fraction"], by_image["area_px"].sum() / (120 * 140))
    by_group = images.groupby("group", sort=False)
    np.testing.assert_allclose(groups["mean_objects_per_mm2"], by_group["objects_per_mm2"].mean())
    np.testing.assert_allclose(groups["sd_median_solidity"], by_group["median_solidity"].std())
    assert groups["num_objects"].tolist() == by_group["num_objects"].sum().tolist()


def test_tables_are_written_beside_each_other(folders):
    out = folders / "new/table.csv"
    written = measure_files([folders / "results"], [folders / "images"], out, groups=folders / "groups.csv")
    assert [path.name for path in written.paths] == ["table.csv", "table_images.csv", "table_groups.csv"]
    for path, table in zip(written.paths, (written.tables.objects, written.tables.images, written.tables.groups), strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(path), table.to_pandas(), check_dtype=False)
    with pytest.raises(OutputError, match=r"table\.csv already exists"):
        measure_files([folders / "results"], [], out)
    measure_files([folders / "results"], [], out, overwrite=True)


def test_class_maps_give_areas_and_shares(maps, tmp_path):
    for name, labels in maps.items():
        tifffile.imwrite(tmp_path / f"{name}_classes.tif", (labels % 3).astype(np.uint8))
    result = unseam.measure(tmp_path, groups={"dish1": "x", "dish2": "x", "dish10": "y"}, spacing_um=2.0)
    classes = result.classes.to_pandas()
    assert len(result.objects.names) == 0
    assert classes.groupby("image")["area_fraction"].sum().tolist() == pytest.approx([1, 1, 1])
    one = classes[(classes["image"] == "dish2") & (classes["class"] == 2)].iloc[0]
    assert one["area_px"] == (maps["dish2"] % 3 == 2).sum()
    assert one["area_um2"] == 4 * one["area_px"]
    group = result.groups.to_pandas().set_index(["group", "class"])
    of_two = classes[classes["class"] == 2].set_index("image")["area_fraction"]
    assert group.loc[("x", 2), "mean_area_fraction"] == pytest.approx(of_two[["dish1", "dish2"]].mean())


def test_pieces_of_classes_are_objects_on_request(tmp_path):
    classes = np.zeros((20, 20), np.uint8)
    classes[2:5, 2:5], classes[5:8, 5:8], classes[2:5, 5:7] = 1, 1, 2
    tifffile.imwrite(tmp_path / "x_classes.tif", classes)
    objects = unseam.measure(tmp_path / "x_classes.tif", pieces=True).objects
    assert objects["class"].tolist() == [1, 1, 2]
    assert objects["area_px"].tolist() == [9, 9, 6]
    assert objects["num_neighbours"].tolist() == [2, 2, 2]


def test_a_store_brings_its_objects_and_classes_along(rng, tmp_path):
    labels = blobs(rng)
    store = write_zarr(tmp_path / "slide_seg.ome.zarr", (labels > 20).astype(np.uint8))
    (store / "labels").mkdir()
    write_zarr(store / "labels/objects", labels.astype(np.uint32))
    image = write_zarr(tmp_path / "slide.ome.zarr", rng.integers(0, 255, labels.shape).astype(np.uint8))
    for masks, images in ((store, image), (tmp_path, None)):  # in the folder lies the image, too
        result = unseam.measure(masks, images)
        assert result.objects["image"].tolist()[0] == "slide"
        assert result.objects["class"].tolist() == (result.objects["id"] > 20).astype(int).tolist()
        assert result.objects["area_um2"][0] == result.objects["area_px"][0] / 16


def test_planes_of_stacks_have_rows_of_their_own(rng, tmp_path):
    stack = np.stack([blobs(rng, number=5) for _ in range(6)]).reshape(2, 3, 120, 140).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x_masks.tif", stack, imagej=True, metadata={"axes": "TZYX"})
    result = unseam.measure(tmp_path / "x_masks.tif")
    assert result.images["frame"].tolist() == [0, 0, 0, 1, 1, 1]
    assert result.images["plane"].tolist() == [0, 1, 2, 0, 1, 2]
    first = result.objects.where((result.objects["frame"] == 1) & (result.objects["plane"] == 2))
    assert first["area_px"].tolist() == unseam.measure(stack[1, 2]).objects["area_px"].tolist()


def test_an_image_without_objects_has_a_row_of_its_own():
    empty, one = np.zeros((8, 9), int), np.eye(8, 9, dtype=int)
    result = unseam.measure([empty, one], [empty, one])
    assert len(result.objects) == 1
    assert result.images["num_objects"].tolist() == [0, 1]
    assert np.isnan(result.images["median_area_px"][0])
    assert len(unseam.measure(empty).objects) == 0


def test_pixels_that_are_not_annotated_are_no_object():
    labels = np.array([[-1, 1, 1], [-1, -1, 2]])
    found = unseam.measure(labels).objects
    assert found["id"].tolist() == [1, 2]
    assert found["num_neighbours"].tolist() == [1, 1]


def test_a_segmentation_of_a_model_is_measured_as_it_is(rng):
    from unseam.model import Model, ModelInfo
    from unseam.nets import UNetConfig

    config = UNetConfig(first_width=2, depth=2)
    result = Model(config.build(), ModelInfo(net=config)).predict(rng.integers(0, 255, (40, 50)).astype(np.uint8))
    table = unseam.measure(result).objects
    assert table["id"].tolist() == list(range(1, int(result.instances.max()) + 1))
    assert "class" in table


def png(path, pixels):
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    ("error", "words", "change"),
    [
        (DataError, r"120 x 140 px, its image .* 60 x 140 px",
         lambda f: np.save(f / "images/dish2.npy", np.zeros((60, 140, 2)))),
        (DataError, r"1 of 3 label map\(s\) have no image \(dish2", lambda f: (f / "images/dish2.npy").unlink()),
        (DataError, r"2 channel\(s\), .* has 1", lambda f: np.save(f / "images/dish2.npy", np.zeros((120, 140)))),
        (ImageReadError, "NaN|NAN|nan", lambda f: np.save(f / "images/dish2.npy", np.full((120, 140, 2), np.nan))),
        (DataError, "dish7, and there is no such image", lambda f: (f / "groups.csv").write_text("image,group\ndish7,x\n")),
        (DataError, "do not name dish2, dish10", lambda f: (f / "groups.csv").write_text("image,group\ndish1,x\n")),
        (DataError, "needs the columns image and group", lambda f: (f / "groups.csv").write_text("a,b\n1,2\n")),
        (DataError, "row 3: dish1 is in the groups x and y",
         lambda f: (f / "groups.csv").write_text("image,group\ndish1,x\ndish1,y\n")),
        (DataError, "no text|not text", lambda f: (f / "groups.csv").write_bytes(b"image,group\n\xff\xfe,x\n")),
        (DataError, "row 2: the image or the group is empty", lambda f: (f / "groups.csv").write_text("image,group\ndish1\n")),
    ],
)  # fmt: skip
def test_mistakes_are_refused_and_nothing_is_written(error, words, change, folders):
    change(folders)
    with pytest.raises(error, match=words):
        measure_files(
            [folders / "results"], [folders / "images"], folders / "t/t.csv", groups=folders / "groups.csv", outlines=["roi"]
        )
    assert not (folders / "t").exists()


def test_maps_without_objects_where_objects_are_needed(folders):
    for path in folders.glob("results/*_masks.tif"):
        path.unlink()
    for options in ({"images": [folders / "images"]}, {"images": [], "outlines": ["geojson"]}):
        with pytest.raises(DataError, match=r"dish1.* holds? classes, not one number per object.*--pieces"):
            measure_files([folders / "results"], out=folders / "t.csv", **options)


def test_a_missing_pixel_size_where_micrometres_are_asked_for(folders):
    tifffile.imwrite(folders / "results/dish2_masks.tif", np.eye(120, 140, dtype=np.uint8))
    with pytest.raises(DataError, match=r"dish2: the file states no pixel size.*--pixel-size"):
        unseam.measure(folders / "results", units="um")
    result = unseam.measure(folders / "results")
    assert any("no pixel size is known of dish2" in note for note in result.notes)
    assert np.isnan(result.objects["area_um2"][result.objects["image"] == "dish2"]).all()
    assert "area_um2" not in unseam.measure(folders / "results", units="px").objects
    assert unseam.measure(folders / "results", units="um", spacing_um=1.0).notes


def test_other_mistakes(folders, tmp_path):
    png(tmp_path / "photo.png", (np.arange(120 * 140).reshape(120, 140) * 7 % 251).astype(np.uint8))
    with pytest.raises(LabelError, match="grey picture"):
        unseam.measure(tmp_path / "photo.png")
    with pytest.raises(DataError, match="no such file or folder"):
        unseam.measure(tmp_path / "gone")
    with pytest.raises(SettingsError, match=r"There is no property 'arae'.*Did you mean area"):
        unseam.measure(folders / "results", properties=["arae"])
    with pytest.raises(SettingsError, match=r"a table is written as \.csv or \.parquet"):
        measure_files([folders / "results"], [], tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="holds objects already"):
        unseam.measure(folders / "results", pieces=True)
    with pytest.raises(DataError, match="above 0"):
        unseam.measure(np.eye(4, dtype=int), spacing_um=0)
    with pytest.raises(DataError, match=r"foreground and background.*--pieces"):
        unseam.measure(np.eye(4, dtype=bool), np.eye(4))
    with pytest.raises(DataError, match="lists of 1, 2, 1, 1"):
        unseam.measure(np.eye(4, dtype=int), [np.eye(4), np.eye(4)])
    with pytest.raises(DataError, match="Give files on both sides"):
        unseam.measure(folders / "results", np.eye(4))
    with pytest.raises(DataError, match="shape \\(4,\\)"):
        unseam.measure(np.zeros(4, int))
