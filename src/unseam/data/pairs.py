"""An annotated image as files, and a folder full of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.file_names import MASK_ENDINGS, readable_files, stem, without_ending
from unseam.errors import DataError


@dataclass(frozen=True)
class Pair:
    """One annotated image, as files.

    Attributes
    ----------
    images
        Its file; several are its channels, in order.
    masks
        Its mask; several hold one object each.
    sequence
        The sequence that it is a frame of; empty: it stands alone.
    markers
        Marks every cell, also those without a mask; None: the mask has them all.
    """

    name: str
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    sequence: str = ""
    markers: Path | None = None

    @property
    def image(self) -> Path:
        """The first of its image files."""
        return self.images[0]

    @property
    def mask(self) -> Path:
        """The first of its mask files."""
        return self.masks[0]


class PartnerError(DataError):
    """Files without a partner: ``alone``, each with what it lacks (``mask`` or ``image``), and the complete ``pairs``."""

    def __init__(self, message: str, alone: Sequence[tuple[Path, str]], pairs: Sequence[Pair]) -> None:
        super().__init__(message)
        self.alone = tuple(alone)
        self.pairs = tuple(pairs)


@dataclass(frozen=True)
class FolderPairs:
    """All annotated images of a folder: at least one, naturally sorted.

    Attributes
    ----------
    layout
        In words, for the user.
    classes
        Value and name of each class, where a file of the data set declares them.
    ignore
        Value of the masks for "not annotated", where it is declared.
    notes
        What was left out.
    is_partial
        Whether the layout leaves some images without annotation as a rule.
    """

    folder: Path
    pairs: tuple[Pair, ...]
    layout: str
    classes: tuple[tuple[int, str], ...] = ()
    ignore: int | None = None
    notes: tuple[str, ...] = ()
    is_partial: bool = False


def check_not_empty(folder: Path) -> list[Path]:
    """The readable files of a folder. Raises DataError if there is none."""
    files = readable_files(folder)
    if not files:
        raise DataError(f"{folder}: holds no file that can be read. Put TIFF or PNG files there.")
    return files


def check_partners(
    image_of: Mapping[str, Path | Sequence[Path]], mask_of: Mapping[str, Path | Sequence[Path]], images: Path, masks: Path
) -> None:
    """Check that each image has a mask and each mask an image.

    Raises
    ------
    PartnerError
        Names the first that is alone, and counts the others.
    """
    for have, lack, what, where in ((image_of, mask_of, "mask", masks), (mask_of, image_of, "image", images)):
        alone = [name for name in have if name not in lack]
        if alone:
            first = have[alone[0]]
            path = first if isinstance(first, Path) else first[0]
            near = next(iter(lack.values()))
            example = near if isinstance(near, Path) else near[0]
            # a mask by its own name was taken for an image if there is no image for it
            is_mask = without_ending(stem(path), MASK_ENDINGS) != stem(path)
            seg = path.with_name(f"{alone[0]}_seg.npy")
            mend = " Export Cellpose's masks as TIFF (File > Save masks)." if seg.exists() else ""
            others = f", nor have {len(alone) - 1} other(s) of {len(have)}" if len(alone) > 1 else ""
            raise PartnerError(
                f"{path} has no {'image' if is_mask else what} in {where}{others}. An image "
                f"and its mask have the same name (the masks' may end in _masks); one found "
                f"there is {example.name}. Add the missing file, or move this one away.{mend}",
                _alone(image_of, mask_of),
                [Pair(name, _files(image_of[name]), _files(mask_of[name])) for name in image_of if name in mask_of],
            )


def _alone(
    image_of: Mapping[str, Path | Sequence[Path]], mask_of: Mapping[str, Path | Sequence[Path]]
) -> list[tuple[Path, str]]:
    """The files without a partner, and what each lacks."""
    images = [(_files(image_of[name])[0], "mask") for name in image_of if name not in mask_of]
    masks = [(_files(mask_of[name])[0], "image") for name in mask_of if name not in image_of]
    is_mask = [without_ending(stem(path), MASK_ENDINGS) != stem(path) for path, _ in images]
    return [(path, "image" if mask else lack) for (path, lack), mask in zip(images, is_mask, strict=True)] + masks


def _files(found: Path | Sequence[Path]) -> tuple[Path, ...]:
    return (found,) if isinstance(found, Path) else tuple(found)
