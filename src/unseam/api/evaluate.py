"""``evaluate``: score predictions against annotations, as arrays or as files."""

from unseam.evaluation.from_files import evaluate, evaluate_files
from unseam.evaluation.result import Evaluation
from unseam.metrics import Column, Intervals, Scores

__all__ = ["Column", "Evaluation", "Intervals", "Scores", "evaluate", "evaluate_files"]
