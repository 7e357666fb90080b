"""Metadata of a result for viewers. Source: the OME-NGFF specification, version 0.5."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.result.pyramid import ResultKind, num_levels

VERSION = "0.5"
_AXES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_COLOURS = ("FFFFFF", "FF0000", "00FF00", "0000FF", "FFFF00", "00FFFF", "FF00FF")


@dataclass(frozen=True)
class ImageLayout:
    """The layout of the result for one image.

    Attributes
    ----------
    axes, shape
        Some of T, C, Z, Y, X in this order, ending in YX; one length per axis.
    chunk, shard
        As in :class:`~unseam.io.result.array_layout.ArrayLayout`.
    calibration
        Size of a pixel and place of the image.
    name
        Name of the image in a viewer.
    channel_names
        Names of the classes.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype
    chunk: int
    shard: int = 1
    calibration: Calibration = UNKNOWN
    name: str = ""
    kind: ResultKind = "labels"
    channel_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.axes.endswith("YX")
        assert self.axes == "".join(axis for axis in _AXES if axis in self.axes)
        assert len(self.axes) == len(self.shape)
        assert np.dtype(self.dtype).name in ("uint8", "uint16", "uint32", "float16", "float32")
        assert self.kind in ("classes", "labels", "probabilities")

    @property
    def spacing_um(self) -> tuple[float, float] | None:
        """Size of a pixel (row, column); None if unknown."""
        return self.calibration.pixel_um

    @property
    def num_levels(self) -> int:
        """Number of levels of the pyramid, including the image itself."""
        return num_levels(self.shape[-2], self.shape[-1], self.chunk)


def ome_attributes(layout: ImageLayout, *, is_in_labels: bool) -> dict[str, Any]:
    """Return the value of ``attributes["ome"]`` for an image group."""
    about: dict[str, Any] = {"version": VERSION, "multiscales": [_multiscale(layout)]}
    if layout.kind == "labels":
        about["image-label"] = {"source": {"image": "../../"}} if is_in_labels else {}
    else:
        about["omero"] = {"channels": _channels(layout), "rdefs": {"model": "color" if "C" in layout.axes else "greyscale"}}
    return about


def _multiscale(layout: ImageLayout) -> dict[str, Any]:
    axes: list[dict[str, str]] = [{"name": axis.lower(), "type": _AXES[axis]} for axis in layout.axes]
    if layout.spacing_um is not None:
        for axis in axes[-2:]:
            axis["unit"] = "micrometer"
    datasets = [{"path": str(level), "coordinateTransformations": _place(layout, level)} for level in range(layout.num_levels)]
    is_mean = layout.kind == "probabilities"
    method = {"description": "mean of 2 x 2 pixels" if is_mean else "every second pixel from the first"}
    kind = "mean" if is_mean else "nearest"
    return {"name": layout.name, "axes": axes, "datasets": datasets, "type": kind, "metadata": method}


def _place(layout: ImageLayout, level: int) -> list[dict[str, Any]]:
    """Return the scale and the origin of a level.

    The mean of n px lies at their centre, (n - 1) / 2 px from the centre of the first; the levels align only with that shift.
    """
    spacing = layout.spacing_um or (1.0, 1.0)
    ones = [1.0] * (len(layout.axes) - 2)
    scale: list[dict[str, Any]] = [{"type": "scale", "scale": ones + [side * 2**level for side in spacing]}]
    if layout.kind != "probabilities":
        return scale
    shift = [0.0] * len(ones) + [side * (2**level - 1) / 2 for side in spacing]
    return [*scale, {"type": "translation", "translation": shift}]


def _channels(layout: ImageLayout) -> list[dict[str, Any]]:
    if layout.kind == "classes":
        return [_channel(layout.name or "classes", "FFFFFF", max(1, len(layout.channel_names) - 1), is_active=True)]
    num = layout.shape[layout.axes.index("C")] if "C" in layout.axes else 1
    names = layout.channel_names or tuple(f"class {number}" for number in range(num))
    assert len(names) == num
    high = 1 if layout.dtype.kind == "f" else int(np.iinfo(layout.dtype).max)
    return [_channel(name, _COLOURS[at % len(_COLOURS)], high, is_active=num == 1 or at == 1) for at, name in enumerate(names)]


def _channel(label: str, colour: str, high: int, *, is_active: bool) -> dict[str, Any]:
    window = {"min": 0, "max": high, "start": 0, "end": high}
    return {"label": label, "color": colour, "active": is_active, "window": window}
