"""What a report shows (predicted and true maps, calibration, the seam check), and its file in the run folder.

The file is a NumPy archive without Python objects, so reading it unpickles nothing. The reader checks the unpacked size in the
table of contents before it unpacks anything.
"""

import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from jaxtyping import Integer, UInt8

from unseam.data.kinds import LabelKind, facts_of_kind
from unseam.errors import DataError
from unseam.inference.seams import SeamLine
from unseam.io import write_bytes_whole
from unseam.metrics import CalibrationScore
from unseam.settings import decode, encode

_FORMAT = "unseam evidence 1"
_MOST_BYTES = 2**29
_UNUSABLE = (  # errors that damaged or hostile archives have caused in zipfile, zlib and NumPy
    *(OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, struct.error, TokenError, SyntaxError),
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The predicted and the true map of a window of one image.

    The maps are class maps (255 in the truth: not annotated) or instance maps (-1), in the frame of the window.
    """

    name: str
    truth: Integer[np.ndarray, "height width"]
    predicted: Integer[np.ndarray, "height width"]
    picture: UInt8[np.ndarray, "height width *colour"] | None = None
    origin: tuple[int, int] = (0, 0)
    """Row and column of the window in the image."""
    group: str = ""
    """File or sequence of the image. Images of one group are not independent. Empty: the image stands alone."""


@dataclass(frozen=True)
class SeamCheck:
    """The seam check of a model on part of one image; ``reason`` says what was checked, or why nothing was."""

    reason: str
    limit: float = 0.0
    lines: tuple[SeamLine, ...] = ()


@dataclass(frozen=True)
class ReportFacts:
    """Facts about the maps, the model and its data; the names of the classes start with the background."""

    masks: LabelKind
    class_names: tuple[str, ...]
    calibration: CalibrationScore | None = None
    seams: SeamCheck = SeamCheck("The seam check was not made: there is no model here, only maps.")
    trained_on: tuple[str, ...] = ()
    """Lines of :func:`unseam.data.fingerprint.fingerprint`."""
    data: str = ""
    """The folder of the data as the user wrote it; empty for arrays."""

    @property
    def has_objects(self) -> bool:
        return facts_of_kind(self.masks).has_objects


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Everything that a report shows besides the model's own record."""

    facts: ReportFacts
    images: tuple[Comparison, ...] = ()


def write_comparisons(path: Path, comparisons: Comparisons) -> None:
    """Write the archive, complete or not at all. Raises OutputError if that fails."""
    images = [{"name": c.name, "origin": list(c.origin), "group": c.group} for c in comparisons.images]
    about = {"format": _FORMAT, "facts": encode(comparisons.facts), "images": images}
    arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    for index, one in enumerate(comparisons.images):
        arrays[f"truth_{index}"], arrays[f"predicted_{index}"] = narrow_dtype(one.truth), narrow_dtype(one.predicted)
        if one.picture is not None:
            arrays[f"picture_{index}"] = one.picture
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]  # NumPy's stub mistakes the arrays for flags
    write_bytes_whole(path, stream.getvalue())


def read_comparisons(path: Path) -> Comparisons:
    """Read the archive of :func:`write_comparisons`. Raises DataError, whatever is wrong with the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _MOST_BYTES:
            raise ValueError(f"it would unpack to {size:,} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if about["format"] != _FORMAT:
                raise ValueError(f"its format is {about['format']!r}, not {_FORMAT!r}")
            images = tuple(_read_image(arrays, index, image) for index, image in enumerate(about["images"]))
        return Comparisons(decode(ReportFacts, about["facts"]), images)
    except _UNUSABLE as error:
        raise DataError(
            f"{path}: the held-out predictions cannot be read ({error}). Train again, or delete the file to get a report "
            "without images."
        ) from error


def _read_image(arrays: Any, index: int, image: dict[str, Any]) -> Comparison:
    truth, predicted = arrays[f"truth_{index}"], arrays[f"predicted_{index}"]
    picture = arrays[f"picture_{index}"] if f"picture_{index}" in arrays.files else None
    row, column = (int(number) for number in image["origin"])
    if truth.ndim != 2 or truth.shape != predicted.shape or truth.dtype.kind not in "iu" or predicted.dtype.kind not in "iu":
        raise ValueError(f"image {index}: its maps do not fit")
    if picture is not None and (picture.dtype != np.uint8 or picture.shape not in (truth.shape, (*truth.shape, 3))):
        raise ValueError(f"image {index}: its picture does not fit its maps")
    return Comparison(str(image["name"]), truth, predicted, picture, (row, column), str(image.get("group", "")))


def narrow_dtype(labels: np.ndarray) -> np.ndarray:
    """Return the map in the smallest type that holds its values."""
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    return labels.astype(np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high)))
