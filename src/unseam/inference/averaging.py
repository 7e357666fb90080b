"""The mean over versions of the input, as far as an engine takes it: tile by tile."""

from typing import get_args

from unseam.engines import Engine, FlipsEngine
from unseam.errors import SettingsError
from unseam.heads import Head
from unseam.inference import Averaging


def averaged(engine: Engine, average: Averaging, head: Head) -> Engine:
    """Return an engine that takes the mean over flips, if that is wanted; rotations turn whole images, planes cut volumes.

    Raises `SettingsError` for an unknown word.
    """
    if average not in get_args(Averaging):
        raise SettingsError(f"average is {average!r}. It may be 'none', 'rotations', 'flips' or 'planes'.")
    return FlipsEngine(engine, head.mean_logits) if average == "flips" else engine
