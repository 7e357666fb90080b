"""The files of the page: a fixed table, made once from what the package contains."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class PageFile:
    """The content of a file and its type."""

    content: bytes
    media_type: str


def read_page_files() -> Mapping[str, PageFile]:
    """Read all files of the page, by their path below it."""
    return dict(_walk(files("unseam.annotate").joinpath("page"), ""))


def _walk(folder: Traversable, path: str) -> list[tuple[str, PageFile]]:
    found: list[tuple[str, PageFile]] = []
    for one in folder.iterdir() if folder.is_dir() else ():
        if one.is_dir():
            found += _walk(one, f"{path}{one.name}/")
        elif (suffix := f".{one.name.rpartition('.')[2]}") in _TYPES:
            found.append((path + one.name, PageFile(one.read_bytes(), _TYPES[suffix])))
    return found
