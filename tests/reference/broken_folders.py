"""A clean folder of annotated images, and some thirty ways to break it, one fault each."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 128
NAMES = "abcdefgh"


def discs(rng: np.random.Generator, height: int = SIDE, width: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """A noisy image of bright discs on a dark ground, and their instance map; no two touch."""
    rows, columns = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.uint8)
    number = 0
    for row in range(16, height - 8, 32):
        for column in range(16, width - 8, 32):
            if rng.random() < 0.35:
                continue
            number += 1
            at = row + rng.integers(-5, 6), column + rng.integers(-5, 6)
            labels[(rows - at[0]) ** 2 + (columns - at[1]) ** 2 < rng.uniform(6, 9) ** 2] = number
    return np.clip(rng.normal(60, 8, labels.shape) + 110 * (labels > 0), 0, 250).astype(np.uint8), labels


@dataclass(frozen=True)
class Folder:
    """Images and masks on disk, as people keep them."""

    path: Path

    def image(self, name: str) -> Path:
        return self.path / f"images/{name}.png"

    def mask(self, name: str) -> Path:
        return self.path / f"masks/{name}.png"

    def change_image(self, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
        Image.fromarray(change(np.asarray(Image.open(self.image(name))))).save(self.image(name))

    def change_mask(self, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
        Image.fromarray(change(np.asarray(Image.open(self.mask(name))))).save(self.mask(name))


def write_clean(path: Path, kind: str) -> Folder:
    """Eight images with masks of 0 and 255 (``binary``), of numbered discs (``instances``), or of classes (``classes``)."""
    rng = np.random.default_rng(11)
    for part in ("images", "masks"):
        (path / part).mkdir(parents=True)
    folder = Folder(path)
    for name in NAMES:
        image, labels = discs(rng)
        if kind == "binary":
            labels = np.where(labels > 0, 255, 0).astype(np.uint8)
        elif kind == "classes":
            labels = np.where(labels > 0, 1 + labels % 2, 0).astype(np.uint8)
        Image.fromarray(image).save(folder.image(name))
        Image.fromarray(labels).save(folder.mask(name))
    return folder


def _no_mask(folder: Folder) -> None:
    folder.mask("c").unlink()


def _no_image(folder: Folder) -> None:
    folder.image("c").unlink()


def _cut_short(folder: Folder) -> None:
    folder.image("c").write_bytes(folder.image("c").read_bytes()[:200])


def _another_size(folder: Folder) -> None:
    folder.change_mask("c", lambda a: a[:-8])


def _colours(folder: Folder) -> None:
    folder.change_mask("c", lambda a: np.stack([a, 0 * a, 255 - a], axis=-1))


def _colour_image(folder: Folder) -> None:
    folder.change_image("c", lambda a: np.stack([a, 255 - a, a // 2], axis=-1))


def _sixteen_bits(folder: Folder) -> None:
    folder.change_image("c", lambda a: a.astype(np.uint16) * 7)


def _blank(folder: Folder) -> None:
    folder.change_image("c", np.zeros_like)


def _saturated(folder: Folder) -> None:
    folder.change_image("c", lambda a: np.where(a > 66, 255, a).astype(np.uint8))


def _dim(folder: Folder) -> None:
    folder.change_image("c", lambda a: (a // 40).astype(np.uint8))


def _drifting(folder: Folder) -> None:
    folder.change_image("c", lambda a: a.astype(np.uint16) * 100)


def _dim_plane(folder: Folder) -> None:
    import tifffile

    image, mask = (np.asarray(Image.open(path)) for path in (folder.image("c"), folder.mask("c")))
    for path, planes in ((folder.image("c"), [image, image // 20]), (folder.mask("c"), [mask, mask])):
        path.unlink()
        tifffile.imwrite(path.with_suffix(".tif"), np.stack(planes), imagej=True, metadata={"axes": "ZYX"})


def _tiny(folder: Folder) -> None:
    for change in (folder.change_image, folder.change_mask):
        change("c", lambda a: a[:88, :88])


def _soft_edges(folder: Folder) -> None:
    def blurred(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask.astype(float), 2, mode="edge")
        return sum(padded[r : r + SIDE, c : c + SIDE] for r in range(5) for c in range(5)).__truediv__(25).astype(np.uint8)

    folder.change_mask("c", blurred)


def _ones_for_foreground(folder: Folder) -> None:
    folder.change_mask("c", lambda a: (a > 0).astype(np.uint8))


def _copy_of_image(folder: Folder) -> None:
    shutil.copy(folder.image("c"), folder.mask("c"))


def _declared(folder: Folder) -> None:
    for old, new, ending in (("images", "imagesTr", "_0000"), ("masks", "labelsTr", "")):
        (folder.path / old).rename(folder.path / new)
        for path in (folder.path / new).iterdir():
            path.rename(path.with_name(path.stem + ending + path.suffix))
    labels = {"labels": {"background": 0, "disc": 255, "membrane": 7}}
    (folder.path / "dataset.json").write_text(json.dumps(labels), encoding="utf-8")


def _one_of_a_kind(folder: Folder) -> None:
    folder.change_mask("c", lambda a: np.where(np.arange(SIDE) < 20, 3, a).astype(np.uint8))


def _hardly_any(folder: Folder) -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for number, name in enumerate(NAMES):
        speck = np.hypot(rows - 20 - 10 * number, columns - 20 - 10 * number) < 4
        Image.fromarray(np.where(speck, 255, 0).astype(np.uint8)).save(folder.mask(name))


def _half_annotated(folder: Folder) -> None:
    for name in "cd":
        folder.change_mask(name, lambda a: np.where(np.arange(SIDE) < 64, 255, a).astype(np.uint8))


def _open_in_one(folder: Folder) -> None:
    folder.change_mask("c", lambda a: np.where(np.arange(SIDE) < 2, 255, a).astype(np.uint8))


def _shrunk(folder: Folder) -> None:
    def smooth(mask: np.ndarray) -> np.ndarray:
        small = Image.fromarray(mask * 20).resize((SIDE // 2, SIDE // 2), Image.Resampling.BILINEAR)
        return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.NEAREST)) // 20

    folder.change_mask("c", smooth)


def _nothing_painted(folder: Folder) -> None:
    folder.change_mask("c", np.zeros_like)


def _inverted(folder: Folder) -> None:
    folder.change_mask("c", lambda a: (255 - a).astype(np.uint8))


def _inverted_image(folder: Folder) -> None:
    folder.change_image("c", lambda a: (255 - a).astype(np.uint8))


def _shifted(folder: Folder) -> None:
    folder.change_mask("c", lambda a: np.pad(a, ((11, 0), (0, 9)))[:SIDE, 9:])


def _turned(folder: Folder) -> None:
    folder.change_mask("c", lambda a: a[::-1].copy())


def _swapped(folder: Folder) -> None:
    c, d = folder.mask("c").read_bytes(), folder.mask("d").read_bytes()
    folder.mask("c").write_bytes(d)
    folder.mask("d").write_bytes(c)


def _outlines(folder: Folder) -> None:
    def hollow(mask: np.ndarray) -> np.ndarray:
        wide = np.pad(mask > 0, 1)
        inner = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:] & wide[1:-1, 1:-1]
        return np.where(inner, 0, mask).astype(np.uint8)

    for name in NAMES:
        folder.change_mask(name, hollow)


def _one_number_twice(folder: Folder) -> None:
    folder.change_mask("c", lambda a: np.where(a == 2, 1, a).astype(np.uint8))


def _touching(folder: Folder) -> None:
    folder.change_mask("c", lambda a: np.where((a > 0) & (np.arange(SIDE) % 32 < 16), a + 100, a).astype(np.uint8))


def _thin(folder: Folder) -> None:
    for name in NAMES:
        folder.change_mask(name, lambda a: np.where(np.arange(SIDE) % 32 == 16, 0, a).astype(np.uint8))


def _specks(folder: Folder) -> None:
    def dusty(mask: np.ndarray) -> np.ndarray:
        mask = mask.copy()
        for number, column in enumerate(range(0, SIDE, 4), start=100):
            mask[0, column] = number
        return mask

    folder.change_mask("c", dusty)


def _too_large(folder: Folder) -> None:
    rows, columns = np.mgrid[:400, :400]
    one = np.zeros((400, 400), np.uint8)
    for number, row in enumerate((50, 150, 250, 350), start=1):
        one[(np.abs(rows - row) < 40) & (np.abs(columns - 200) < 180)] = number
    for number, name in enumerate(NAMES):
        noise = np.random.default_rng(number).normal(0, 8, one.shape)
        moved = np.roll(np.where(one <= 1 + number % 4, one, 0), number, axis=0)
        Image.fromarray((60 + 100 * (moved > 0) + noise).astype(np.uint8)).save(folder.image(name))
        Image.fromarray(moved).save(folder.mask(name))


def _too_small(folder: Folder) -> None:
    for name in NAMES:
        for change in (folder.change_image, folder.change_mask):
            change(name, lambda a: np.tile(a[::4, ::4], (4, 4)))
        folder.change_mask(name, _renumbered)


def _renumbered(mask: np.ndarray) -> np.ndarray:
    quarter = SIDE // 4
    block = np.arange(SIDE) // quarter
    tile = np.add.outer(4 * block, block) * 16
    return np.where(mask > 0, tile + mask, 0).astype(np.uint16)


def _of_many_sizes(folder: Folder) -> None:
    for change in (folder.change_image, folder.change_mask):
        change("c", lambda a: np.kron(a, np.ones((5, 5), np.uint8)))


def _copied(folder: Folder) -> None:
    shutil.copy(folder.image("a"), folder.image("c"))
    shutil.copy(folder.mask("a"), folder.mask("c"))


def _same_mask(folder: Folder) -> None:
    shutil.copy(folder.mask("a"), folder.mask("c"))


FAULTS: dict[str, tuple[str, Callable[[Folder], None], str]] = {
    # fault: (masks of the clean folder, how it is broken, file that the doctor must name); one kind of finding each
    "no partner": ("binary", _no_mask, "images/c.png"),
    "no partner (image)": ("binary", _no_image, "masks/c.png"),
    "unreadable file": ("binary", _cut_short, "images/c.png"),
    "sizes differ": ("instances", _another_size, "images/c.png"),
    "mask unreadable": ("binary", _colours, "masks/c.png"),
    "channels differ": ("binary", _colour_image, "images/c.png"),
    "bit depth differs": ("binary", _sixteen_bits, "images/c.png"),
    "blank image": ("instances", _blank, "images/c.png"),
    "saturated image": ("binary", _saturated, "images/c.png"),
    "few grey levels": ("binary", _dim, "images/c.png"),
    "intensity drift": ("binary", _drifting, "images/c.png"),
    "planes differ": ("binary", _dim_plane, "images/c.tif"),
    "tiny image": ("binary", _tiny, "images/c.png"),
    "masks unclear": ("binary", _soft_edges, "masks/c.png"),
    "two codings": ("binary", _ones_for_foreground, "masks/c.png"),
    "two codings (255 in one mask)": ("classes", _open_in_one, "masks/c.png"),
    "mixed numbers": ("instances", _shrunk, "masks/c.png"),
    "mask is the image": ("binary", _copy_of_image, "masks/c.png"),
    "class missing": ("binary", _declared, "dataset.json"),
    "rare class": ("classes", _one_of_a_kind, "masks/c.png"),
    "imbalance": ("binary", _hardly_any, "masks/a.png"),
    "not annotated": ("classes", _half_annotated, "masks/c.png"),
    "empty mask": ("instances", _nothing_painted, "masks/c.png"),
    "mask inverted": ("binary", _inverted, "masks/c.png"),
    "two kinds of contrast": ("instances", _inverted_image, "images/c.png"),
    "mask shifted": ("instances", _shifted, "masks/c.png"),
    "mask turned": ("binary", _turned, "masks/c.png"),
    "mask of another image": ("instances", _swapped, "masks/c.png"),
    "outlines only": ("binary", _outlines, "masks/a.png"),
    "one number, two regions": ("instances", _one_number_twice, "masks/c.png"),
    "objects touch": ("instances", _touching, "masks/c.png"),
    "thin border": ("binary", _thin, "masks/c.png"),
    "specks": ("instances", _specks, "masks/c.png"),
    "objects too large": ("instances", _too_large, "masks/a.png"),
    "objects too small": ("instances", _too_small, "masks/a.png"),
    "object sizes differ": ("instances", _of_many_sizes, "masks/c.png"),
    "duplicate image": ("binary", _copied, "images/c.png"),
    "same mask twice": ("instances", _same_mask, "masks/c.png"),
}
