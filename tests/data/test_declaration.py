"""annotate.toml: masks that the page wrote mean what it says, and images without a mask are left aside."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unseam import check
from unseam.data.annotated import read_annotated
from unseam.data.declaration import (
    DECLARATION_NAME,
    Declaration,
    DeclaredClass,
    find_declared,
    none_of,
    read_declaration,
    write_declaration,
)
from unseam.data.layout import find_pairs
from unseam.data.normalise import Normalise
from unseam.data.prepare import prepare
from unseam.data.weight_map import WeightMap
from unseam.errors import DataError, SettingsError
from unseam.evaluation.truths import find_truths


def classes(*names: str) -> tuple[DeclaredClass, ...]:
    return tuple(DeclaredClass(value, name, "#0072b2") for value, name in enumerate(names))


TWO = Declaration("classes", 255, classes("background", "cell"))


def lay_out(folder: Path, masks: dict[str, np.ndarray], others: tuple[str, ...] = (), said: Declaration = TWO) -> Path:
    rng = np.random.default_rng(7)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for name in (*masks, *others):
        Image.fromarray(rng.integers(0, 200, (40, 50), np.uint8)).save(folder / "images" / f"{name}.png")
    for name, mask in masks.items():
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
    write_declaration(folder, said)
    return folder


def mask_of(*values: int) -> np.ndarray:
    mask = np.full((40, 50), 255, np.uint8)
    for number, value in enumerate(values):
        mask[5 * number : 5 * number + 4, 3:20] = value
    return mask


@pytest.mark.parametrize(
    "said",
    [
        TWO,
        Declaration("objects", -1, classes("background", "object")),
        Declaration("classes", 255, classes(*"abc"), ".", ("x",)),
    ],
)
def test_what_is_written_is_read(tmp_path: Path, said: Declaration) -> None:
    write_declaration(tmp_path, said)
    assert read_declaration(tmp_path) == said


def test_without_the_file_nothing_changes(tmp_path: Path) -> None:
    assert read_declaration(tmp_path) is None
    assert find_declared(tmp_path) is None


@pytest.mark.parametrize(("values", "kind"), [((0, 1), "binary"), ((1, 0, 1), "binary")])
def test_255_is_never_a_class(tmp_path: Path, values: tuple[int, ...], kind: str) -> None:
    """A mask with foreground alone holds 1 and 255; guessed, 255 would be the foreground."""
    folder = lay_out(tmp_path, {"a": mask_of(1), "b": mask_of(*values)})
    found = read_annotated(folder)
    prepared = prepare(found.images, Normalise(), WeightMap(), ignore=found.ignore, declared=found.classes)
    assert (prepared.reading.kind, prepared.reading.values, prepared.reading.ignore) == (kind, (0, 1), 255)
    assert prepared.reading.class_names == ("background", "cell")
    assert {int(value) for one in prepared.samples for value in np.unique(one.classes)} == {0, 1, 255}
    assert find_truths(folder).ignore == 255


def test_a_mask_may_hold_the_third_class_alone(tmp_path: Path) -> None:
    said = Declaration("classes", 255, classes("background", "axon", "myelin"))
    folder = lay_out(tmp_path, {"a": mask_of(2), "b": mask_of(0, 1)}, said=said)
    found = read_annotated(folder)
    reading = prepare(found.images, Normalise(), WeightMap(), ignore=found.ignore, declared=found.classes).reading
    assert (reading.kind, reading.values) == ("classes", (0, 1, 2))


def test_images_without_a_mask_are_left_aside_and_counted(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, {"a": mask_of(0, 1), "b": mask_of(0, 1)}, others=("c", "d", "e"))
    found = find_pairs(folder)
    assert [pair.name for pair in found.pairs] == ["a", "b"]
    told: list[str] = []
    read_annotated(folder, told.append)
    assert any("left aside: 3 of 5 image(s), which have no mask yet" in line for line in told)
    report = check(folder)
    assert not report.stops
    assert any("left aside: 3 of 5" in str(finding) for finding in report.findings)


def test_images_that_the_user_left_out_are_not_learnt_from(tmp_path: Path) -> None:
    said = Declaration("classes", 255, TWO.classes, left_out=("a", "gone"))
    folder = lay_out(tmp_path, {"a": mask_of(0, 1), "b": mask_of(0, 1)}, said=said)
    found = find_pairs(folder)
    assert [pair.name for pair in found.pairs] == ["b"]
    assert "left aside: 1 of 2 image(s), which were left out" in str(found.left_out[0])


def test_objects_are_never_guessed(tmp_path: Path) -> None:
    said = Declaration("objects", -1, classes("background", "object"))
    folder = lay_out(tmp_path, {"a": np.zeros((40, 50), np.uint8)}, said=said)
    kind = find_pairs(folder).kind
    assert kind is not None
    assert kind.kind == "instances"
    assert find_pairs(folder).ignore is None  # -1 never is a number of an object


def test_a_folder_in_which_nothing_is_painted_says_so(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, {}, others=("a", "b"))
    with pytest.raises(DataError, match=r"none of its 2 image\(s\) is annotated yet. Paint in some of them: unseam annotate"):
        find_pairs(folder)


def test_a_mask_without_an_image_is_told(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, {"a": mask_of(0, 1), "b": mask_of(0, 1)})
    (folder / "images/b.png").unlink()
    with pytest.raises(DataError, match="has no image"):
        find_pairs(folder)


def test_images_in_the_folder_itself(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, {"a": mask_of(0, 1)}, said=Declaration("classes", 255, TWO.classes, "."))
    (folder / "images/a.png").rename(folder / "a.png")
    (folder / "images").rmdir()
    assert find_pairs(folder).pairs[0].image == folder / "a.png"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("kind = 'planes'", "it may be 'classes', 'objects'"),
        ("kind = 'objects'", "not_annotated = 255: for objects it is -1"),
        ("images = '../other'", "it may be '.', or one of images"),
        ("classes = []", "must count up from 0"),
        ("classes = [{value=0,name='a',colour='#000000'},{value=1,name='A',colour='#000000'}]", "same name"),
        ("classes = [{value=0,name='a',colour='#000000'},{value=1,name='b',colour='red'}]", "write it as #rrggbb"),
        ("classes = [{value=0,name='a',colour='#000000'},{value=1,name='b\tc',colour='#000000'}]", "printable"),
        ("kind =", "cannot be used"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, change: str, words: str) -> None:
    name = change.split(" =", maxsplit=1)[0]
    kept = {"kind": "kind = 'classes'", "not_annotated": "not_annotated = 255",
            "classes": "classes = [{value=0,name='a',colour='#000000'},{value=1,name='b',colour='#000000'}]"}  # fmt: skip
    kept[name] = change
    (tmp_path / DECLARATION_NAME).write_text("\n".join(kept.values()))
    with pytest.raises(DataError, match=words):
        read_declaration(tmp_path)


def test_the_value_for_not_annotated_follows_from_the_kind() -> None:
    assert (none_of("classes"), none_of("objects")) == (255, -1)
    with pytest.raises(SettingsError, match="there are two"):
        Declaration("objects", -1, classes(*"abc"))
