"""Where an image lies in space and time, as its file states it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Calibration:
    """Size of a pixel, distance of planes, interval of frames, and place of the first pixel.

    Attributes
    ----------
    pixel_um
        Size of a pixel (row, column) in micrometres; None unless the file states it in a unit of length.
    plane_um
        Distance of two planes in micrometres; None if unknown.
    frame_s
        Time from one frame to the next in seconds; None if unknown.
    origin_um
        Place of the first pixel (plane, row, column) in micrometres; 0 where the file states none.
    start_s
        Time of the first frame in seconds; 0 where the file states none.
    """

    pixel_um: tuple[float, float] | None = None
    plane_um: float | None = None
    frame_s: float | None = None
    origin_um: tuple[float, float, float] = (0.0, 0.0, 0.0)
    start_s: float = 0.0

    def __post_init__(self) -> None:
        steps = (*(self.pixel_um or ()), self.plane_um, self.frame_s)
        assert all(0 < step < float("inf") for step in steps if step is not None)


UNKNOWN = Calibration()
"""The calibration of a file that states nothing."""


def calibration_from(record: Mapping[str, Any]) -> Calibration:
    """Return the calibration of ``dataclasses.asdict``, whose tuples went through JSON as lists."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}
    return Calibration(**values)
