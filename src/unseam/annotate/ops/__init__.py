"""The label map of one image, operations on it, and undo: arrays only, no files.

The truth of an image is the sequence of its operations. Each is a set of runs in reading order; a mode says which of their
pixels it may change.
"""

from unseam.annotate.ops.history import History, OrderError, Stroke
from unseam.annotate.ops.label_map import TILE, Box, Change, LabelMap, Mode, box_of
from unseam.annotate.ops.runs import RUN, check_runs, join_runs, pixels_of, values_of

__all__ = [
    "LabelMap", "Change", "Box", "Mode", "TILE", "box_of", "RUN", "check_runs", "pixels_of", "values_of", "join_runs",
    "History", "Stroke", "OrderError",
]  # fmt: skip
