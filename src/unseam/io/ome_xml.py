"""Reads the XML of an OME-TIFF without building a tree: the facts of each image, whatever the spelling and the version."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from unseam.errors import ImageReadError

_MOST_CHARACTERS = 2**28


@dataclass(eq=False)
class OmeImage:
    """The attributes of an image and of the elements in it, as written.

    Attributes
    ----------
    image, pixels, first_plane
        Attributes of ``Image``, of ``Pixels``, and of the plane of the first time, depth and channel (empty if it has none).
    counts
        Numbers of planes that its pieces promise.
    file_names
        Files that hold its planes, where it names them.
    has_data
        Whether it says where its planes are.
    """

    image: Mapping[str, str]
    pixels: Mapping[str, str]
    first_plane: Mapping[str, str] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)
    file_names: set[str] = field(default_factory=set)
    has_data: bool = False

    @property
    def num_planes(self) -> int:
        """Number of planes of all channels that the sizes promise."""
        sizes = [whole_number(self.pixels[name]) for name in ("SizeC", "SizeZ", "SizeT") if name in self.pixels]
        return math.prod(sizes)


def whole_number(text: str) -> int:
    """Return a number as a decoder would read it; 0 if it is none."""
    try:
        return int(text)
    except ValueError:
        return 0


def is_ome(description: str) -> bool:
    """Whether a description begins as OME's, cut or whole.

    >>> is_ome("<?xml version='1.0'?><ome:OME xmlns:ome='x'>"), is_ome("<HOME >")
    (True, False)
    """
    return re.search(r"<(?:\w+:)?OME[\s>]", description[:2000]) is not None


def read_ome(path: Path, xml: str) -> tuple[OmeImage, ...] | None:
    """Return an entry for each ``Pixels``, in the order of the file; None if the text is no valid XML.

    Raises ImageReadError for a text that is too long, or that defines entities: nested ones can fill the memory.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise ImageReadError(path, "its OME description defines entities, which OME never needs; save it as TIFF in Fiji")
    if len(xml) > _MOST_CHARACTERS:
        remedy = "export it as several files, or as OME-Zarr"
        raise ImageReadError(
            path, f"its OME description has {len(xml):,} characters, at most {_MOST_CHARACTERS:,} are read; {remedy}"
        )
    found: list[OmeImage] = []
    image: dict[str, str] = {}

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal image
        name = tag.rpartition(":")[2]
        about = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if name == "Image":
            image = about
        elif name == "Pixels":
            found.append(OmeImage(image, about))
        elif found:
            _add(found[-1], name, about)

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = begin
    try:
        # the text is decoded already, so the encoding that it names is not that of these bytes
        parser.Parse(xml.strip("\ufeff \t\r\n").encode("utf-8", "replace"), True)
    except expat.ExpatError:
        return None
    return tuple(found)


def _add(one: OmeImage, name: str, about: Mapping[str, str]) -> None:
    if name == "TiffData":
        one.has_data = True
        one.counts += [whole_number(about[key]) for key in ("PlaneCount", "NumPlanes") if key in about]
    elif name == "Plane" and not one.first_plane and all(whole_number(about.get(f"The{axis}", "0")) == 0 for axis in "TZC"):
        one.first_plane = about
    elif "FileName" in about:
        one.file_names.add(about["FileName"])
