"""What every network promises to training, prediction and the report."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn

from unseam.geometry import Geometry


class NetSettings(Protocol):
    """A frozen dataclass. Training sets the two fields named here from the data; the user sets all others."""

    @property
    def in_channels(self) -> int:
        """Channels of the image."""

    @property
    def num_classes(self) -> int:
        """Classes, background included."""

    def build(self) -> "Net":
        """Return a network with these settings and freshly drawn weights."""


class Net(nn.Module):
    """A network that returns logits only for the pixels whose whole context lies in the input.

    A network may normalise with stored statistics (batch normalisation), but not with those of its input tile: tiles would
    then disagree.
    """

    config: NetSettings

    @property
    def geometry(self) -> Geometry:
        """How the network changes sizes."""
        raise NotImplementedError

    def forward(self, image: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """Return logits (B, K, H - 2 context, W - 2 context), before the soft-max, for a normalised image (B, C, H, W)."""
        raise NotImplementedError

    @property
    def context(self) -> int:
        """Pixels of image needed beyond each side of the output: 92 for the U-Net at depth 4, 77 for the FCN."""
        return self.geometry.context

    @property
    def phase(self) -> int:
        """Shift of the input, px, that shifts the output and changes nothing else: 2**depth."""
        return self.geometry.phase
