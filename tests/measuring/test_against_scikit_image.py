"""Each column of the table is what :func:`skimage.measure.regionprops_table` gives, object by object."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import regionprops_table

import unseam
from reference.blobs import blobs
from unseam.api.measure import DEFAULT, KNOWN

SAME = {
    "area": "area_px", "centroid-0": "centroid_row_px", "centroid-1": "centroid_column_px", "bbox-0": "bbox_top_px",
    "bbox-1": "bbox_left_px", "bbox-2": "bbox_bottom_px", "bbox-3": "bbox_right_px", "perimeter": "perimeter_px",
    "feret_diameter_max": "feret_diameter_max_px", "axis_major_length": "axis_major_length_px",
    "axis_minor_length": "axis_minor_length_px", "equivalent_diameter_area": "equivalent_diameter_area_px",
    "eccentricity": "eccentricity", "solidity": "solidity", "area_convex": "area_convex_px", "extent": "extent",
    "area_bbox": "area_bbox_px", "area_filled": "area_filled_px", "euler_number": "euler_number",
    "perimeter_crofton": "perimeter_crofton_px", "moments_hu-0": "moments_hu_0",
}  # fmt: skip
"""scikit-image's columns, and ours."""

GREYS = ("intensity_mean", "intensity_std", "intensity_min", "intensity_max", "intensity_median")


@pytest.fixture(params=[np.uint8, np.uint16, np.int16, np.float32, np.float64])
def image(request, rng):
    values = (
        rng.normal(1000, 300, (120, 140, 3)) if np.dtype(request.param).kind == "f" else rng.integers(0, 256, (120, 140, 3))
    )
    return values.astype(request.param)


def in_scikit_image(labels, image=None, **more):
    names = {key.split("-")[0] for key in SAME} | (set(GREYS) if image is not None else set())
    return regionprops_table(labels, image, properties=("label", "orientation", *sorted(names)), **more)


def assert_same(ours, theirs, columns=SAME):
    np.testing.assert_array_equal(ours["id"], theirs["label"])
    for key, column in columns.items():
        # The short axis of a straight line is 0; scikit-image gives the root of its rounding, up to 1e-7.
        close = 1e-6 if key.startswith("axis") else 1e-9
        np.testing.assert_allclose(ours[column], theirs[key], rtol=1e-9, atol=close, err_msg=column)


def assert_same_direction(ours, theirs, tilt):
    """The direction of a round object is noise, and so is the sign of a right angle."""
    is_long = theirs["eccentricity"] > 0.1
    apart = (ours["orientation_rad"] - theirs["orientation"])[is_long]
    np.testing.assert_allclose(np.sin(apart), 0, atol=tilt)


def test_every_column_of_shapes_and_greys(rng, image):
    labels = blobs(rng)
    ours = unseam.measure(labels, image, properties=tuple(KNOWN)).objects
    theirs = in_scikit_image(labels, image.astype(np.float64))  # of float32 it takes means in float32
    assert_same(ours, theirs)
    assert_same_direction(ours, theirs, 1e-6)
    assert_same(ours, theirs, {f"{name}-{channel}": f"{name}_c{channel}" for name in GREYS for channel in range(3)})
    sums = theirs["intensity_mean-1"] * theirs["area"]
    np.testing.assert_allclose(ours["intensity_sum_c1"], sums, rtol=1e-9)


def test_sums_of_integers_are_exact(rng):
    labels = blobs(rng)
    image = rng.integers(0, 2**32, labels.shape)
    ours = unseam.measure(labels, image).objects
    assert ours["intensity_sum"].tolist() == [int(image[labels == one].sum()) for one in ours["id"]]


def test_the_bundled_micrographs():
    """The masks that come with the package, as objects, beside scikit-image by hand."""
    from pathlib import Path

    from unseam.io import read_image, read_labels

    folder = Path(unseam.__file__).parent / "samples/axon-sem/held-out"
    result = unseam.measure(folder / "masks", folder / "images", pieces=True, properties=(*DEFAULT, "extent"))
    (mask,), (image,) = (
        read(next((folder / part).glob("*"))).planes() for read, part in ((read_labels, "masks"), (read_image, "images"))
    )
    from unseam.measuring.pieces import numbered_pieces

    labels = numbered_pieces(mask)
    names = ("label", "area", "perimeter", "solidity", "eccentricity", "intensity_mean", "intensity_std", "extent")
    theirs = regionprops_table(labels, image, properties=names)
    columns = {"area": "area_px", "perimeter": "perimeter_px", **{name: name for name in names[3:]}}
    assert len(result.objects) == labels.max() > 100
    assert_same(result.objects, theirs, columns)


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.25, 0.8)])
def test_columns_in_um(rng, spacing):
    labels = blobs(rng)
    properties = (*DEFAULT, "area_convex", "area_bbox", "area_filled", "perimeter_crofton")
    ours = unseam.measure(labels, spacing_um=spacing, properties=properties).objects
    names = ["label", "area", "centroid", "feret_diameter_max", "axis_major_length", "axis_minor_length"]
    names += ["equivalent_diameter_area", "eccentricity", "orientation", "area_convex", "area_bbox", "area_filled"]
    theirs = regionprops_table(labels, spacing=spacing, properties=names)
    columns = {name: f"{name}_um2" for name in names if name.startswith("area")}
    columns |= {name: f"{name}_um" for name in names[3:7]}
    columns |= {"centroid-0": "centroid_row_um", "centroid-1": "centroid_column_um", "eccentricity": "eccentricity"}
    if spacing[0] != spacing[1]:
        del columns["area_filled"]
    assert_same(ours, theirs, columns)
    assert_same_direction(ours, theirs, 1e-6)
    is_square = spacing[0] == spacing[1]
    assert ("perimeter_um" in ours) == is_square
    if is_square:
        np.testing.assert_allclose(ours["perimeter_um"], 0.5 * ours["perimeter_px"])
        np.testing.assert_allclose(ours["perimeter_crofton_um"], 0.5 * ours["perimeter_crofton_px"])


@given(arrays(np.uint8, st.tuples(st.integers(1, 10), st.integers(1, 10)), elements=st.integers(0, 3)))
def test_any_small_map(labels):
    ours = unseam.measure(labels, properties=(*DEFAULT, "area_convex")).objects
    names = ["label", *{key.split("-")[0] for key in SAME if SAME[key] in ours}]
    if not labels.any():
        assert len(ours) == 0
        return
    assert_same(ours, regionprops_table(labels, properties=names), {key: SAME[key] for key in SAME if SAME[key] in ours})


def test_neighbours_and_borders_pixel_by_pixel(rng):
    labels = blobs(rng)
    ours = unseam.measure(labels).objects
    wide = np.pad(labels, 1)
    met = {int(one): set() for one in ours["id"]}
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            around = set(wide[row : row + 3, column : column + 3].ravel().tolist()) - {0}
            if labels[row, column]:
                met[int(labels[row, column])] |= around - {int(labels[row, column])}
    assert ours["num_neighbours"].tolist() == [len(met[one]) for one in ours["id"].tolist()]
    edge = {*labels[0].tolist(), *labels[-1].tolist(), *labels[:, 0].tolist(), *labels[:, -1].tolist()}
    assert ours["touches_border"].tolist() == [one in edge for one in ours["id"].tolist()]
