"""What every network of this house promises, and the pieces of its settings that come from the data."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from unseam.geometry import Geometry


@runtime_checkable
class Net(Protocol):
    """A module of valid convolutions: logits for the pixels whose full context lies in the input, and no others."""

    @property
    def geometry(self) -> Geometry:
        """What it does to sizes."""
        ...

    def forward(self, image: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """Logits (B, K, H - 2 context, W - 2 context)."""
        ...
