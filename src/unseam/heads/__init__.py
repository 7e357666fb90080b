"""The heads: what a network is asked to learn, and how its answer becomes classes and objects.

A new head is one new file with a frozen dataclass, its setting and function in one, and one line in `Head` below. Settings,
training, the model file and every predictor then know it: in memory, chunk by chunk, on a cluster.

=================  =============================================  ========================================
member             what the network learns                        how objects come about
=================  =============================================  ========================================
`Classes`          the class of each pixel                        connected pieces of foreground
`RidgeObjects`     object or not; a ridge parts touching objects  connected pieces, the ridge given back
=================  =============================================  ========================================

`softmax`, `objects` (with `flood`) and `ridge` are bricks that members share. Members never import each other.
"""

from unseam.heads.base import HeadProtocol, Labels, Targets
from unseam.heads.classes import Classes
from unseam.heads.objects import Objects
from unseam.heads.ridge_objects import RidgeObjects

Head = (
    Classes
    | RidgeObjects
)  # fmt: skip
"""The closed list: every head that settings and model files can name."""


def head_for(*, has_objects: bool) -> Head:
    """Choose the head for masks: by ridge where they number objects, otherwise classes."""
    return RidgeObjects() if has_objects else Classes()


__all__ = ["Classes", "Head", "HeadProtocol", "Labels", "Objects", "RidgeObjects", "Targets", "head_for"]
