"""The U-Net: Fig. 1 of the paper, read from the upper left to the upper right.

The names of tensors carry their axes: B batch, C channel, H row, W column, K class. Those of a volume have D planes before H.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unseam.errors import SettingsError
from unseam.geometry import Geometry, path_geometry
from unseam.nets.base import Net
from unseam.nets.blocks import (
    DoubleConvolution,
    Normalisation,
    convolution,
    crop,
    draw_weights,
    make_up_convolution,
    max_pooling,
)
from unseam.settings import check_range

Resolution = Literal["full", "half", "auto"]
"""``half``: all maps of the network have half the side of the image. ``auto``: training chooses from the annotation; a network
that is built without training is ``full``."""

Doubling = Literal["after", "before"]
"""Where features double on the way down. ``after``: behind a pooling, as in Fig. 1. ``before``: in the second convolution
before it, as in the 3-D U-Net of 2016, whose up-convolutions keep their number of features and have no bias."""


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
    dims: Literal[2, 3] = 2  # axes of space: 3 for volumes
    flat_levels: int = 0  # of a volume: levels from the image down with kernels 1x3x3 and poolings 1x2x2
    doubling: Doubling = "after"

    def __post_init__(self) -> None:
        check_range("unet", "in_channels", self.in_channels, 1, 1024)
        check_range("unet", "num_classes", self.num_classes, 2, 255)
        check_range("unet", "first_width", self.first_width, 1, 512)
        check_range("unet", "depth", self.depth, 1, 7)
        check_range("unet", "dropout", self.dropout, 0.0, 0.95)
        check_range("unet", "flat_levels", self.flat_levels, 0, self.depth)
        if self.dims == 2 and self.flat_levels:
            raise SettingsError("unet.flat_levels: only volumes have flat levels. Set unet.dims to 3 as well, or leave it out.")
        if self.dims == 3 and self.resolution == "half":
            raise SettingsError("unet.resolution: half resolution is for planes. Leave it out for volumes.")

    def along_axes(self, level: int, length: int) -> tuple[int, ...]:
        """Return a length for each axis of a level: 1 along the planes of a flat one."""
        planes = 1 if level < self.flat_levels else length
        return (planes, length, length) if self.dims == 3 else (length, length)

    def build(self) -> "UNet":
        return UNet(**asdict(self))


class UNet(Net):
    """The network of Fig. 1: valid convolutions only, so an input of 572 x 572 px gives an output of 388 x 388.

    Parameters
    ----------
    in_channels, num_classes, first_width, depth, **others
        Those of :class:`UNetConfig`; ``UNet()`` is the paper's.

    Source: paper, section 2 and Fig. 1; drop-out: section 3.1; initial weights: section 3. Volumes: Cicek et al. 2016, Fig. 2,
    which is ``UNet(3, 3, 32, depth=3, dims=3, doubling="before")``.

    Departs: the paper says where drop-out stands ("at the end of the contracting path") but not how much. We follow the
    authors' release: one half, after the last level before the bottom (so the copy across has it, too) and after the bottom.
    At half resolution the image enters with 2x2 px as channels of one and the last layer gives the logits of 2x2 px; all
    between is Fig. 1, for a quarter of the work, and context and phase double. Flat levels are in neither paper.

    Examples
    --------
    >>> net = UNet()
    >>> net.geometry.output_for(572), net.context, net.phase
    (388, 92, 16)
    """

    config: UNetConfig

    def __init__(
        self, in_channels: int = 1, num_classes: int = 2, first_width: int = 64, depth: int = 4, **others: Any
    ) -> None:
        super().__init__()
        self.config = config = UNetConfig(in_channels, num_classes, first_width, depth, **others)
        self.pixels_at_once = 4 if config.resolution == "half" else 1
        doubles_before = config.doubling == "before"
        first = [first_width * 2**level for level in range(depth + 1)]  # features between the two convolutions of each level
        widths = [2 * width for width in first] if doubles_before else first
        raised = widths[1:] if doubles_before else widths[:-1]  # features that reach each level from below
        kernels = [config.along_axes(level, 3) for level in range(depth + 1)]
        factors = [config.along_axes(level, 2) for level in range(depth)]
        from_below = range(depth - 1, -1, -1)

        before = [in_channels * self.pixels_at_once, *widths[:-1]]
        self.contracting = nn.ModuleList(
            DoubleConvolution(before[level], widths[level], config.normalisation, kernels[level], first[level])
            for level in range(depth + 1)
        )
        poolings = {factor: max_pooling(factor) for factor in factors}
        self.pools = nn.ModuleList(poolings[factor] for factor in factors)  # in Fig. 1 all are the same
        self.drop = nn.Dropout(config.dropout)
        self.up = nn.ModuleList(
            make_up_convolution(widths[level + 1], raised[level], factors[level], bias=not doubles_before)
            for level in from_below
        )
        # The input: what comes from below, and what is copied across. In Fig. 1 each is half of it.
        self.expansive = nn.ModuleList(
            DoubleConvolution(raised[level] + widths[level], widths[level], config.normalisation, kernels[level])
            for level in from_below
        )
        self.classify = convolution(widths[0], num_classes * self.pixels_at_once, config.along_axes(0, 1))
        draw_weights(self)

    def forward(self, image: Float[Tensor, "batch channel *space"]) -> Float[Tensor, "batch klass *smaller"]:
        """Return logits for the pixels whose whole context lies in the input.

        Parameters
        ----------
        image
            (B, C, H, W), or a volume (B, C, D, H, W), normalised; :attr:`geometries` knows the admissible lengths.

        Returns
        -------
        logits
            (B, K, H - 2 context, W - 2 context), of a volume with its planes before, before the soft-max.

        Raises
        ------
        SizeError
            If a length cannot pass; the message names the nearest ones that can.
        """
        self.check_size(image)

        *levels, bottom = self.contracting
        copied: list[Tensor] = []
        features_BCHW = self.enter(image)
        for double_convolution, pool in zip(levels, self.pools, strict=True):
            features_BCHW = double_convolution(features_BCHW)
            if double_convolution is levels[-1]:
                features_BCHW = self.drop(features_BCHW)
            copied.append(features_BCHW)
            features_BCHW = pool(features_BCHW)

        features_BCHW = self.drop(bottom(features_BCHW))

        for up, double_convolution in zip(self.up, self.expansive, strict=True):
            raised_BCHW = up(features_BCHW)
            # A name for the copy would keep the largest map of its level in memory during the convolutions.
            concatenated_BCHW = torch.cat([raised_BCHW, crop(copied.pop(), *raised_BCHW.shape[2:])], dim=1)
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
        """How the network changes rows and columns: each double convolution, on both paths, takes 4 px."""
        path = path_geometry(self.config.depth, lost_in_double_convolution=4, lost_in_up_step=4)
        return path.doubled() if self.config.resolution == "half" else path

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        in_plane = self.geometry
        if self.config.dims == 2:
            return in_plane, in_plane
        return path_geometry(self.config.depth, 4, 4, self.config.flat_levels), in_plane, in_plane
