"""The files of an annotated image, and of a folder of annotated images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.file_names import MASK_ENDINGS, readable_files, stem, without_ending
from unseam.data.kinds import LayoutKind
from unseam.data.left_out import LeftOut, advice_on_empty, advice_on_partner
from unseam.errors import DataError


@dataclass(frozen=True)
class Pair:
    """The files of one annotated image."""

    name: str
    images: tuple[Path, ...]  # several files are its channels, in order
    masks: tuple[Path, ...]  # several files hold one object each
    sequence: str = ""  # the sequence whose frame it is; empty for a single image
    markers: Path | None = None  # marks every cell, also cells without a mask; None: the mask has all cells

    @property
    def image(self) -> Path:
        return self.images[0]

    @property
    def mask(self) -> Path:
        return self.masks[0]


class PartnerError(DataError):
    """Files without a partner: ``alone`` (each with ``mask`` or ``image``, whichever it lacks), and complete ``pairs``.

    ``hint`` is what probably happened to the first partner, with a space before it; empty if unknown.
    """

    def __init__(self, message: str, alone: Sequence[tuple[Path, str]], pairs: Sequence[Pair], hint: str = "") -> None:
        super().__init__(message + hint)
        self.hint = hint
        self.alone = tuple(alone)
        self.pairs = tuple(pairs)


@dataclass(frozen=True)
class FolderPairs:
    """All annotated images of a folder: at least one, naturally sorted."""

    folder: Path
    pairs: tuple[Pair, ...]
    layout: str  # description for the user
    classes: tuple[tuple[int, str], ...] = ()  # value and name of each class, if the data set declares them
    ignore: int | None = None  # mask value for "not annotated", if declared
    notes: tuple[str, ...] = ()  # which files were ignored
    left_out: tuple[LeftOut, ...] = ()  # what looks like data and is not used
    is_partial: bool = False  # whether the layout usually leaves images without annotation
    kind: LayoutKind | None = None  # what the masks hold, where the layout settles it


def check_not_empty(folder: Path) -> list[Path]:
    """Return the readable files of a folder; raise DataError if it has none."""
    files = readable_files(folder)
    if not files:
        raise DataError(f"{folder} holds no file that can be read. Put TIFF or PNG files there.{advice_on_empty(folder)}")
    return files


def check_partners(
    image_of: Mapping[str, Path | Sequence[Path]], mask_of: Mapping[str, Path | Sequence[Path]], images: Path, masks: Path
) -> None:
    """Raise PartnerError unless each image has a mask and each mask an image; name the first, count the others."""
    for have, lack, what, where in ((image_of, mask_of, "mask", masks), (mask_of, image_of, "image", images)):
        alone = [name for name in have if name not in lack]
        if alone:
            first = have[alone[0]]
            path = first if isinstance(first, Path) else first[0]
            near = next(iter(lack.values()))
            example = near if isinstance(near, Path) else near[0]
            seg = path.with_name(f"{alone[0]}_seg.npy")
            hint = " Export Cellpose's masks as TIFF (File > Save masks)." if seg.exists() else _hint(alone[0], lack, where)
            others = f"; the same is true of {len(alone) - 1} other(s) of {len(have)}" if len(alone) > 1 else ""
            raise PartnerError(
                f"{path} has no {'image' if _is_mask(path) else what} in {where}{others}. An image and its mask have the same "
                f"name (that of the mask may end in _masks); one file there is {example.name}. Add the missing file, or move "
                "this one away.",
                _alone(image_of, mask_of),
                [Pair(name, _files(image_of[name]), _files(mask_of[name])) for name in image_of if name in mask_of],
                hint,
            )


def _hint(name: str, others: Mapping[str, Path | Sequence[Path]], where: Path) -> str:
    """Return what probably happened to the partner of a name: the case of a letter differs, or the file cannot be read."""
    similar = [other for other in others if other.casefold() == name.casefold()]
    if similar:
        file = _files(others[similar[0]])[0].name
        return f" {file} there differs in upper and lower case only: write both names alike."
    return advice_on_partner(where, name)


def _alone(
    image_of: Mapping[str, Path | Sequence[Path]], mask_of: Mapping[str, Path | Sequence[Path]]
) -> list[tuple[Path, str]]:
    """Return the files without a partner, and the partner that each lacks."""
    images = [_files(image_of[name])[0] for name in image_of if name not in mask_of]
    masks = [_files(mask_of[name])[0] for name in mask_of if name not in image_of]
    return [(path, "image" if _is_mask(path) else "mask") for path in images] + [(path, "image") for path in masks]


def _is_mask(path: Path) -> bool:
    """Return whether a file is named like a mask; without its image, such a file counts as an image at first."""
    return without_ending(stem(path), MASK_ENDINGS) != stem(path)


def _files(found: Path | Sequence[Path]) -> tuple[Path, ...]:
    return (found,) if isinstance(found, Path) else tuple(found)
