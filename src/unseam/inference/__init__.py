"""From a trained network to a segmentation: tiles, rotations, objects. Knows engines, and no network."""

DEFAULT_INPUT_TILE = 1212
"""Largest input tile unless the caller gives another, px. At depth 4 the context is then 28 % of it."""
