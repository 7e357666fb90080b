"""From a trained network to a segmentation: tiles, rotations, objects. This room knows engines but no network."""

DEFAULT_INPUT_TILE = 1212
"""px; largest input tile unless the caller gives another. At depth 4 the context is then 28 % of it."""
