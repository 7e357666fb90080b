"""The energies that training minimises."""

from unseam.losses.weighted_cross_entropy import WeightedCrossEntropy

Loss = WeightedCrossEntropy
"""The closed list: every energy that settings can name."""

__all__ = ["Loss", "WeightedCrossEntropy"]
