"""What the trainer works with, apart from what comes by messages."""

from dataclasses import dataclass, field

from unseam.annotate.live.recipe import LiveRecipe
from unseam.engines.precision import SettledPrecision
from unseam.machine.cores import num_cores
from unseam.training.state import Clock, monotonic


@dataclass
class Means:
    """What the trainer works with; tests replace the parts that take time.

    Attributes
    ----------
    precision
        Number format of the steps. Pictures are computed in float32, so that tiles agree to the last pixel.
    engine
        What computes pictures, as in :func:`unseam.engines.choose_engine`. OpenVINO takes a second for new weights, and each
        picture has new ones.
    num_threads
        Processor cores that learning takes while the pointer rests; while it moves, one.
    """

    recipe: LiveRecipe = field(default_factory=LiveRecipe)
    clock: Clock = monotonic
    precision: SettledPrecision = "float32"
    engine: str = "torch"
    num_threads: int = field(default_factory=num_cores)
