"""A folder of images and masks, read: one annotated image for each pair, or for each plane of a stack."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unseam.data.file_names import sequence_of
from unseam.data.layout import find_pairs
from unseam.data.pairs import Pair
from unseam.data.prepare import Annotated
from unseam.data.read_pair import read_pair
from unseam.io import ImageFile


@dataclass(frozen=True)
class AnnotatedFolder:
    """The annotated images of a folder, and what a file of the data set declares of its masks (nnU-Net does)."""

    images: tuple[Annotated, ...]
    classes: tuple[tuple[int, str], ...] = ()
    ignore: int | None = None


def read_annotated(folder: Path, tell: Callable[[str], None] = lambda _: None) -> AnnotatedFolder:
    """Read every pair of a folder, in whichever common layout it is.

    Parameters
    ----------
    folder
        See :mod:`unseam.data.layout` for the layouts.
    tell
        Called with sentences on what was found and how files were read.

    Raises
    ------
    DataError
        If the folder holds no pairs, or a pair does not go together.
    ImageReadError, LabelError
        If a file cannot be read; names it.
    """
    found = find_pairs(folder)
    tell(f"{len(found.pairs)} annotated image(s) in {folder}: {found.layout}")
    for note in found.notes:
        tell(note)
    said: set[str] = set()
    annotated: list[Annotated] = []
    for pair in found.pairs:
        image, mask = read_pair(pair)
        for note in (*image.notes, *mask.notes):
            if note not in said:  # once, not once an image
                said.add(note)
                tell(f"{pair.name}: {note}")
        annotated += annotated_planes(pair, image, mask)
    return AnnotatedFolder(tuple(annotated), tuple(found.classes), found.ignore)


def annotated_planes(pair: Pair, image: ImageFile, mask: ImageFile) -> list[Annotated]:
    """Split a pair as :func:`~unseam.data.read_pair.read_pair` returns it into its planes."""
    planes = list(zip(image.planes(), mask.planes(), strict=True))
    annotated = []
    group = pair.sequence or sequence_of(pair.name) or pair.name
    if len(planes) == 1:
        return [Annotated(pair.name, *planes[0], image.spacing_um, group, str(mask.path))]
    for plane, (pixels, labels) in enumerate(planes):
        name, mask_file = f"{pair.name} plane {plane}", f"{mask.path} plane {plane}"
        annotated.append(Annotated(name, pixels, labels, image.spacing_um, group, mask_file, pair.name, plane))
    return annotated
