"""Thumbnails of objects on one sheet, each with its number and a line about it."""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from jaxtyping import Integer, UInt8
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import find_objects

from unseam.report.measured_page import MeasuredPlane, cut_out
from unseam.report.thumbnails import SIDE

Picture = UInt8[np.ndarray, "height width *colour"]

_COLUMNS = 5
_GAP = 4
_CAPTION = 54  # px: three lines
_CHARACTERS = 28  # of a line


def draw_sheet(
    instances: Integer[np.ndarray, "height width"], picture: Picture, chosen: Sequence[tuple[int, str]]
) -> Image.Image:
    """Draw objects of a plane, five in a row: (number, line) each. Numbers that the plane does not hold are left out."""
    plane, boxes = MeasuredPlane.of_arrays((), instances, picture), find_objects(instances)
    here = [(label, words, boxes[label - 1]) for label, words in chosen if 0 < label <= len(boxes)]
    found = [(label, words, box) for label, words, box in here if box is not None]
    across, down = min(_COLUMNS, max(1, len(found))), max(1, -(-len(found) // _COLUMNS))
    sheet = Image.new("RGB", (across * (SIDE + _GAP), down * (SIDE + _GAP + _CAPTION)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (label, words, box) in enumerate(found):
        left, top = number % _COLUMNS * (SIDE + _GAP), number // _COLUMNS * (SIDE + _GAP + _CAPTION)
        sheet.paste(Image.fromarray(cut_out(plane, label, box)), (left, top))
        lines = [f"object {label}", *wrap(words.replace("µ", "u").replace("²", "2"), _CHARACTERS)][:3]
        pen.multiline_text((left + 2, top + SIDE + 2), "\n".join(lines), "black", font, spacing=2)
    return sheet
