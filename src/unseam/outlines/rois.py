"""ImageJ's regions of interest, as the ROI manager saves and opens them: a ZIP with a file for each.

An object in one piece without holes is a traced region, as ImageJ's wand makes it, with whole coordinates. Any other is a
composite region. Regions of stacks state their position, so that the ROI manager shows each in its plane.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from unseam.errors import DataError
from unseam.io import whole_file
from unseam.outlines.outline import At, Outline, Ring

if TYPE_CHECKING:
    from roifile import ImagejRoi

_NUMBER = re.compile(r"(?:t\d+-)?(?:z\d+-)?0*([1-9]\d{0,8})")

_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
"""Marks in the path of a composite region, each followed by a column and a row where it has a place."""
_MOST_BYTES = 2**30
_LARGEST_INTEGER = 60_535  # ImageJ reads whole coordinates above it as negative


def write_rois(path: Path, outlines: Iterable[Outline], *, num_planes: int = 1, num_frames: int = 1) -> int:
    """Write outlines as a ZIP for the ROI manager; return their number. Raises OutputError if it cannot be written."""
    number = 0
    with whole_file(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for outline in outlines:
            archive.writestr(f"{_name(outline, num_planes, num_frames)}.roi", _bytes(outline, num_planes, num_frames))
            number += 1
    return number


def _name(outline: Outline, num_planes: int, num_frames: int) -> str:
    """Return the name of a region: its number, after the frame and the plane where there are several."""
    at = (f"t{outline.at.frame}-" if num_frames > 1 else "") + (f"z{outline.at.plane}-" if num_planes > 1 else "")
    return f"{at}{outline.number}"


def _bytes(outline: Outline, num_planes: int, num_frames: int) -> bytes:
    from roifile import ROI_TYPE, ImagejRoi

    rings = outline.rings
    if len(rings) == 1:
        corners = rings[0][:, ::-1]
        roi = ImagejRoi.frompoints(corners.astype(np.float32 if corners.max() > _LARGEST_INTEGER else np.int32), name="")
        roi.roitype = ROI_TYPE.TRACED
    else:
        roi = ImagejRoi()
        roi.roitype = ROI_TYPE.RECT
        roi.multi_coordinates = _path(rings)
        roi.shape_roi_size = len(roi.multi_coordinates)
    corners = np.concatenate(rings)
    (roi.top, roi.left), (roi.bottom, roi.right) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    roi.name = _name(outline, num_planes, num_frames)
    if num_frames > 1:
        roi.c_position, roi.z_position, roi.t_position = 1, outline.at.plane + 1, outline.at.frame + 1
    elif num_planes > 1:
        roi.position = outline.at.plane + 1
    if outline.class_name.isdigit():
        roi.group = min(int(outline.class_name), 255)
    return roi.tobytes()


def _path(rings: tuple[Ring, ...]) -> Float32[np.ndarray, "numbers"]:
    path: list[float] = []
    for ring in rings:
        for mark, (row, column) in zip([_MOVE, *[_LINE] * (len(ring) - 1)], ring.tolist(), strict=True):
            path += [mark, column, row]
        path.append(_CLOSE)
    return np.array(path, np.float32)


def read_rois(path: Path) -> list[Outline]:
    """Read the regions that enclose something from a ZIP of the ROI manager, or from one ``.roi``.

    Names that end in whole numbers above 0, each once in its plane, are the numbers of the objects (``7`` and ``z2-7``, as we
    write them); otherwise the regions are counted from 1. Points, lines and texts are left out.

    Raises
    ------
    DataError
        If the file cannot be read, or holds no regions.
    """
    from roifile import ImagejRoi

    found: list[tuple[int | None, Outline]] = []
    for content in _contents(path):
        try:
            roi = ImagejRoi.frombytes(content)
            outline = _outline(roi)
        except Exception as error:  # a damaged file makes the library raise errors of any kind
            raise DataError(
                f"{path} holds a damaged region ({type(error).__name__}). Save it again in the ROI manager."
            ) from error
        if outline is not None:
            match = _NUMBER.fullmatch(roi.name)
            found.append((int(match[1]) if match else None, outline))
    keys = {(number, one.at) for number, one in found}
    are_numbers = len(keys) == len(found) and all(number for number, _ in found)
    return [
        Outline(number if are_numbers and number else count, one.polygons, one.class_name, one.at)
        for count, (number, one) in enumerate(found, 1)
    ]


def _contents(path: Path) -> Iterator[bytes]:
    try:
        if path.suffix.lower() != ".zip":
            if path.stat().st_size > _MOST_BYTES:
                raise DataError(
                    f"{path} is no region of ImageJ: it is far too large. Give a .roi, or a .zip of the ROI manager."
                )
            yield path.read_bytes()
            return
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.lower().endswith(".roi")]
            if not members:
                raise DataError(f"{path} holds no regions (.roi). Save them in the ROI manager: More > Save.")
            if sum(member.file_size for member in members) > _MOST_BYTES:
                raise DataError(f"{path} holds more than 1 GiB of regions. Save fewer regions into one file.")
            for member in members:
                yield archive.read(member)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Check the name.") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path} is damaged ({error}). Save the regions again in the ROI manager: More > Save.") from error


def _outline(roi: "ImagejRoi") -> Outline | None:
    from roifile import ROI_SUBTYPE, ROI_TYPE

    is_area = roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED, ROI_TYPE.RECT, ROI_TYPE.OVAL)
    if not is_area or roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.ARROW, ROI_SUBTYPE.IMAGE):
        return None
    parts = roi.coordinates(multi=True)
    rings = tuple(ring for part in parts if len(ring := _open(np.asarray(part, np.float64)[:, ::-1])) >= 3)
    if not rings:
        return None
    at = At(roi.t_position - 1, max(roi.z_position - 1, 0)) if roi.t_position else At(0, max(roi.position - 1, 0))
    return Outline(0, (rings,), str(roi.group) if roi.group else "", at)


def _open(ring: Ring) -> Ring:
    """Return a ring whose first corner is not repeated at its end."""
    return ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring
