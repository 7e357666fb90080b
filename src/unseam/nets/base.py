"""What every network promises to training, prediction and the report."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn

from unseam.geometry import Geometry


class NetSettings(Protocol):
    """The settings of a network: a frozen dataclass. The data set the two numbers named here; all others are the user's."""

    @property
    def in_channels(self) -> int:
        """Channels of the image."""
        ...

    @property
    def num_classes(self) -> int:
        """Classes, background included."""
        ...

    def build(self) -> "Net":
        """Return the network with these settings, its weights freshly drawn."""
        ...


class Net(nn.Module):
    """A network that answers only where it saw all of the context: logits for the pixels whose context lies in the input.

    A network may normalise with stored statistics (batch normalisation), but not over the tile that it is given: tiles would
    then disagree.
    """

    config: NetSettings

    @property
    def geometry(self) -> Geometry:
        """What the network does to sizes."""
        raise NotImplementedError

    def forward(self, image: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """Logits (B, K, H - 2 context, W - 2 context) of a normalised image (B, C, H, W), before the soft-max."""
        raise NotImplementedError

    @property
    def context(self) -> int:
        """Pixels of image needed beyond each side of the output: 92 for the U-Net at depth 4, 77 for the FCN."""
        return self.geometry.context

    @property
    def phase(self) -> int:
        """Pixels by which the input may be shifted without changing the output: 2**depth."""
        return self.geometry.phase
