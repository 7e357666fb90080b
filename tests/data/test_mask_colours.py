"""Masks of a set are held against each other by their colours."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unseam.data.annotated import read_annotated
from unseam.data.mask_colours import settle_masks
from unseam.errors import LabelError
from unseam.io import ImageFile
from unseam.io.calibration import UNKNOWN

BLACK, WHITE, RED, GREEN, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)
BITS = [BLACK, WHITE]
LEVELS = [(level,) * 3 for level in range(256)]


def mask(name: str, numbers: list[int], palette: list[tuple[int, ...]] | None = None) -> ImageFile:
    colours = None if palette is None else np.array(palette, np.uint8)
    return ImageFile(np.array([numbers], np.uint8), "YX", UNKNOWN, Path(name), (), colours)


def settle(*masks: ImageFile, are_objects: bool = False) -> list[list[int]]:
    return [file.pixels[0].tolist() for file in settle_masks(masks, are_objects=are_objects)]


REFUSED = {
    "one number, two colours": (
        [mask("a", [0, 1], [BLACK, RED]), mask("b", [0, 1], [BLACK, GREEN])],
        r"b: number 1 is green \(0, 255, 0\) in its palette, but red \(255, 0, 0\) in a",
    ),
    "one colour, two numbers": (
        [mask("a", [0, 1], [BLACK, RED]), mask("b", [0, 2], [BLACK, GREEN, RED])],
        r"b: red \(255, 0, 0\) has the number 2 in its palette, but 1 in a",
    ),
    "black has two numbers": ([mask("a", [0, 1], [BLACK, RED]), mask("b", [1, 2], [RED, BLACK, RED])], "b: "),
    "grey levels and numbers": (
        [mask("a", [0, 255], LEVELS), mask("b", [0, 1, 2], [BLACK, WHITE, RED])], "b: white .* number 1 .*255 in a",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_palettes_that_contradict_are_refused(name: str) -> None:
    masks, words = REFUSED[name]
    with pytest.raises(LabelError, match=words) as caught:
        settle(*masks)
    assert caught.value.where == "b"


READ = {
    "one palette": ([mask("a", [0, 1], [BLACK, RED, GREEN]), mask("b", [0, 2], [BLACK, RED, GREEN])], [[0, 1], [0, 2]]),
    "other colours where no pixel is": ([mask("a", [0, 1], [BLACK, RED, BLUE]), mask("b", [0, 1], [BLACK, RED])], [[0, 1]] * 2),
    "two numbers of one colour": (
        [mask("a", [0, 1], [BLACK, RED, RED]), mask("b", [0, 2], [BLACK, RED, RED])],
        [[0, 1], [0, 2]],
    ),
    "black is last": ([mask("a", [2, 1], [RED, GREEN, BLACK]), mask("b", [0, 1], [RED, GREEN, BLACK])], [[0, 1], [2, 1]]),
    "no black": ([mask("a", [1, 1, 0], [RED, WHITE])], [[0, 0, 1]]),
    "0 is black, and no mask has it": ([mask("a", [1, 1, 2], [BLACK, RED, GREEN])], [[1, 1, 2]]),
    "4 bits alone": ([mask("a", [0, 1, 15], LEVELS[::17])], [[0, 1, 15]]),
    "4 bits and 255": ([mask("a", [0, 15], LEVELS[::17]), mask("b", [0, 255])], [[0, 255], [0, 255]]),
    "1 bit and 4 bits": ([mask("a", [0, 1], BITS), mask("b", [0, 15], LEVELS[::17])], [[0, 15], [0, 15]]),
    "1, 2 and 8 bits": (
        [mask("a", [0, 1], BITS), mask("b", [0, 3], LEVELS[::85]), mask("c", [0, 255])],
        [[0, 255], [0, 255], [0, 255]],
    ),
    "1 bit and numbers of 2 bits": ([mask("a", [0, 1], BITS), mask("b", [0, 1, 3], LEVELS[::85])], [[0, 1], [0, 1, 3]]),
    "2 bits and three greys": ([mask("a", [0, 2, 3], LEVELS[::85]), mask("b", [0, 170, 255])], [[0, 170, 255]] * 2),
    "2 bits and numbers": ([mask("a", [0, 2, 3], LEVELS[::85]), mask("b", [0, 1, 2, 3])], [[0, 2, 3], [0, 1, 2, 3]]),
    "greys of a palette with colours": ([mask("a", [0, 2], [BLACK, RED, WHITE]), mask("b", [0, 255])], [[0, 255]] * 2),
    "numbers of a palette with colours": ([mask("a", [0, 2], [BLACK, RED, WHITE]), mask("b", [0, 1])], [[0, 2], [0, 1]]),
    "white is first": ([mask("a", [1, 1, 0, 2], [WHITE, RED, GREEN])], [[1, 1, 0, 2]]),
    "white is first and most": ([mask("a", [0, 0, 0, 1, 2], [WHITE, RED, BLACK])], [[0, 0, 0, 1, 2]]),
    "white is first, but not most": ([mask("a", [0, 0, 1, 1, 1, 2], [WHITE, BLACK, RED])], [[1, 1, 0, 0, 0, 2]]),
    "bits alone": ([mask("a", [0, 1], BITS), mask("b", [0, 0], BITS)], [[0, 1], [0, 0]]),
    "bits and 255": ([mask("a", [0, 1], BITS), mask("b", [0, 255])], [[0, 255], [0, 255]]),
    "bits and grey levels": ([mask("a", [0, 255], LEVELS), mask("b", [0, 1], BITS)], [[0, 255], [0, 255]]),
    "bits and three greys": ([mask("a", [0, 1], BITS), mask("b", [0, 127, 255])], [[0, 255], [0, 127, 255]]),
    "bits and 0, 1": ([mask("a", [0, 1], BITS), mask("b", [0, 1])], [[0, 1], [0, 1]]),
    "bits and 255 above 1": ([mask("a", [0, 1], BITS), mask("b", [0, 1, 255])], [[0, 1], [0, 1, 255]]),
}


@pytest.mark.parametrize("name", READ)
def test_numbers_get_one_meaning(name: str) -> None:
    masks, numbers = READ[name]
    assert settle(*masks) == numbers


def test_white_of_a_bit_can_have_16_bits() -> None:
    deep = ImageFile(np.array([[0, 65_535]], np.uint16), "YX", UNKNOWN, Path("b"))
    assert settle(mask("a", [0, 1], BITS), deep) == [[0, 65_535], [0, 65_535]]


def test_objects_may_have_other_colours_in_each_mask() -> None:
    masks = [
        mask("a", [2, 0, 1], [RED, GREEN, BLACK]),
        mask("b", [0, 1, 2], [BLACK, BLUE, RED]),
        mask("c", [0, 1], [RED, BLUE]),
    ]
    assert settle(*masks, are_objects=True) == [[0, 2, 1], [0, 1, 2], [2, 1]]


def test_pixels_without_annotation_have_no_colour() -> None:
    file = ImageFile(np.array([[-1, 1, 0]], np.int32), "YX", UNKNOWN, Path("a"), (), np.array([RED, BLACK], np.uint8))
    assert settle(file) == [[-1, 0, 1]]


def test_a_folder_of_masks_with_palettes(tmp_path: Path) -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:9, 4:12] = 1
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name, colour in (("a", RED), ("b", GREEN)):
        Image.fromarray(labels * 100 + 20).save(tmp_path / "images" / f"{name}.png")
        picture = Image.fromarray(1 - labels)
        picture.putpalette([*colour, *BLACK])
        picture.save(tmp_path / "masks" / f"{name}.png")
    with pytest.raises(LabelError, match=r"masks/b\.png: number 0 is green .* but red .* in .*masks/a\.png.*'instances'"):
        read_annotated(tmp_path)
    told: list[str] = []
    found = read_annotated(tmp_path, told.append, masks="instances").images
    for image in found:
        np.testing.assert_array_equal(image.labels, labels)
    assert any("the background of the palette is black" in words for words in told)
