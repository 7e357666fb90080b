"""Further properties of scikit-image, one object at a time on its box: slow, and only on request.

Nothing outside an object's box changes them, so they are the same numbers for an image of any size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, Integer, Shaped
from skimage.measure import regionprops_table

Columns = dict[str, np.ndarray]
MOST_BOX = 2**26
"""px of the largest box that is read; a larger object gets empty cells, since its box may not fit into memory."""


@dataclass(frozen=True)
class RegionProperty:
    """A property that only scikit-image computes.

    Attributes
    ----------
    name
        That of scikit-image.
    power
        2 for areas, 1 for lengths, 0 for plain numbers.
    needs_image
        Whether it is measured on grey values.
    is_summed_up
        Whether its median over the objects of an image says something.
    num_values
        How many numbers it has for each object and channel.
    """

    name: str
    power: int = 0
    needs_image: bool = False
    is_summed_up: bool = True
    num_values: int = 1


REGION_PROPERTIES = (
    RegionProperty("area_filled", power=2),
    RegionProperty("euler_number"),
    RegionProperty("perimeter_crofton", power=1),
    RegionProperty("moments_hu", is_summed_up=False, num_values=7),
    RegionProperty("intensity_median", needs_image=True),
)

Box = tuple[slice, slice]
ReadBox = Callable[[Box], tuple[Integer[np.ndarray, "height width"], Shaped[np.ndarray, "height width channel"] | None]]
"""From rows and columns of a plane to its instance map there, and its image."""


def region_columns(
    chosen: Sequence[RegionProperty],
    ids: Int64[np.ndarray, "objects"],
    boxes: Int64[np.ndarray, "objects 4"],
    read: ReadBox,
    *,
    num_channels: int = 0,
    pixel_um: float | None = None,
) -> Columns:
    """Measure objects one by one.

    Parameters
    ----------
    ids, boxes
        Of the objects; boxes as top, left, bottom, right.
    read
        Reads a box of the plane.
    num_channels
        Of the image; 0 without one, and then properties that need it are left out.
    pixel_um
        Side of a square pixel; None: no columns in um.
    """
    wanted = [one for one in chosen if num_channels or not one.needs_image]
    names = {one: _headers(one, num_channels) for one in wanted}
    columns = {header: np.full(len(ids), np.nan) for headers in names.values() for header in headers.values()}
    for at, (number, (top, left, bottom, right)) in enumerate(zip(ids.tolist(), boxes.tolist(), strict=True)):
        if (bottom - top) * (right - left) > MOST_BOX:
            continue
        labels, image = read((slice(top, bottom), slice(left, right)))
        if image is not None:
            image = image.astype(np.float64)  # of float32 it would take means in float32
        found = regionprops_table((labels == number).astype(np.uint8), image, properties=[one.name for one in wanted])
        for headers in names.values():
            for key, header in headers.items():
                columns[header][at] = found[key][0]
    return _with_units(columns, wanted, pixel_um)


def _headers(one: RegionProperty, num_channels: int) -> dict[str, str]:
    """Return the header of each column of scikit-image's table."""
    if one.needs_image:  # the image has an axis of channels, also where it has one
        return {f"{one.name}-{at}": one.name if num_channels == 1 else f"{one.name}_c{at}" for at in range(num_channels)}
    if one.num_values > 1:
        return {f"{one.name}-{at}": f"{one.name}_{at}" for at in range(one.num_values)}
    return {one.name: f"{one.name}_px" if one.power else one.name}


def _with_units(columns: Columns, wanted: Sequence[RegionProperty], pixel_um: float | None) -> Columns:
    if pixel_um is None:
        return columns
    result: Columns = {}
    power = {f"{one.name}_px": (one.name, one.power) for one in wanted if one.power}
    for header, values in columns.items():
        result[header] = values
        if header in power:
            name, of = power[header]
            result[f"{name}_um2" if of == 2 else f"{name}_um"] = values * pixel_um**of
    return result
