"""From a trained network to a segmentation: tiles, rotations, objects. This room knows engines but no network."""

from typing import Literal

DEFAULT_INPUT_TILE = 1212
"""px; largest input tile unless the caller gives another. At depth 4 the context is then 28 % of it."""

Averaging = Literal["none", "rotations", "flips", "planes"]
"""``rotations``: seven angles, as in the paper. ``flips``: the eight rotations by 90 degrees and their mirror images.
``planes``: of a volume, its planes, the planes of its rows and those of its columns; of a single plane, one pass."""
