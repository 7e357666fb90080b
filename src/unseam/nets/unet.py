"""The U-Net: Fig. 1 of the paper, read from the upper left to the upper right.

The names of tensors carry their axes: B batch, C channel, H row, W column, K class.
"""

from dataclasses import asdict, dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unseam.geometry import Geometry, path_geometry
from unseam.nets.base import Net
from unseam.nets.blocks import DoubleConvolution, Normalisation, UpConvolution, contracting_path, crop, draw_weights
from unseam.settings import check_range

Resolution = Literal["full", "half", "auto"]
"""``half``: all maps of the network have half the side of the image. ``auto``: training chooses from the annotation; a network
that is built without training is ``full``."""


@dataclass(frozen=True)
class UNetConfig:
    """Settings of the U-Net; the defaults are the paper's. Training sets the first two from the data."""

    in_channels: int = 1  # of the image
    num_classes: int = 2  # background included
    first_width: int = 64  # features of the first level; doubled at each step down
    depth: int = 4  # number of max-poolings
    dropout: float = 0.5  # probability of dropping a feature at the end of the contracting path
    normalisation: Normalisation = "none"  # before each ReLU, while the network trains; a model file has none
    resolution: Resolution = "full"  # half: the first level reads 2x2 px as one, with four times the channels

    def __post_init__(self) -> None:
        check_range("unet", "in_channels", self.in_channels, 1, 1024)
        check_range("unet", "num_classes", self.num_classes, 2, 255)
        check_range("unet", "first_width", self.first_width, 1, 512)
        check_range("unet", "depth", self.depth, 1, 7)
        check_range("unet", "dropout", self.dropout, 0.0, 0.95)

    def build(self) -> "UNet":
        return UNet(**asdict(self))


class UNet(Net):
    """The network of Fig. 1: valid convolutions only, so an input of 572 x 572 px gives an output of 388 x 388.

    Parameters
    ----------
    in_channels, num_classes, first_width, depth, dropout, normalisation, resolution
        See :class:`UNetConfig`; ``UNet()`` is the paper's.

    Source: paper, section 2 and Fig. 1; drop-out: section 3.1; initial weights: section 3.

    Departs: the paper says where drop-out stands ("at the end of the contracting path") but not how much. We follow the
    authors' release: one half, after the last level before the bottom (so the copy across has it, too) and after the bottom.
    At half resolution the image enters with 2x2 px as channels of one and the last layer gives the logits of 2x2 px; all
    between is Fig. 1, for a quarter of the work, and context and phase double.

    Examples
    --------
    >>> net = UNet()
    >>> net.geometry.output_for(572), net.context, net.phase
    (388, 92, 16)
    """

    config: UNetConfig

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        first_width: int = 64,
        depth: int = 4,
        dropout: float = 0.5,
        normalisation: Normalisation = "none",
        resolution: Resolution = "full",
    ) -> None:
        super().__init__()
        self.config = UNetConfig(in_channels, num_classes, first_width, depth, dropout, normalisation, resolution)
        self.pixels_at_once = 4 if resolution == "half" else 1
        widths = [first_width * 2**level for level in range(depth + 1)]

        self.contracting = contracting_path(in_channels * self.pixels_at_once, widths, normalisation)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.drop = nn.Dropout(dropout)
        self.up = nn.ModuleList(UpConvolution(width) for width in reversed(widths[1:]))
        # The input has twice the width: half comes from below, half is copied across.
        self.expansive = nn.ModuleList(DoubleConvolution(2 * width, width, normalisation) for width in reversed(widths[:-1]))
        self.classify = nn.Conv2d(first_width, num_classes * self.pixels_at_once, kernel_size=1)
        draw_weights(self)

    def forward(self, image: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """Return logits for the pixels whose whole context lies in the input.

        Parameters
        ----------
        image
            (B, C, H, W), normalised; :attr:`geometry` knows the admissible H and W.

        Returns
        -------
        logits
            (B, K, H - 2 context, W - 2 context), before the soft-max.

        Raises
        ------
        SizeError
            If H or W cannot pass; the message names the nearest sizes that can.
        """
        for length in image.shape[-2:]:
            self.geometry.output_for(length)

        *levels, bottom = self.contracting
        copied: list[Tensor] = []
        features_BCHW = self.enter(image)
        for double_convolution in levels:
            features_BCHW = double_convolution(features_BCHW)
            if double_convolution is levels[-1]:
                features_BCHW = self.drop(features_BCHW)
            copied.append(features_BCHW)
            features_BCHW = self.pool(features_BCHW)

        features_BCHW = self.drop(bottom(features_BCHW))

        for up, double_convolution in zip(self.up, self.expansive, strict=True):
            raised_BCHW = up(features_BCHW)
            # A name for the copy would keep the largest map of its level in memory during the convolutions.
            concatenated_BCHW = torch.cat([raised_BCHW, crop(copied.pop(), *raised_BCHW.shape[-2:])], dim=1)
            features_BCHW = double_convolution(concatenated_BCHW)
        return self.leave(self.classify(features_BCHW))

    def enter(self, image: Tensor) -> Tensor:
        """Return what the first level reads: the image, or at half resolution its 2x2 px as channels of one."""
        return F.pixel_unshuffle(image, 2) if self.config.resolution == "half" else image

    def leave(self, logits: Tensor) -> Tensor:
        """Return the logits of each pixel: at half resolution the last layer gives those of 2x2 px at once."""
        return F.pixel_shuffle(logits, 2) if self.config.resolution == "half" else logits

    @property
    def last_bias(self) -> Tensor:
        assert self.classify.bias is not None
        return self.classify.bias

    @property
    def geometry(self) -> Geometry:
        """How the network changes sizes: each double convolution, on both paths, takes 4 px."""
        path = path_geometry(self.config.depth, lost_in_double_convolution=4, lost_in_up_step=4)
        return path.doubled() if self.config.resolution == "half" else path
