"""The page: whole, of one piece, honest about what is not known, and safe whatever files and classes are called."""

import functools
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from unseam.metrics import CalibrationScore, Intervals, Scores
from unseam.model.model_file import ModelInfo, TrainingRecord
from unseam.nets import UNetConfig
from unseam.report.comparison import Comparison, Comparisons, ReportFacts
from unseam.report.page import ReportPage, Training, render
from unseam.report.pages import GENERATOR
from unseam.report.score_table import score_comparisons
from unseam.report.thumbnails import MOST_SHOWN, wrong_objects
from unseam.training.observers import Record

SECTIONS = ["scores", "curves", "images", "confusion", "objects", "calibration", "seams", "repeat"]
VOID = {"meta", "br", "img", "input", "link", "hr", "use", "image", "line", "polyline", "circle", "rect"}
NAMES = ("background", "one", "two")
EVIL = "<script>alert('x')</script>&\"'.png"


class Page(HTMLParser):
    """What a browser would make of it: tags balanced, attributes, texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def training(**record) -> Training:
    config = UNetConfig(first_width=2, depth=1)
    about = TrainingRecord(images=("a", EVIL), steps=20, best_step=10, score=0.5, score_name="IoU", held_out="held out")
    records = tuple(Record(step, step * 2.0, 1 / step, score, 0.1) for step, score in ((5, 0.2), (10, 0.5), (20, 0.4)))
    return Training(ModelInfo(net=config, training=replace(about, **record)), records, 'x = "<b>"', "unseam train D --out O")


def page_of(comparisons: Comparisons | None, trained: Training | None = None) -> tuple[str, Page]:
    scored = scored_once(comparisons.images) if comparisons is not None else None
    text = render(ReportPage(f"Run {EVIL}", "A lead.", comparisons, trained, "unseam report R", scored))
    return text, Page(text)


@functools.cache
def scored_once(images: tuple[Comparison, ...]) -> tuple[Scores, Intervals]:
    """What ``render`` computes if it is not given: a thousand resamples, which take a second where types are checked."""
    masks = "instances" if images[0].truth.dtype == np.int32 else "classes"
    return score_comparisons(Comparisons(ReportFacts(masks, NAMES), images))


def test_scores_are_counted_from_the_maps_if_they_are_not_given(of_classes):
    lead = ("A lead.", of_classes, None, "unseam report R")
    assert render(ReportPage("R", *lead)) == render(ReportPage("R", *lead, scored_once(of_classes.images)))


@pytest.fixture(scope="module", params=["objects", "classes", "nothing"])
def any_page(request) -> tuple[str, Page]:
    if request.param == "nothing":
        return page_of(None, training())
    return page_of(request.getfixturevalue(f"of_{request.param}"), training())


def test_it_is_whole_and_of_one_piece(any_page):
    text, page = any_page
    assert [value for tag, name, value in page.attributes if (tag, name) == ("section", "id")] == SECTIONS
    assert GENERATOR in text[:2000]
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    targets = [value[1:] for value in page.all("href") if value.startswith("#")]
    assert set(targets) <= set(ids)
    assert page.tags.count("script") == page.tags.count("style") == 1


def test_nothing_is_fetched(any_page):
    text, page = any_page
    for value in (*page.all("href"), *page.all("src")):
        assert value.startswith(("#", "data:image/")), value[:80]
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", text)
    without_names = text.replace("http://www.w3.org/2000/svg", "")  # a name, which nothing fetches
    assert "http:" not in without_names
    assert "https:" not in without_names
    assert "default-src 'none'" in page.all("content")[1]


def test_names_are_text(any_page):
    text, page = any_page
    assert "<script>alert" not in text
    assert page.tags.count("script") == 1
    assert any(EVIL in words for words in page.texts)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_controls_can_be_reached_and_are_named(of_objects):
    _, page = page_of(of_objects)
    assert page.tags.count("button") == 3 * 2
    assert all(value for tag, name, value in page.attributes if tag == "img" and name == "alt")
    assert page.tags.count("img") == len([1 for tag, name, _ in page.attributes if (tag, name) == ("img", "alt")])
    views = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "tabindex")]
    assert views == ["0"] * 8
    assert page.all("lang") == ["en"]
    assert "viewport" in page.all("name")


def test_objects_that_are_wrong_have_kind_file_and_place(of_objects):
    text, page = page_of(of_objects)
    words = " ".join(" ".join(page.texts).split())
    for kind in ("split", "merged", "missed", "invented"):
        assert f"{kind}: 2 " in words
    assert page.tags.count("img") == 8
    assert "row 145, column 207" in words  # object 5 lies at 45, 7 of a window at 100, 200
    assert "data:image/jpeg" in text


def test_confusion_by_hand(of_classes):
    _, page = page_of(of_classes)
    words = " ".join(" ".join(page.texts).split())
    one = of_classes.images[0]
    both = [(c.truth, c.predicted) for c in of_classes.images]
    is_axon = sum(int((t == 2).sum()) for t, _ in both)
    found = sum(int(((t == 2) & (p == 2)).sum()) for t, p in both)
    assert f"{100 * found / is_axon:.1f} %" in words
    assert f"{is_axon:,}" in words
    assert one.picture is not None


def test_what_is_not_known_is_said():
    _, page = page_of(None, training(score=None, score_name=""))
    words = " ".join(" ".join(page.texts).split())
    reasons = ("nothing to score", "No images", "confusions cannot", "objects cannot", "No probabilities", "No checksums")
    for reason in (*reasons, "No seam check"):
        assert reason in words, reason


def test_without_validation_the_curve_says_so(of_classes):
    trained = training(score=None, score_name="")
    records = tuple(replace(record, score=math.nan) for record in trained.records)
    _, page = page_of(None, replace(trained, records=records))
    assert "no validation score, and the model has the last weights" in " ".join(" ".join(page.texts).split())


def test_scores_from_files_have_no_training(of_objects):
    bare = Comparisons(ReportFacts("instances", ("background", "object")), of_objects.images)
    _, page = page_of(bare)
    words = " ".join(" ".join(page.texts).split())
    assert "report of the run folder" in words
    assert "hold labels, not probabilities" in words
    assert "there is no model here, only maps" in words
    assert "these same pixels" not in words


def test_of_many_images_the_best_and_the_worst_are_shown(rng):
    truth = np.zeros((20, 20), np.uint8)
    truth[5:15, 5:15] = 1
    compared = []
    for wrong in rng.permutation(10):
        predicted = truth.copy()
        predicted[5 : 5 + wrong] = 0
        compared.append(Comparison(f"wrong{wrong}", truth, predicted))
    nothing = Comparison("empty", np.zeros_like(truth), np.zeros_like(truth))
    _, page = page_of(Comparisons(ReportFacts("binary", ("background", "foreground")), (nothing, *compared)))
    shown = [label.split(":")[0] for label in page.all("aria-label") if label.endswith(": errors")]
    assert shown == ["wrong0", "wrong1", "wrong2", "wrong7", "wrong8", "wrong9"]


def test_seams_are_judged_by_their_limit(of_objects):
    _, page = page_of(of_objects, training())
    assert any("does not depend on the tiles" in words for words in page.texts)
    line = replace(of_objects.facts.seams.lines[0], difference=1e-3)
    facts = replace(of_objects.facts, seams=replace(of_objects.facts.seams, lines=(line,)))
    _, page = page_of(Comparisons(facts, of_objects.images), training())
    assert any("More than rounding" in words for words in page.texts)


def test_drawings_are_well_formed(of_objects):
    facts = replace(of_objects.facts, calibration=CalibrationScore((10,), (5.0,), (5,)))
    text, _ = page_of(Comparisons(facts, of_objects.images), training())
    drawings = re.findall(r"<svg xmlns.*?</svg>", text, re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        ET.fromstring(drawing)


def test_one_bad_image_does_not_hide_what_is_missed_in_another(rng):
    truth = np.zeros((60, 60), np.int32)
    for number in range(9):
        truth[20 * (number // 3) + 2 : 20 * (number // 3) + 16, 20 * (number % 3) + 2 : 20 * (number % 3) + 16] = number + 1
    speck = np.zeros((60, 60), np.int32)
    speck[5:8, 5:8] = 1
    nothing = np.zeros((60, 60), np.int32)
    compared = (Comparison("bad", truth, nothing), Comparison("speck", speck, nothing))
    missed = next(group for group in wrong_objects(compared) if group.kind == "missed")
    assert missed.num_objects == 10
    assert [thumb.name for thumb in missed.shown] == ["bad", "speck", *["bad"] * (MOST_SHOWN - 2)]


def test_each_fold_has_its_curve(of_objects):
    trained = training()
    folds = (trained.records, (), trained.records)
    text, page = page_of(of_objects, replace(trained, records=(), folds=folds))
    assert [words for words in page.texts if words.startswith("Fold ")] == ["Fold 1", "Fold 3"]
    assert "each network keeps its last weights" in text
    assert 'r="8" style="fill:none' not in text, "no ring: the best score chose nothing"
    assert "there is no curve to draw" not in text


def test_a_name_with_the_word_plane_is_a_name(of_classes):
    """Three images called ``my plane 0`` to ``my plane 2`` are three images; three planes of one file are one."""
    one = of_classes.images[0]
    images = tuple(replace(one, name=f"my plane {number}") for number in range(3))
    assert score_comparisons(replace(of_classes, images=images))[1].num_images == 3
    planes = tuple(replace(image, group="my") for image in images)
    assert score_comparisons(replace(of_classes, images=planes))[1].num_images == 1
