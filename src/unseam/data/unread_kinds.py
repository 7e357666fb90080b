"""Kinds of files that hold images or annotations and are not read, each with the way to convert it.

Names decide. Only text files, archives and files without ending are opened, for a look at their first bytes: most are no data.
"""

import os
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unseam.data.file_names import is_broken_link
from unseam.io import READ_BY_FIJI

_HEAD = 2**16  # bytes at either end; outlines show what they are in these, though labelme may put the image first
_OUTLINES = re.compile(
    rb'"(shapes|segmentation|_via_img_metadata|regions|annotations|polygons?)"\s*:\s*[\[{]'  # labelme, COCO, VIA, Cityscapes
    rb'|"type"\s*:\s*"(FeatureCollection|Feature|Polygon|MultiPolygon)"'  # QuPath
    rb"|<(annotations?|polygon|image_metadata)[\s>]"  # PASCAL VOC, ASAP, Aperio, CVAT
    rb"|\A\d+(\s+[01]?\.\d+){4,}",  # YOLO
    re.IGNORECASE,
)
STORES = (".zarr", ".n5")
"""Endings of folders that are one file to their users."""
_ENDING = re.compile(r"\.[a-z][a-z0-9_~-]{0,11}")


@dataclass(frozen=True)
class UnreadKind:
    """A kind of file that is not read. A file belongs to it if its name has one of the endings and ``looks`` says yes.

    ``is_image``: it matters for prediction as well. ``is_everywhere``: it is data also in a folder that holds only the folders
    of images and masks; an archive, for example, may lie there because its content lies beside it.
    """

    what: str
    mend: str
    endings: tuple[str, ...] = ("",)
    looks: Callable[[Path], bool] = lambda _: True
    is_image: bool = True
    is_everywhere: bool = False


def kind_of_unread(path: Path) -> UnreadKind | None:
    """Return the kind of a file that cannot be read as it is; None if it does not look like data."""
    name = path.name.lower()
    return next((kind for kind in _KINDS if name.endswith(kind.endings) and kind.looks(path)), None)


def _has_no_ending(path: Path) -> bool:
    """Return whether the name has no ending (``scan``, ``IM-0001.23``) and the content is no text (README, LICENSE)."""
    if _ENDING.fullmatch(path.suffix.lower()):
        return False
    text = _head(path)[:512].decode(errors="replace").rstrip("\ufffd")  # a letter may be cut in two at the end
    words = "".join(text.split())
    is_text = words != text and words.isprintable() and "\ufffd" not in words
    return bool(words) and not is_text


def _holds_outlines(path: Path) -> bool:
    return _OUTLINES.search(_head(path)) is not None or _OUTLINES.search(_tail(path)) is not None


def _holds_rois(path: Path) -> bool:
    with suppress(OSError, ValueError, zipfile.BadZipFile, NotImplementedError), zipfile.ZipFile(path) as archive:
        return any(name.lower().endswith(".roi") for name in archive.namelist())
    return "roi" in path.name.lower()


def _head(path: Path) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        return file.read(_HEAD)
    return b""


def _tail(path: Path) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        file.seek(-min(_HEAD, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return b" " + file.read()  # of YOLO only the start of a file counts
    return b""


_DRAW = (
    "draw outlines into label maps, one number per object (Fiji: ROI Manager; QuPath, labelme and CVAT: export of masks), and "
    "save these as TIFF or PNG"
)
_PICTURES = (
    *(
        ".heic",
        ".heif",
        ".webp",
        ".avif",
        ".jxl",
        ".jp2",
        ".j2k",
        ".jpf",
        ".jpx",
        ".jxr",
        ".psd",
        ".xcf",
        ".tga",
        ".pcx",
        ".exr",
    ),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"),
)
_VIDEOS = (".avi", ".mp4", ".mov", ".mkv", ".wmv", ".mpg", ".mpeg", ".m4v", ".webm", ".mj2")
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst")
_OUTLINE_FILES = (".roi", ".geojson", ".geojson.gz", ".ndpa", ".qpdata", ".qpproj", ".ilp", ".shp")

_KINDS: tuple[UnreadKind, ...] = (
    UnreadKind(
        "link(s) that lead nowhere",
        "mount the disk of the links, or fetch their content (git annex get, dvc pull)",
        looks=is_broken_link,
        is_everywhere=True,
    ),
    UnreadKind(
        "store(s)",
        "predict a store by its own name; for training save it as OME-TIFF in Fiji",
        STORES,
        is_everywhere=True,
    ),
    UnreadKind(
        "microscope or volume file(s)",
        "open such files in Fiji (Bio-Formats) and save them as OME-TIFF",
        READ_BY_FIJI,
        is_everywhere=True,
    ),
    UnreadKind("file(s) with outlines", _DRAW, _OUTLINE_FILES, is_image=False, is_everywhere=True),
    UnreadKind("file(s) with outlines", _DRAW, (".json", ".xml", ".txt"), _holds_outlines, is_image=False, is_everywhere=True),
    UnreadKind("file(s) with outlines", _DRAW, (".zip",), _holds_rois, is_image=False, is_everywhere=True),
    UnreadKind(
        "file(s) of bare numbers", "import them in Fiji (File > Import > Raw) and save them as TIFF", (".raw", ".dat", ".bin")
    ),
    UnreadKind("MATLAB file(s)", "save the array in each as TIFF or .npy", (".mat",)),
    UnreadKind("picture(s) of another format", "save such pictures as PNG or TIFF", _PICTURES),
    UnreadKind("video(s)", "save the frames of a video as a TIFF stack (Fiji)", _VIDEOS),
    UnreadKind("archive(s)", "unpack archives", _ARCHIVES),
    UnreadKind("unfinished download(s)", "download such files again", (".part", ".partial", ".crdownload", ".filepart")),
    UnreadKind("file(s) that iCloud keeps elsewhere", "download them in Finder", (".icloud",)),
    UnreadKind("shortcut(s)", "put the file itself in the place of a shortcut", (".lnk", ".webloc", ".alias")),
    UnreadKind("file(s) without ending", "give them the ending of their format, such as .tif", looks=_has_no_ending),
)
