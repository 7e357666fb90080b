"""What happens after each step of training: observers read the state and never change it."""

from unseam.training.observers.checkpoint import checkpoint_files, restore_checkpoint
from unseam.training.observers.validate import Record, Validate, ValidationScore

__all__ = ["Record", "Validate", "ValidationScore", "checkpoint_files", "restore_checkpoint"]
