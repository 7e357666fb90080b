"""The energies that training minimises: ``(logits, classes, weights) -> energy``, one frozen dataclass per file.

An energy ignores pixels of class ``IGNORE``, and multiplies each other pixel by its w(x) of Eq. 2.
"""

from unseam.losses.weighted_cross_entropy import WeightedCrossEntropy

Loss = WeightedCrossEntropy
"""The closed list of all energies that settings can name. Add another with ``| Other``."""

__all__ = ["Loss", "WeightedCrossEntropy"]
