"""What watches training: observers read the state after each step, and never steer."""

from unseam.training.observers.checkpoint import checkpoint_files, restore_checkpoint
from unseam.training.observers.console import Console
from unseam.training.observers.validate import Record, Validate, ValidationScore

__all__ = ["Console", "Record", "Validate", "ValidationScore", "checkpoint_files", "restore_checkpoint"]
