"""The meaning of axes: read from the file where it states them, else guessed, with a note."""

import numpy as np
from jaxtyping import Shaped

_MAX_COLOURS = 4
_FEWEST_PIXELS = 5  # a shorter axis counts as a side of an image only if nothing else is possible
_MAX_NARROW, _WIDE = 8, 32  # nobody keeps images of 8 px by 32 and more: such a last axis counts channels
_FIRST_AXIS = "the first axis"
AS_CHANNEL = "read as a channel"


def guess_axes(shape: tuple[int, ...]) -> tuple[str, str | None]:
    """Guess what the axes of a nameless array of 2, 3 or 4 axes mean.

    Returns one letter per axis (see :class:`~unseam.io.image_file.ImageFile`), and a note if the meaning was not clear. The
    letters are empty if no guess is sound.

    >>> guess_axes((512, 512, 3))[0], guess_axes((3, 512, 512))[0], guess_axes((30, 512, 512))[0]
    ('YXC', 'CYX', 'ZYX')
    """
    if len(shape) == 2:
        return "YX", None
    if len(shape) == 3:
        first, middle, last = shape
        if last == 1:
            return "YXC", None
        if last <= _MAX_COLOURS and min(first, middle) >= _FEWEST_PIXELS:
            return "YXC", f"the last axis, of {last}, is taken as channels" if last != 3 else None
        if last <= _MAX_NARROW and min(first, middle) >= _WIDE:
            return "YXC", f"the last axis, of {last}, is taken as channels"
        if first in (3, 4) and min(middle, last) > first:
            return "CYX", f"{_FIRST_AXIS}, of {first}, is taken as channels; if these are planes, save them with the axes ZYX"
        return "ZYX", f"taken as a stack of {first} planes"
    if len(shape) == 4:
        planes, second, third, last = shape
        if last in (1, 3, 4) and min(second, third) >= _FEWEST_PIXELS:
            return "ZYXC", f"taken as a stack of {planes} planes with {last} channels each"
        if second <= _MAX_COLOURS and min(third, last) >= _FEWEST_PIXELS:
            return "ZCYX", f"taken as a stack of {planes} planes with {second} channels each"
        return "TZYX", f"taken as {planes} x {second} planes"
    return "", None


def name_axes(axes: str, shape: tuple[int, ...]) -> tuple[str, str | None]:
    """Replace nameless axes (``Q``) of a TIFF by a guess, with a note; axes with samples (``S``) stay.

    >>> name_axes("QYX", (30, 512, 512)), name_axes("ZYX", (30, 512, 512))
    (('ZYX', 'taken as a stack of 30 planes'), ('ZYX', None))
    """
    if "Q" not in axes or "S" in axes:
        return axes, None
    guessed, note = guess_axes(shape)
    return guessed or axes, note


def planes_notes(notes: tuple[str, ...], num_channels: int, why: str) -> tuple[str, ...]:
    """Return the notes on a file whose channels turned out to be planes; those that call them channels are left out."""
    kept = tuple(note for note in notes if not note.startswith(_FIRST_AXIS) and AS_CHANNEL not in note)
    return (*kept, f"{num_channels} channels are read as planes, because {why}")


def tidy_axes(pixels: Shaped[np.ndarray, "..."], axes: str) -> tuple[Shaped[np.ndarray, "..."], str]:
    """Reduce any axis letters to ``T Z C Y X``, each at most once.

    Samples (``S``) are channels; any other letter (pages, positions, angles) counts planes. Axes of length 1 other than rows
    and columns are dropped; axes of one meaning are joined.

    >>> pixels, axes = tidy_axes(np.zeros((2, 3, 20, 30, 1)), "RZYXS")
    >>> pixels.shape, axes
    ((6, 20, 30), 'ZYX')
    """
    letters = ["C" if a in "CS" else a if a in "TYX" else "Z" for a in axes]
    keep = [i for i, letter in enumerate(letters) if letter in "YX" or pixels.shape[i] != 1]
    pixels = pixels.reshape([pixels.shape[i] for i in keep])
    letters = [letters[i] for i in keep]
    for letter in "TZC":
        while letters.count(letter) > 1:
            i = letters.index(letter)
            j = letters.index(letter, i + 1)
            pixels = np.moveaxis(pixels, j, i + 1)
            pixels = pixels.reshape(*pixels.shape[:i], pixels.shape[i] * pixels.shape[i + 1], *pixels.shape[i + 2 :])
            del letters[j]
    return pixels, "".join(letters)
