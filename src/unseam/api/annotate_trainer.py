"""The trainer's process of ``unseam annotate``: ``python -m unseam.api.annotate_trainer``, started by the server alone.

Frames come on standard input and go to standard output; everything that is printed goes to standard error, so that no library
can break a frame.
"""

import os
import sys
from pathlib import Path

from unseam.annotate.live.process import run_trainer
from unseam.api.training import train
from unseam.runs.watch import Watch


def train_folder(folder: Path, out: Path, watch: Watch) -> None:
    """Train the final model of a folder by the default recipe."""
    train(folder, out=out, watch=watch)


def serve_pipes() -> None:
    """Talk on the standard pipes until the server closes them."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    run_trainer(sys.stdin.buffer, outgoing, train_folder)


if __name__ == "__main__":
    serve_pipes()
