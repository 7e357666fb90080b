"""What prediction returns for each image, and the functions with which a caller watches it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.errors import DataError, UnseamError


@dataclass(frozen=True)
class Predicted:
    """An image (its first file), the files or the store with its results, and a phrase on its size and content."""

    image: Path
    outputs: tuple[Path, ...]
    summary: str

    def __str__(self) -> str:
        return f"{self.image}: {self.summary} -> {', '.join(str(path) for path in self.outputs)}"


@dataclass(frozen=True)
class PredictWatch:
    """Functions that prediction calls. By default each does nothing.

    ``tell`` gets sentences, ``on_progress`` (what is computed, parts done, parts in total), ``on_result`` each finished image.
    """

    tell: Callable[[str], None] = lambda _: None
    on_progress: Callable[[str, int, int], None] = lambda *_: None
    on_result: Callable[[Predicted], None] = lambda _: None


def raise_failed(failed: Sequence[UnseamError], number: int) -> None:
    """Raise one DataError for the images that could not be segmented, if there are any."""
    if failed:
        others = f" {len(failed)} of {number} images failed; the others are written." if number > 1 else ""
        raise DataError("\n".join(f"{str(error).rstrip('.')}." for error in failed) + others)
