"""The energies that training minimises: ``(logits, classes, weights) -> energy``, each a frozen dataclass in a file.

An energy leaves out pixels whose class is ``IGNORE``, and multiplies each other pixel by its w(x) of Eq. 2.
"""

from unseam.losses.weighted_cross_entropy import WeightedCrossEntropy

Loss = WeightedCrossEntropy
"""The closed list: every energy that settings can name. One more joins with ``| Other``."""

__all__ = ["Loss", "WeightedCrossEntropy"]
