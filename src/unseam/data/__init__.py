"""From annotated images to training samples: labels, weight maps, normalisation, crops."""

from typing import Literal

Masks = Literal["auto", "binary", "classes", "instances"]
"""What masks hold, as a user says it; ``auto``: found out by looking."""
