"""Zarr stores for the tests, written by zarr itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr

TCZYX = [
    {"name": "t", "type": "time", "unit": "second"},
    {"name": "c", "type": "channel"},
    *({"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"),
]


def array(folder: Path, pixels: np.ndarray, **options: Any) -> Path:
    """A store that is one array."""
    options = {"zarr_format": 2, "chunks": tuple(min(16, n) for n in pixels.shape), **options}
    made = zarr.create_array(str(folder), shape=pixels.shape, dtype=pixels.dtype, **options)
    made[...] = pixels
    return folder


def attributes(folder: Path, version: int, values: dict[str, Any]) -> None:
    """Make a folder a group, or change its attributes."""
    folder.mkdir(parents=True, exist_ok=True)
    if version == 2:
        (folder / ".zgroup").write_text('{"zarr_format": 2}')
        (folder / ".zattrs").write_text(json.dumps(values))
    else:
        group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", **values}}}
        (folder / "zarr.json").write_text(json.dumps(group))


def image(folder: Path, pixels: np.ndarray, version: int = 2, axes: str = "TCZYX", level: str = "s0", **options: Any) -> Path:
    """OME-Zarr 0.4 or 0.5 of two resolutions, pixels of 0.5 x 0.25 um."""
    scale = [{"Y": 0.5, "X": 0.25}.get(letter, 1.0) for letter in axes]
    meaning = {
        "version": "0.4",
        "axes": [next(one for one in TCZYX if one["name"] == letter.lower()) for letter in axes],
        "datasets": [
            {"path": level, "coordinateTransformations": [{"type": "scale", "scale": scale}]},
            {"path": "half", "coordinateTransformations": [{"type": "scale", "scale": [2 * n for n in scale]}]},
        ],
    }
    attributes(folder, version, {"multiscales": [meaning]})
    array(folder / level, pixels, zarr_format=version, **options)
    small = pixels[tuple(slice(None, None, 2) if letter in "YX" else slice(None) for letter in axes)]
    array(folder / "half", small, zarr_format=version)
    return folder


def edited(file: Path, **changes: Any) -> None:
    """Change entries of a file of metadata; None takes one out."""
    tree = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({name: value for name, value in tree.items() if value is not None}))
