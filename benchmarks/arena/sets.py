"""The sets of the arena: which images train, which are held out, and the folders that the tools get.

Four sets have the split of ``few_images.py``. Of any other folder, the judge draws the training images with a fixed seed.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from skimage.measure import label

from few_images_rows import DATA_SETS, Stems

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")
MOST_TRAINED, MOST_TESTED = 8, 50
KNOWN = {data.name: data for data in DATA_SETS}


class BadSet(Exception):
    """A folder that cannot be a set; the message is for the user."""


@dataclass(frozen=True)
class ArenaSet:
    name: str
    kind: str
    """objects or classes."""
    train: dict[str, tuple[np.ndarray, np.ndarray]]
    test: dict[str, tuple[np.ndarray, np.ndarray]]
    is_public: bool = True
    """Whether a picture of it may be passed on."""
    credit: str = ""

    @property
    def digest(self) -> str:
        """Of all pixels, names and sides."""
        found = hashlib.sha256(self.kind.encode())
        for side in (self.train, self.test):
            for stem, pair in side.items():
                found.update(f"{len(side)} {stem}".encode())
                for pixels in pair:
                    found.update(f"{pixels.shape} {pixels.dtype}".encode() + np.ascontiguousarray(pixels).tobytes())
        return found.hexdigest()[:16]


def find_sets(data: Path) -> list[Path]:
    """The folders of images and masks: DATA itself, or those in it; of the four known ones only these, if there are any."""
    if (data / "images").is_dir():
        return [data]
    found = [folder for folder in sorted(data.iterdir()) if (folder / "images").is_dir()] if data.is_dir() else []
    known = [data / name for name in KNOWN if data / name in found]
    if not found:
        raise BadSet(f"{data}: holds no folder 'images' with a folder 'masks' beside it, and no folder with these two.")
    return known or found


def read_set(folder: Path, *, num_train: int | None = None, kind: str = "auto") -> ArenaSet:
    images, masks = _files(folder / "images"), _files(folder / "masks")
    stems = [stem for stem in images if stem in masks]
    if len(stems) < 2:
        raise BadSet(f"{folder}: {len(stems)} image(s) have a mask of the same name; the arena needs two, one to be held out.")
    known = KNOWN.get(folder.name)
    train, test = known.split(stems) if known else held_out(num_train)(stems)
    absent = [stem for stem in [*train, *test] if stem not in stems]
    if absent:
        raise BadSet(
            f"{folder}: {absent[0]} is missing. Rename the folder if it is not the set {folder.name!r} of this benchmark."
        )
    sides = [{stem: (_image(images[stem]), _plane(masks[stem])) for stem in side} for side in (train, test)]
    all_masks = [mask for side in sides for _, mask in side.values()]
    if known:
        kind = "objects" if known.kind == "instances" else "classes"
    elif kind == "auto":
        kind = guessed_kind(all_masks)
    if kind == "classes":
        values = np.unique(np.concatenate([np.unique(mask) for mask in all_masks]))
        if len(values) > 256:
            raise BadSet(f"{folder}: its masks hold {len(values)} numbers: too many to be classes; use --kind objects.")
        sides = [
            {s: (image, np.searchsorted(values, mask).astype(np.uint8)) for s, (image, mask) in one.items()} for one in sides
        ]
    for stem, (image, mask) in {**sides[0], **sides[1]}.items():
        if image.shape[:2] != mask.shape:
            raise BadSet(f"{folder}: the image {stem} has {image.shape[:2]} pixels and its mask {mask.shape}.")
    if len({image.shape[2:] for side in sides for image, _ in side.values()}) > 1:
        raise BadSet(f"{folder}: some images are grey and some have colours; the arena takes one or the other.")
    return ArenaSet(folder.name, kind, *sides, not known or bool(known.credit), known.credit if known else "")


def guessed_kind(masks: list[np.ndarray]) -> str:
    """Objects, if a mask has more than three numbers and nearly every number is one connected part of its mask."""
    numbers = [np.unique(mask[mask > 0]).size for mask in masks]
    parts = [int(label(mask, connectivity=2).max()) for mask in masks]
    return "objects" if max(numbers) > 3 and sum(parts) <= 1.2 * sum(numbers) else "classes"


def held_out(num_train: int | None) -> Callable[[Stems], tuple[Stems, Stems]]:
    def split(stems: Stems) -> tuple[Stems, Stems]:
        number = num_train or min(MOST_TRAINED, len(stems) // 2)
        if number >= len(stems):
            raise BadSet(f"--train {number} leaves none of {len(stems)} images to be held out.")
        drawn = [stems[i] for i in np.random.default_rng(2015).permutation(len(stems))]
        return sorted(drawn[:number]), sorted(drawn[number : number + MOST_TESTED])

    return split


def write_folders(arena_set: ArenaSet, folder: Path) -> tuple[Path, Path]:
    """Write what the tools get: training images with masks, test images without."""
    done = folder / "complete"
    for side, pairs in (("train", arena_set.train), ("test", arena_set.test)):
        if done.exists():
            break
        for part in ("images", "masks") if side == "train" else ("images",):
            (folder / side / part).mkdir(parents=True, exist_ok=True)
            for stem, pair in pairs.items():
                tifffile.imwrite(folder / side / part / f"{stem}.tif", pair[part == "masks"])
    done.touch()
    return folder / "train", folder / "test"


def _files(folder: Path) -> dict[str, Path]:
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.stem: path for path in paths if path.suffix.lower() in SUFFIXES}


def _read(path: Path) -> np.ndarray:
    if path.suffix.lower() in (".tif", ".tiff"):
        return np.squeeze(tifffile.imread(path))
    with Image.open(path) as picture:
        return np.asarray(picture)


def _image(path: Path) -> np.ndarray:
    """(H, W), or (H, W, 3) where the three differ; transparency is dropped."""
    pixels = _read(path)
    if pixels.ndim == 2:
        return pixels.astype(np.uint8) if pixels.dtype == bool else pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (2, 3, 4):
        raise BadSet(f"{path}: has the shape {pixels.shape}; the arena takes grey images and colours, of one plane.")
    colours = pixels[..., : 1 if pixels.shape[2] == 2 else 3]
    is_grey = all(np.array_equal(colours[..., 0], colours[..., k]) for k in range(1, colours.shape[2]))
    return np.ascontiguousarray(colours[..., 0] if is_grey else colours)


def _plane(path: Path) -> np.ndarray:
    pixels = _read(path)
    pixels = _image(path) if pixels.ndim == 3 else pixels
    if pixels.ndim != 2 or pixels.dtype.kind not in "bui" or pixels.min() < 0:
        raise BadSet(f"{path}: is no label map of one plane: shape {pixels.shape}, type {pixels.dtype}.")
    return pixels.astype(np.uint32)
