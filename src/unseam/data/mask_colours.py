"""What the numbers of a set of masks have in common, by the colours that their files give them.

A palette belongs to one file: number 1 may be red in one mask and green in the next, and black may have any number. So the
masks of a set are held against each other before their numbers are believed.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from unseam.errors import LabelError
from unseam.io import ImageFile

Colour = tuple[int, int, int]
_BLACK: Colour = (0, 0, 0)
_WHITE: Colour = (255, 255, 255)
_WHITES = (255, 65_535, 15, 3)
_DEPTHS = (2, 4, 16)  # numbers that a mask of 1, 2 or 4 bits per pixel has
_LEVELS = sorted({level * factor for level in range(16) for factor in (1, 17, 85, 255, 4369, 21845, 65_535)})


@dataclass(frozen=True)
class _Known:
    """The first file in which a number has a colour, or a colour a number."""

    number: int
    colour: Colour | None
    path: Path
    palette: UInt8[np.ndarray, "number 3"]


class MaskColours:
    """Collects the masks of a set with :meth:`add`; then :meth:`settled` gives their numbers one meaning.

    ``are_objects``: each number is one object of its own mask, so only the background needs a common colour.
    """

    def __init__(self, *, are_objects: bool = False) -> None:
        self._are_objects = are_objects
        self._of_number: dict[int, _Known] = {}
        self._of_colour: dict[Colour | None, _Known] = {}
        self._pixels_of: Counter[Colour | None] = Counter()  # in palettes with colours
        self._first: set[Colour | None] = set()  # the colours of number 0 in these
        self._plain: set[int] = set()  # in masks of 8 bits and more: those that may be levels of fewer bits
        self._levels: dict[int, set[int]] = {depth: set() for depth in _DEPTHS}  # in masks of fewer bits

    def add(self, file: ImageFile) -> None:
        """Add a mask.

        Raises
        ------
        LabelError
            A number has another colour than in a mask before, or a colour another number; names both files.
        """
        if file.palette is None or _is_levels(file.palette):
            numbers = self._plain if file.palette is None else self._levels[len(file.palette)]
            if int(file.pixels.max()) in _LEVELS:  # else it numbers objects, perhaps in very many pixels
                found = np.unique(file.pixels[np.isin(file.pixels, _LEVELS)])
                numbers.update(int(number) for number in found if number > 0)
            return
        used, counts = np.unique(file.pixels[file.pixels >= 0], return_counts=True)  # -1: not annotated
        all_known = [_Known(int(number), _colour(file.palette, int(number)), file.path, file.palette) for number in used]
        if not self._are_objects:
            for known in all_known:
                self._check(known)
        for known in all_known:
            self._of_number.setdefault(known.number, known)
            self._of_colour.setdefault(known.colour, known)
        if _is_grey(file.palette):
            self._plain.update(known.number for known in all_known if known.number > 0)
        else:
            self._first.add(_colour(file.palette, 0))
            for known, count in zip(all_known, counts, strict=True):
                self._pixels_of[known.colour] += int(count)

    def settled(self, file: ImageFile) -> ImageFile:
        """Return an added mask without palette: the background has the number 0, and white that of the other masks."""
        if file.palette is None:
            return file
        if _is_levels(file.palette):
            return self._with_white(file)
        if self._is_drawn_in_their_greys(file):
            note = "the palette has colours, but all pixels are grey: the numbers are grey levels, as in other masks"
            return replace(file, pixels=file.palette[:, 0][file.pixels], palette=None, notes=(*file.notes, note))
        if _is_grey(file.palette) or self._has_background_first() or not self._pixels_of:
            return replace(file, palette=None)
        return self._with_background(file)

    def _is_drawn_in_their_greys(self, file: ImageFile) -> bool:
        """Whether a palette with colours is used for greys only, and masks without palette have these greys as numbers."""
        assert file.palette is not None
        used = [int(number) for number in np.unique(file.pixels)]
        if _is_grey(file.palette) or used[0] < 0 or used[-1] >= len(file.palette) or not _is_grey(file.palette[used]):
            return False
        return not self._plain & set(used) and bool(self._plain & {int(level) for level in file.palette[used, 0]})

    def _has_background_first(self) -> bool:
        """Whether number 0 is black in all masks, or white where no pixel is black or most are white: the background."""
        is_paper = _BLACK not in self._pixels_of or 2 * self._pixels_of[_WHITE] > self._pixels_of.total()
        return self._first == {_BLACK} or (self._first == {_WHITE} and is_paper)

    def _with_white(self, file: ImageFile) -> ImageFile:
        """Stretch the levels of a mask of few bits so that white is that of the other masks, if they have these numbers."""
        assert file.palette is not None
        top = len(file.palette) - 1
        levels = self._levels[len(file.palette)]
        others = self._plain.union(*(deeper for depth, deeper in self._levels.items() if depth > len(file.palette)))
        for white in _WHITES:
            if not levels & others and {level * (white // top) for level in levels} & others:
                note = f"a mask with {top + 1} levels: its white is read as {white}, as in other masks"
                pixels = file.pixels.astype(np.min_scalar_type(white)) * (white // top)
                return replace(file, pixels=pixels, palette=None, notes=(*file.notes, note))
        return replace(file, palette=None)

    def _check(self, new: _Known) -> None:
        old = self._of_number.get(new.number)
        if old is not None and old.colour != new.colour:
            raise _conflict(
                f"number {new.number} is {_name(new.colour)} in its palette, but {_name(old.colour)} in {old.path}", new
            )
        old = self._of_colour.get(new.colour)
        # a palette may show several numbers in one colour; then both files must agree on that
        if old is not None and old.number != new.number and _colour(old.palette, new.number) != new.colour:
            raise _conflict(
                f"{_name(new.colour)} has the number {new.number} in its palette, but {old.number} in {old.path}", new
            )

    def _with_background(self, file: ImageFile) -> ImageFile:
        """Exchange 0 and the number of the background: black if the masks have it, otherwise the commonest colour."""
        assert file.palette is not None
        background = _BLACK if _BLACK in self._pixels_of else self._pixels_of.most_common(1)[0][0]
        used = [int(number) for number in np.unique(file.pixels) if number >= 0]
        numbers = [number for number in used if _colour(file.palette, number) == background]
        if 0 in numbers or (not numbers and 0 not in used):
            return replace(file, palette=None)
        # classes must agree: also in a mask without background, 0 takes the number that the background has in the others
        number = self._of_colour[background].number
        if self._are_objects:
            number = numbers[0] if numbers else used[-1] + 1
        pixels = file.pixels.astype(np.promote_types(file.pixels.dtype, np.min_scalar_type(number)))
        pixels[np.isin(file.pixels, numbers)] = 0
        pixels[file.pixels == 0] = number
        note = f"the background of the palette is {_name(background)}: its number {number} is read as 0, and 0 as {number}"
        return replace(file, pixels=pixels, palette=None, notes=(*file.notes, note))


def settle_masks(files: Iterable[ImageFile], *, are_objects: bool = False) -> list[ImageFile]:
    """Give the numbers of masks one meaning, see :class:`MaskColours`. Raises LabelError if their palettes contradict."""
    files, colours = list(files), MaskColours(are_objects=are_objects)
    for file in files:
        colours.add(file)
    return [colours.settled(file) for file in files]


def _conflict(words: str, new: _Known) -> LabelError:
    return LabelError(
        f"{new.path}: {words}: each mask has a palette of its own, so their numbers do not mean the same. Give each colour one "
        'number, the same in all masks, and save them as 8- or 16-bit grey TIFF or PNG ("Masks in colours" in '
        "docs/data-formats.md has a short program for that). If each number is one object, set masks to 'instances'.",
        str(new.path),
    )


def _is_levels(palette: UInt8[np.ndarray, "number 3"]) -> bool:
    """Whether a palette is that of a mask of few bits per pixel: greys at equal distances from black to white."""
    return len(palette) in _DEPTHS and _is_grey(palette)


def _is_grey(palette: UInt8[np.ndarray, "number 3"]) -> bool:
    return bool((palette == palette[:, :1]).all())


def _colour(palette: UInt8[np.ndarray, "number 3"], number: int) -> Colour | None:
    """Return the colour of a number; None if the palette ends before it."""
    if number >= len(palette):
        return None
    red, green, blue = (int(value) for value in palette[number])
    return red, green, blue


_NAMES: dict[Colour, str] = {
    (0, 0, 0): "black",
    (255, 255, 255): "white",
    (255, 0, 0): "red",
    (0, 255, 0): "green",
    (0, 0, 255): "blue",
}


def _name(colour: Colour | None) -> str:
    if colour is None:
        return "without a colour"
    return f"{_NAMES.get(colour, 'the colour')} ({', '.join(map(str, colour))})"
