"""Distributions, colours, the objects that stand out, and the page that shows them."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unseam
from unseam.report.distributions import MOST_IMAGES, distributions_svg
from unseam.report.measured_page import MeasuredPage, MeasuredPlane, plotted_columns, render_measured
from unseam.report.measured_picture import ColourScale, colour_scale, draw_measured, viridis
from unseam.report.odd_objects import choose_standouts
from unseam.tables import Table
from unseam.training.curve import FOR_A_FILE

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert('x')</script>&\"'"


def squares(sizes: list[int], side: int = 100) -> np.ndarray:
    """A map with squares of these sizes in a row, 3 px apart."""
    found, left = np.zeros((side, side), np.int32), 2
    for number, size in enumerate(sizes, 1):
        found[2 : 2 + size, left : left + size] = number
        left += size + 3
    return found


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def titles(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}title")]


def test_a_row_for_each_image_says_its_median_and_quartiles():
    values, images = np.array([1.0, 2, 3, 4, 5, 30]), np.array(["a"] * 5 + ["b"], object)
    svg = distributions_svg(values, images, "area_px", FOR_A_FILE)
    assert titles(svg)[1:] == [
        "a: 5 objects, median 3, half of them between 2 and 4",
        "b: 1 objects, median 30, half of them between 30 and 30",
    ]
    assert {"a", "b", "n = 5", "n = 1", "area_px"} <= set(texts(svg))
    assert len(list(ET.fromstring(svg).iter(f"{SVG}circle"))) == 6


def test_groups_pool_their_images_and_mark_the_medians():
    values, images = np.arange(1.0, 9), np.array(["a", "a", "b", "b", "c", "c", "d", "d"], object)
    svg = distributions_svg(values, images, "x", FOR_A_FILE, {"a": "one", "b": "two", "c": "one", "d": "two"})
    shown = [text for text in texts(svg) if text in {"a", "b", "c", "d", "one", "two"}]
    assert shown == ["one", "a", "c", "two", "b", "d"]
    assert "one: 4 objects, median 3.5, half of them between 1.75 and 5.25" in titles(svg)
    assert len(list(ET.fromstring(svg).iter(f"{SVG}path"))) == 4


def test_many_images_share_the_rows_of_their_groups():
    number = MOST_IMAGES + 1
    images = np.array([f"image {n}" for n in range(number)], object)
    svg = distributions_svg(np.arange(1.0, number + 1), images, "x", FOR_A_FILE)
    assert "all images" in texts(svg)
    assert "image 0" not in texts(svg)
    assert len(list(ET.fromstring(svg).iter(f"{SVG}path"))) == number


def test_the_axis_is_logarithmic_where_values_span_much():
    images = np.array(["a", "a"], object)
    assert "x (logarithmic)" in texts(distributions_svg(np.array([1.0, 100]), images, "x", FOR_A_FILE))
    assert "x" in texts(distributions_svg(np.array([0.0, 100]), images, "x", FOR_A_FILE))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30), st.booleans())
def test_every_column_can_be_drawn(values, is_grouped):
    images = np.array([f"i{n % 3}" for n in range(len(values))], object)
    svg = distributions_svg(
        np.array(values, float), images, EVIL, FOR_A_FILE, {"i0": "g", "i1": "h", "i2": "g"} if is_grouped else None
    )
    for circle in ET.fromstring(svg).iter(f"{SVG}circle"):
        assert 0 <= float(circle.attrib["cx"]) <= 760


def test_colours_run_from_violet_to_yellow_and_unknown_is_grey():
    assert viridis(np.array([-1.0, 0, 1, 2])).tolist() == [[68, 1, 84]] * 2 + [[253, 231, 37]] * 2
    assert viridis(np.array([np.nan])).tolist() == [[150, 150, 150]]
    luminance = viridis(np.linspace(0, 1, 50)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all(), "steps must show in print, too"


def test_the_scale_leaves_out_extremes_and_is_logarithmic_where_values_span_much():
    assert colour_scale(np.append(np.full(99, 5.0), 1000)) == ColourScale(4.5, 5.5)
    assert colour_scale(np.array([1.0] * 50 + [100.0] * 50)).shares(np.array([1.0, 10, 100])).tolist() == pytest.approx(
        [0, 0.5, 1]
    )
    assert colour_scale(np.array([np.nan])) == ColourScale(0.0, 1.0)


def test_each_object_has_the_colour_of_its_value():
    cells = squares([8, 8, 8])
    drawn = draw_measured(None, cells, np.array([3, 1]), np.array([1.0, 0.0]), ColourScale(0, 1), opacity=1.0)
    assert drawn[5, 5].tolist() == [68, 1, 84]
    assert drawn[5, 27].tolist() == [253, 231, 37]
    assert drawn[5, 16].tolist() == [150, 150, 150], "object 2 has no value"
    assert drawn[50, 50].tolist() == [90, 90, 90]


def test_the_largest_and_the_smallest_and_the_oddest():
    cells = squares([6, 12, 3, 6, 6, 6, 6, 6])
    cells[40:43, 5:60] = 9
    table = unseam.measure(cells, np.where(cells == 5, 200, 10 + np.arange(100))).objects
    ids = table["id"].tolist()
    assert [ids[one.row] for one in choose_standouts(table, "largest", 2)] == [9, 2]
    assert [ids[one.row] for one in choose_standouts(table, "smallest", 1)] == [3]
    odd = choose_standouts(table, "oddest", 2)
    assert {ids[one.row] for one in odd} >= {9}
    assert all(re.fullmatch(r"\w+ [\d.e+-]+, usually [\d.e+-]+", one.reason) for one in odd)


def test_objects_cut_by_the_border_count_among_the_largest_only():
    cells = squares([6, 12, 6])
    cells[-3:, :2] = 4
    cells[-20:, 50:] = 5
    table = unseam.measure(cells).objects
    ids = table["id"].tolist()
    assert ids[choose_standouts(table, "largest")[0].row] == 5
    assert not {4, 5} & {ids[one.row] for one in choose_standouts(table, "smallest")}
    assert not {4, 5} & {ids[one.row] for one in choose_standouts(table, "oddest")}


def test_equal_objects_are_not_odd():
    assert choose_standouts(Table({"area_px": [4.0, 4.0], "solidity": [1.0, 1.0]}), "oddest") == ()
    assert choose_standouts(Table({}), "largest") == ()


@pytest.fixture
def page(rng) -> MeasuredPage:
    cells = [squares([6, 12, 3, 6]), squares([9, 5, 7])]
    images = [rng.integers(0, 255, one.shape).astype(np.uint8) for one in cells]
    names = ["a", EVIL]
    groups = {"a": "treated", EVIL: EVIL}
    found = unseam.measure(cells, images, names=names, groups=groups)
    planes = tuple(MeasuredPlane.of_arrays((name,), one, image) for name, one, image in zip(names, cells, images, strict=True))
    return MeasuredPage(
        "A measurement", "A lead.", found.objects, found.images, found.groups, planes, groups, "unseam measure M"
    )


def test_the_page_shows_all_and_runs_nothing(page):
    text = render_measured(page)
    assert "<script" not in text
    assert not re.search(r"(src|href)=\"https?:", text)
    assert text.count("data:image/jpeg") == 2 * 2 + 7 + 7 + 7, "two pictures an image, and every object in each of three lists"
    assert [heading for heading in ("The largest", "The smallest", "The oddest") if heading in text] == [
        "The largest",
        "The smallest",
        "The oddest",
    ]
    assert "object 2: 144 px" in text
    assert text.count("<svg") == 2


def test_a_page_without_objects_says_so(page):
    from dataclasses import replace

    text = render_measured(replace(page, objects=Table({}), groups=Table({})))
    assert "There are no objects." in text
    assert "There are none to show." in text


def test_what_is_plotted():
    table = Table({"id": [1], "area_px": [1], "area_um2": [1.0], "intensity_mean_c0": [1.0], "intensity_mean_c1": [2.0]})
    assert plotted_columns(table) == ("area_um2", "intensity_mean_c0", "intensity_mean_c1")
    assert plotted_columns(Table({"id": [1]})) == ()
