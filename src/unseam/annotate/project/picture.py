"""The pixels of an image as the page shows them: tiles of 512 px at full, half, quarter, ... resolution, uncompressed."""

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from threading import Lock

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from unseam.annotate.ops import TILE
from unseam.annotate.project.coarse import COARSE_LEVEL, channels_first, made_smaller, stored_levels
from unseam.annotate.project.halving import halved
from unseam.annotate.project.mask_files import is_large
from unseam.errors import ImageReadError
from unseam.io.large import LargeImage, open_large

_LOW, _HIGH = 1.0, 99.8  # percentiles between which a new image is shown
_SAMPLE_SIDE = 1024  # px of a window from which they are taken
_THUMBNAIL = 128
_MOST_PIXELS = 2**32 - 1


@dataclass(frozen=True)
class SentScale:
    """How numbers that the page cannot hold travel: 0 stands for ``low``, the largest value of the type for ``high``."""

    low: float
    high: float


class Picture:
    """An image that is shown; its pixels are read when they are needed.

    Attributes
    ----------
    levels
        How often it can be halved until it fits into one tile, plus one.
    scale
        None where the numbers travel as they are (8 and 16 bits without sign).

    Raises
    ------
    ImageReadError
        If it cannot be read, is a stack or a movie, or has too many pixels.
    """

    def __init__(self, path: Path) -> None:
        found = open_large(path)
        if len(found) != 1 or found[0].num_planes != 1:
            num = sum(image.num_planes for image in found)
            raise ImageReadError(path, f"holds {num} planes; one image is painted at a time. Save the planes as single images")
        self.image: LargeImage = found[0]
        self.path = path
        self.height, self.width, self.channels = self.image.height, self.image.width, self.image.num_channels
        if self.height * self.width > _MOST_PIXELS:
            raise ImageReadError(path, f"has {self.height} x {self.width} px; at most {_MOST_PIXELS} px can be painted. Cut it")
        self.is_rgb = self.channels == 3 and self.image.dtype == np.uint8
        self.is_large = is_large(self.height, self.width)
        self.levels = 1 + max(0, -(-max(self.height, self.width) // TILE) - 1).bit_length()
        self._whole: list[Shaped[np.ndarray, "channel h w"]] = []
        self._lock = Lock()

    @property
    def spacing_um(self) -> float | None:
        """Size of a pixel, micrometres, if the file states it."""
        spacing = self.image.spacing_um
        return None if spacing is None else float(spacing[1])

    @property
    def dtype(self) -> np.dtype:
        """The type in which the numbers travel."""
        return np.dtype(np.uint8) if self.image.dtype in (np.uint8, np.bool_) else np.dtype(np.uint16)

    @cached_property
    def scale(self) -> SentScale | None:
        if self.image.dtype in (np.uint8, np.uint16, np.bool_):
            return None
        windows = [window.astype(np.float64) for window in self._samples()]
        finite = np.concatenate([window[np.isfinite(window)] for window in windows])
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        return SentScale(low, high if high > low else low + 1)

    @cached_property
    def display(self) -> tuple[tuple[int, int], ...]:
        """From where to where each channel is shown at first, in numbers as they travel."""
        windows = [self._as_sent(window).reshape(-1, self.channels) for window in self._samples()]
        limits = np.percentile(np.concatenate(windows), (_LOW, _HIGH), axis=0, method="nearest").astype(int)
        if self.is_rgb:
            return ((0, 255),) * 3
        return tuple((int(low), int(max(high, low + 1))) for low, high in limits.T)

    def size(self, level: int) -> tuple[int, int]:
        """Return height and width at a level, px."""
        return -(-self.height // 2**level), -(-self.width // 2**level)

    def tile(self, level: int, row: int, column: int) -> Shaped[np.ndarray, "channel h w"]:
        """Return one tile; those at the edge are smaller.

        Raises
        ------
        IndexError
            If there is no such tile.
        ImageReadError
            If its pixels are damaged.
        """
        if not 0 <= level < self.levels:
            raise IndexError(level)
        height, width = self.size(level)
        if not (0 <= row * TILE < height and 0 <= column * TILE < width):
            raise IndexError(row, column)
        if not self.is_large:
            return self._pyramid(level)[:, row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        return self._window(level, row, column)

    def whole(self) -> Shaped[np.ndarray, "channel h w"]:
        """Return all pixels of an image that is not large, as they travel."""
        assert not self.is_large
        return self._pyramid(0)

    def thumbnail(self) -> bytes:
        """Return a small PNG of the image, with the contrast of :attr:`display`."""
        level = next((one for one in range(self.levels) if max(self.size(one)) <= 4 * _THUMBNAIL), self.levels - 1)
        pixels = self.tile(level, 0, 0).astype(np.float32)
        limits = np.array(self.display, np.float32)[:, :, None, None]
        pixels = np.clip((pixels - limits[:, 0]) / (limits[:, 1] - limits[:, 0]), 0, 1) * 255
        shown = pixels.astype(np.uint8).transpose(1, 2, 0) if self.is_rgb else pixels[0].astype(np.uint8)
        small = Image.fromarray(np.ascontiguousarray(shown))
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
        data = BytesIO()
        small.save(data, "png")
        return data.getvalue()

    def forget(self) -> None:
        """Free the memory of the pixels; they are read again when they are needed."""
        with self._lock:
            self._whole = []

    @property
    def num_bytes(self) -> int:
        """Memory that the pixels take now."""
        return sum(level.nbytes for level in self._whole)

    def _pyramid(self, level: int) -> Shaped[np.ndarray, "channel h w"]:
        with self._lock:
            if not self._whole:
                pixels = self._as_sent(self.image.read(0, slice(0, self.height), slice(0, self.width)))
                self._whole = [np.ascontiguousarray(channels_first(pixels))]
            while len(self._whole) <= level:
                self._whole.append(halved(self._whole[-1]))
            return self._whole[level]

    def _window(self, level: int, row: int, column: int) -> Shaped[np.ndarray, "channel h w"]:
        """Return a tile of a large image, from the nearest larger copy."""
        stored = self._stored_levels
        nearest = max(one for one in stored if one <= level)
        if level - nearest >= COARSE_LEVEL:
            return self._coarse(level)[:, row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        image, side = stored[nearest], TILE << (level - nearest)
        rows = slice(row * side, min(image.height, (row + 1) * side))
        columns = slice(column * side, min(image.width, (column + 1) * side))
        tile = channels_first(self._as_sent(image.read(0, rows, columns)))
        for _ in range(level - nearest):
            tile = halved(tile)
        return tile

    @cached_property
    def _stored_levels(self) -> dict[int, LargeImage]:
        return stored_levels(self.path, self.image, self.levels)

    def _coarse(self, level: int) -> Shaped[np.ndarray, "channel h w"]:
        """Return a level far above all stored ones; the first call reads the whole of the nearest one."""
        nearest = max(one for one in self._stored_levels if one <= level)
        with self._lock:
            if not self._whole:
                self._whole = [made_smaller(self._stored_levels[nearest], COARSE_LEVEL, self._as_sent)]
            while len(self._whole) <= level - nearest - COARSE_LEVEL:
                self._whole.append(halved(self._whole[-1]))
            return self._whole[level - nearest - COARSE_LEVEL]

    def _samples(self) -> list[Shaped[np.ndarray, "..."]]:
        """Return the whole image if it is small, else windows from nine places."""
        if not self.is_large:
            return [self.image.read(0, slice(0, self.height), slice(0, self.width))]
        starts = [[int(share * max(0, length - _SAMPLE_SIDE)) for share in (0, 0.5, 1)] for length in (self.height, self.width)]
        places = ((r, c) for r in starts[0] for c in starts[1])
        ends = (self.height, self.width)
        return [
            self.image.read(0, slice(r, min(ends[0], r + _SAMPLE_SIDE)), slice(c, min(ends[1], c + _SAMPLE_SIDE)))
            for r, c in places
        ]

    def _as_sent(self, pixels: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        scale = self.scale
        if scale is None:
            return pixels.astype(self.dtype, copy=False)
        whole = float(np.iinfo(self.dtype).max)
        wide = (pixels.astype(np.float64) - scale.low) * (whole / (scale.high - scale.low))
        return np.clip(np.nan_to_num(np.rint(wide), nan=0.0), 0, whole).astype(self.dtype)
