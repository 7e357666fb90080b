"""From a trained network to a segmentation: tiles, rotations, objects. Knows engines, and no network."""
