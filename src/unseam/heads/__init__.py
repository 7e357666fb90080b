"""The heads: what a network learns, and how its output becomes classes and objects.

A new head is one new file with a frozen dataclass, which is both setting and function, and one line in `Head` below. Settings,
training, the model file and every predictor then know it: in memory, chunk by chunk, on a cluster.

=================  =============================================  ============================================
member             the network learns                             an object is
=================  =============================================  ============================================
`Classes`          the class of each pixel                        a connected piece of foreground
`RidgeObjects`     object or not; a ridge parts touching objects  a connected piece, with its part of the ridge
=================  =============================================  ============================================

`softmax`, `objects` (with `flood` and `split`) and `ridge` are parts that members share. Members never import each other. Two
heads that did not pay, distances inside objects and border and core, are in ``docs/log.md``.
"""

from unseam.heads.base import HeadProtocol, Labels, Targets, Way
from unseam.heads.classes import Classes
from unseam.heads.objects import Objects, fitted_to
from unseam.heads.ridge_objects import RidgeObjects

Head = (
    Classes
    | RidgeObjects
)  # fmt: skip
"""The closed list: every head that settings and model files can name."""


def head_for(*, has_objects: bool) -> Head:
    """Choose the head for masks: `RidgeObjects` where they number objects, otherwise `Classes`."""
    return RidgeObjects() if has_objects else Classes()


__all__ = [
    "Classes", "Head", "HeadProtocol", "Labels", "Objects", "RidgeObjects", "Targets", "Way",
    "fitted_to", "head_for",
]  # fmt: skip
