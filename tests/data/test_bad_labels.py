"""Labels are judged before the first step: a bad mask is refused by its file and first bad pixel, an odd one trains."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from reference.toy import SMALL, spots
from unseam.api.training import train
from unseam.errors import UnseamError
from unseam.runs.watch import Watch

PAIRS = [spots(np.random.default_rng(seed)) for seed in range(4)]
NAMES = "abcd"
IMAGE, CELLS = PAIRS[1]
WHITE = ((CELLS > 0) * 255).astype(np.uint8)
FIRST = tuple(int(i) for i in np.argwhere(CELLS > 0)[0])  # the first pixel of an object
AT = r"b\.\w+: .*row {}, column {}\b"
Break = Callable[[Path], None]


def folder_of(path: Path, kind: str) -> Path:
    """Four images with masks of numbered discs, or of discs in black and white."""
    for part in ("images", "masks"):
        (path / part).mkdir(parents=True)
    for name, (image, labels) in zip(NAMES, PAIRS, strict=True):
        Image.fromarray(image).save(path / f"images/{name}.png")
        Image.fromarray(black_and_white(labels) if kind == "binary" else labels).save(path / f"masks/{name}.png")
    return path


def black_and_white(labels: np.ndarray) -> np.ndarray:
    return ((labels > 0) * 255).astype(np.uint8)


def put(ending: str, labels: np.ndarray, name: str = "b") -> Break:
    def write(folder: Path) -> None:
        (folder / f"masks/{name}.png").unlink()
        path = folder / f"masks/{name}.{ending}"
        if ending == "npy":
            np.save(path, labels)
        elif ending == "tif":
            tifffile.imwrite(path, labels)
        else:
            Image.fromarray(labels).save(path)

    return write


def put_all(make: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Break:
    def write(folder: Path) -> None:
        for name, (image, labels) in zip(NAMES, PAIRS, strict=True):
            put("tif", make(image, labels), name)(folder)

    return write


def with_pixel(value: float, dtype: type) -> np.ndarray:
    labels = CELLS.astype(dtype)
    labels[6, 8] = value
    return labels


def through_jpeg(labels: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, "jpeg", quality=75)
    return np.asarray(Image.open(stream))


def smooth(labels: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    return ndimage.gaussian_filter(black_and_white(labels).astype(float), sigma).round().astype(np.uint8)


def first_grey(labels: np.ndarray) -> tuple[int, int]:
    row, column = np.argwhere((labels > 0) & (labels < 255))[0]
    return int(row), int(column)


def palette(labels: np.ndarray) -> Image.Image:
    image = Image.new("P", labels.shape[::-1])
    image.putdata([int(value) for value in labels.ravel()])
    image.putpalette([value for index in range(256) for value in (index * 40 % 256, 255 - index, index * 7 % 256)])
    return image


def put_palette(folder: Path) -> None:
    palette(CELLS).save(folder / "masks/b.png")


def put_jpeg(folder: Path) -> None:
    put("jpg", WHITE)(folder)


def put_nothing(folder: Path) -> None:
    (folder / "masks/b.png").write_bytes(b"")


def cut(folder: Path) -> None:
    path = folder / "masks/b.png"
    path.write_bytes(path.read_bytes()[:-60])


def outlines(labels: np.ndarray) -> np.ndarray:
    return labels * ((labels > 0) & ~ndimage.binary_erosion(labels > 0))


# name: (masks of the folder, how it is broken, words of the message)
REFUSED: dict[str, tuple[str, Break, str]] = {
    "NaN": ("instances", put("tif", with_pixel(np.nan, np.float32)), AT.format(6, 8)),
    "infinity": ("instances", put("tif", with_pixel(np.inf, np.float32)), AT.format(6, 8)),
    "fraction": ("instances", put("tif", with_pixel(0.5, np.float32)), AT.format(6, 8)),
    "half-precision fraction": ("instances", put("npy", with_pixel(0.5, np.float16)), AT.format(6, 8)),
    "probabilities": (
        "instances", put("tif", smooth(CELLS, 4) / np.float32(255)), r"b\.tif: .*row \d+, column .*probability map",
    ),
    "negative number": ("instances", put("tif", with_pixel(-5, np.int16)), AT.format(6, 8)),
    "signed 8-bit that ran over": (
        "instances", put("tif", (CELLS.astype(np.int16) * 100).astype(np.int8)), r"b\.tif: .* is -56.*signed type",
    ),
    "colours": ("instances", put("png", np.dstack([CELLS, CELLS, 0 * CELLS])), AT.format(*FIRST)),
    "a channel for each class": ("instances", put("npy", np.stack([CELLS == 0, CELLS > 0], axis=-1)), AT.format(0, 0)),
    "soft edges": ("binary", put("png", smooth(CELLS)), AT.format(*first_grey(smooth(CELLS)))),
    "soft edges among numbered objects": ("instances", put("png", smooth(CELLS)), r"b\.png: .*row \d+, column"),
    "JPEG": ("binary", put_jpeg, r"b\.jpg: .*JPEG"),
    "saved as JPEG on the way": ("binary", put("png", through_jpeg(WHITE)), AT.format(*first_grey(through_jpeg(WHITE)))),
    "saved as JPEG, among numbered objects": ("instances", put("png", through_jpeg(WHITE)), r"b\.png: .*row \d+, column"),
    "probabilities in 8 bits": ("instances", put("png", smooth(CELLS, 4)), r"b\.png: .*row \d+, column"),
    "probabilities in 8 bits, all": (
        "instances", put_all(lambda _, m: smooth(m, 4)), r"a\.tif: .*grey picture.*row \d+, column",
    ),
    "the image itself": ("instances", put("png", IMAGE), r"b\.png: .*copy of its image"),
    "the images themselves": ("binary", put_all(lambda image, _: image), r"a\.tif: .*copy of its image"),
    "another image": ("instances", put("png", PAIRS[2][0]), r"b\.png: .*grey picture.*row \d+, column"),
    "other size": ("instances", put("png", CELLS[:-1]), r"b\.png 59 x 70"),
    "transposed": ("instances", put("png", CELLS.T.copy()), r"b\.png 70 x 60"),
    "two planes": ("instances", put("npy", np.stack([CELLS, CELLS])), r"b\.npy has 2"),
    "no bytes": ("instances", put_nothing, r"b\.png"),
    "cut short": ("instances", cut, r"b\.png"),
    "no pixels": ("instances", put("npy", CELLS[:0]), r"b\.npy.*no pixels"),
    "complex numbers": ("instances", put("npy", CELLS.astype(complex)), r"b\.npy.*complex128"),
    "nothing painted": ("instances", put_all(lambda _, m: 0 * m), r"a\.tif.*value 0\b"),
    "all foreground": ("instances", put_all(lambda _, m: 0 * m + 255), r"a\.tif.*value 255\b"),
    "nothing annotated": ("instances", put_all(lambda _, m: 0 * m.astype(np.int16) - 1), r"a\.tif.*annotated"),
    "1 in some and 255 in others": (
        "binary", put("npy", (CELLS > 0).astype(np.uint8)), r"a\.png: 255 at row \d+, column .*not annotated.*ignore",
    ),
    "numbers in some and 255 in others": (
        "instances", put("png", WHITE), r"b\.png: 255 at row {}, column {}\b".format(*FIRST),
    ),
    "class beyond 32 bits": (
        "binary", put_all(lambda _, m: (m > 0) * 2**40),
        r"a\.tif: .*1099511627776 at row {}, column {}\b".format(*np.argwhere(PAIRS[0][1] > 0)[0]),
    ),
}  # fmt: skip

# name: (masks of the folder, what is odd about it, a word of what is told)
ODD: dict[str, tuple[str, Break, str]] = {
    "palette": ("instances", put_palette, "indices"),
    "truth values": ("instances", put_all(lambda _, m: m > 0), "2 values"),
    "16-bit": ("instances", put("tif", CELLS.astype(np.uint16) * 300), "object"),
    "32-bit": ("instances", put("tif", CELLS.astype(np.uint32) * 2**20), "object"),
    "numbers beyond 32 bits": ("instances", put("npy", CELLS.astype(np.int64) * 2**40), "object"),
    "the highest number that there is": (
        "instances", put("npy", np.where(CELLS > 0, np.uint64(2**64 - 1), np.uint64(0))), "object",
    ),
    "float": ("instances", put("tif", CELLS.astype(np.float32)), "whole numbers"),
    "half precision": ("instances", put("npy", CELLS.astype(np.float16)), "whole numbers"),
    "big-endian": ("instances", put("npy", CELLS.astype(">u2")), "object"),
    "one empty": ("instances", put("png", 0 * CELLS), "object"),
    "one full": ("binary", put("png", 0 * CELLS + 255), "2 values"),
    "one that nobody annotated": ("instances", put("tif", 0 * CELLS.astype(np.int16) - 1), "object"),
    "half that nobody annotated": (
        "instances", put("tif", np.where(np.arange(70) < 30, -1, CELLS).astype(np.int16)), "object",
    ),
    "one inverted": ("binary", put("png", 255 - WHITE), "mask inverted"),
    "outlines only": ("binary", put_all(lambda _, m: black_and_white(outlines(m))), "outlines"),
    "a stray pixel": ("binary", put("png", np.where((np.arange(60)[:, None] == 9) & (np.arange(70) == 4), 254, WHITE)
        .astype(np.uint8)), "row 9, column 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_mask_is_refused_before_the_first_step(name: str, tmp_path: Path) -> None:
    kind, break_it, words = REFUSED[name]
    folder = folder_of(tmp_path / "data", kind)
    break_it(folder)
    with pytest.raises(UnseamError, match=words) as caught:
        train(folder, out=tmp_path / "run", steps=2, settings=SMALL, device="cpu")
    assert len(str(caught.value)) < 600
    assert not (tmp_path / "run").exists(), "nothing was begun"


@pytest.mark.parametrize("name", ODD)
def test_an_odd_mask_trains(name: str, tmp_path: Path) -> None:
    kind, change, words = ODD[name]
    folder = folder_of(tmp_path / "data", kind)
    change(folder)
    told: list[str] = []
    energies: list[float] = []
    watch = Watch(told.append, observers=[lambda state, _: energies.append(state.energy)])
    settings = [*SMALL, *(["data.masks=instances"] if words == "object" or words == "whole numbers" else [])]
    train(folder, steps=2, settings=settings, device="cpu", watch=watch)
    assert np.isfinite(energies).all()
    assert len(energies) == 2
    assert words in "\n".join(told)
