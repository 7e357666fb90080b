"""Metadata of a result for viewers. Source: the OME-NGFF specification, version 0.5."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.result.colours import label_colours
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
    class_values
        Value of each class in a class map, background first; empty for objects.
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
    class_values: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        assert self.axes.endswith("YX")
        assert self.axes == "".join(axis for axis in _AXES if axis in self.axes)
        assert len(self.axes) == len(self.shape)
        assert np.dtype(self.dtype).name in ("uint8", "uint16", "uint32", "float16", "float32")
        assert self.kind in ("classes", "labels", "probabilities")
        assert len(self.class_values) in (0, len(self.channel_names))

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
        about["image-label"] = ({"source": {"image": "../../"}} if is_in_labels else {}) | _looks(layout)
    else:
        about["omero"] = {"channels": _channels(layout), "rdefs": {"model": "color" if "C" in layout.axes else "greyscale"}}
    return about


def _multiscale(layout: ImageLayout) -> dict[str, Any]:
    axes: list[dict[str, str]] = [{"name": axis.lower(), "type": _AXES[axis]} for axis in layout.axes]
    for axis, (step, _) in zip(axes, _steps(layout), strict=True):
        if step is not None:
            axis["unit"] = "second" if axis["type"] == "time" else "micrometer"
    datasets = [{"path": str(level), "coordinateTransformations": _place(layout, level)} for level in range(layout.num_levels)]
    is_mean = layout.kind == "probabilities"
    method = {"description": "mean of 2 x 2 pixels" if is_mean else "one pixel of each 2 x 2, drawn by its place"}
    kind = "mean" if is_mean else "nearest"
    return {"name": layout.name, "axes": axes, "datasets": datasets, "type": kind, "metadata": method}


def _place(layout: ImageLayout, level: int) -> list[dict[str, Any]]:
    """Return the scale and the origin of a level.

    The mean of n px lies at their centre, (n - 1) / 2 px from the centre of the first; the levels align only with that shift.
    One pixel drawn from n px lies there on average.
    """
    scale, origin = [], []
    for axis, (step, start) in zip(layout.axes, _steps(layout), strict=True):
        pixel, side = (1.0 if step is None else float(step)), (2**level if axis in "YX" else 1)
        scale.append(pixel * side)
        origin.append(float(start) + pixel * (side - 1) / 2)
    return [{"type": "scale", "scale": scale}, {"type": "translation", "translation": origin}]


def _steps(layout: ImageLayout) -> list[tuple[float | None, float]]:
    """Return step and origin along each axis. An origin counts in the unit of the step, so it is lost without one."""
    known = layout.calibration
    height, width = known.pixel_um or (None, None)
    plane, row, column = known.origin_um
    steps = {"T": (known.frame_s, known.start_s), "Z": (known.plane_um, plane), "Y": (height, row), "X": (width, column)}
    found = [steps.get(axis, (None, 0.0)) for axis in layout.axes]
    return [(step, start if step is not None else 0.0) for step, start in found]


def _looks(layout: ImageLayout) -> dict[str, Any]:
    """Return colour and name of each class."""
    if not layout.class_values:
        return {}
    named = zip(layout.class_values, layout.channel_names, strict=True)
    names = [{"label-value": value, "name": name} for value, name in named]
    return {"colors": label_colours(layout.class_values), "properties": names}


def _channels(layout: ImageLayout) -> list[dict[str, Any]]:
    if layout.kind == "classes":
        highest = max((1, len(layout.channel_names) - 1, *layout.class_values))
        return [_channel(layout.name or "classes", "FFFFFF", highest, is_active=True)]
    num = layout.shape[layout.axes.index("C")] if "C" in layout.axes else 1
    names = layout.channel_names or tuple(f"class {number}" for number in range(num))
    assert len(names) == num
    high = 1 if layout.dtype.kind == "f" else int(np.iinfo(layout.dtype).max)
    return [_channel(name, _COLOURS[at % len(_COLOURS)], high, is_active=num == 1 or at == 1) for at, name in enumerate(names)]


def _channel(label: str, colour: str, high: int, *, is_active: bool) -> dict[str, Any]:
    window = {"min": 0, "max": high, "start": 0, "end": high}
    return {"label": label, "color": colour, "active": is_active, "window": window}
