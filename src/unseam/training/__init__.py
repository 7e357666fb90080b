"""Training: a loop of one page. It gets a module, a callable and an iterator, and knows nothing else."""

from unseam.training.loop import train_network
from unseam.training.optim import SGD, AdamW, Cosine, Muon, Optimiser, Schedule
from unseam.training.ranks import Ranks
from unseam.training.state import Batch, Budget, Observer, Plan, TrainState

__all__ = [
    "train_network", "TrainState", "Batch", "Plan", "Budget", "Schedule", "Observer", "Ranks",
    "Optimiser", "SGD", "AdamW", "Muon", "Cosine",
]  # fmt: skip
