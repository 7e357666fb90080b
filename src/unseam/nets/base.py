"""What every network promises to training, prediction and the report."""

from abc import abstractmethod
from typing import Protocol

import torch
from torch import Tensor, nn

from unseam.errors import SizeError
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

    ``forward`` turns a normalised image (B, C, H, W) into logits (B, K, H - 2 context, W - 2 context), before the soft-max. A
    network for volumes has an axis of planes before the rows: (B, C, D, H, W).
    """

    config: NetSettings

    @property
    @abstractmethod
    def geometry(self) -> Geometry:
        """How the network changes the number of rows and of columns."""

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """How it changes each axis of an image, in their order: planes where there are any, rows, columns."""
        return self.geometry, self.geometry

    def check_size(self, image: Tensor) -> None:
        """Raise a SizeError that names the nearest sizes unless a batch of images can pass."""
        lengths = image.shape[2:]
        if len(lengths) != len(self.geometries):
            wanted = "volumes (B, C, D, H, W)" if len(self.geometries) == 3 else "planes (B, C, H, W)"
            raise SizeError(f"This network takes {wanted}, and the images have the shape {tuple(image.shape)}.")
        for length, geometry in zip(lengths, self.geometries, strict=True):
            geometry.output_for(length)

    @property
    @abstractmethod
    def last_bias(self) -> Tensor:
        """The bias that is added to the logits last: one number or several in a row for each class."""

    @property
    def context(self) -> int:
        """Pixels of image needed beyond each side of the output: 92 for the U-Net at depth 4, 77 for the FCN."""
        return self.geometry.context

    @property
    def phase(self) -> int:
        """Shift of the input, px, that shifts the output and changes nothing else: 2**depth."""
        return self.geometry.phase


def add_to_logits(net: nn.Module, shifts: Tensor) -> None:
    """Add a number (K) to the logits of each class, for good."""
    bias = net.last_bias
    assert isinstance(bias, Tensor), f"{type(net).__name__} states no bias"
    with torch.no_grad():
        bias.view(len(shifts), -1).add_(shifts.to(bias)[:, None])
