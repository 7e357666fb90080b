"""The same part of one held-out image for all tools, side by side: image, truth, and each prediction."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage.color import label2rgb
from skimage.segmentation import find_boundaries

SIDE, SHOWN, CAPTION, GAP = 400, 320, 18, 6
"""Pixels of the part, of its picture, of the line above it, and between two."""
PER_ROW = 4


def write_picture(path: Path, image: np.ndarray, maps: Mapping[str, np.ndarray]) -> None:
    """Draw the middle of an image and of each label map over it; the names stand above."""
    middle = tuple(slice(max(0, (n - SIDE) // 2), (n + SIDE) // 2) for n in image.shape[:2])
    shown = grey_or_colours(image[middle])
    drawn = {"image": shown, **{name: over(shown, labels[middle]) for name, labels in maps.items()}}
    tiles = [tile(name, pixels) for name, pixels in drawn.items()]
    rows = [np.hstack(padded(tiles[at : at + PER_ROW])) for at in range(0, len(tiles), PER_ROW)]
    rows = [np.pad(row, ((0, 0), (0, rows[0].shape[1] - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).quantize(256).save(path, "PNG", optimize=True)


def grey_or_colours(image: np.ndarray) -> np.ndarray:
    low, high = np.percentile(image, (0.5, 99.5))
    stretched = np.clip((image.astype(np.float64) - low) / max(float(high - low), 1e-9), 0, 1)
    return stretched if stretched.ndim == 3 else np.repeat(stretched[..., None], 3, axis=2)


def over(shown: np.ndarray, labels: np.ndarray) -> np.ndarray:
    few = np.unique(labels, return_inverse=True)[1].reshape(labels.shape) if labels.min() > 0 else labels
    coloured = label2rgb(few, shown, alpha=0.35, bg_label=0)
    coloured[find_boundaries(labels, mode="inner")] *= 0.6
    return coloured


def tile(name: str, pixels: np.ndarray) -> np.ndarray:
    height = round(SHOWN * pixels.shape[0] / pixels.shape[1])
    small = Image.fromarray((pixels * 255).round().astype(np.uint8)).resize((SHOWN, height), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (SHOWN + GAP, height + CAPTION + GAP), "white")
    whole.paste(small, (0, CAPTION))
    ImageDraw.Draw(whole).text((2, 3), name, fill="black")
    return np.asarray(whole)


def padded(tiles: Sequence[np.ndarray]) -> list[np.ndarray]:
    height = max(one.shape[0] for one in tiles)
    return [np.pad(one, ((0, height - one.shape[0]), (0, 0), (0, 0)), constant_values=255) for one in tiles]
