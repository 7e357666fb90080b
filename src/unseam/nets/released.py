"""The network that the authors released with the paper (``phseg_v5``, for Caffe), which is not quite that of Fig. 1.

:mod:`unseam.nets.unet` is the paper's. This one exists so that the weights that the authors trained can be used.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unseam.geometry import Geometry, path_geometry
from unseam.nets.base import Net
from unseam.nets.blocks import DoubleConvolution, UpConvolution, contracting_path, crop, draw_weights
from unseam.settings import check_range

LAYERS_OF_RELEASE = {
    "conv_d0a-b": "contracting.0.0", "conv_d0b-c": "contracting.0.2",
    "conv_d1a-b": "contracting.1.0", "conv_d1b-c": "contracting.1.2",
    "conv_d2a-b": "contracting.2.0", "conv_d2b-c": "contracting.2.2",
    "conv_d3a-b": "contracting.3.0", "conv_d3b-c": "contracting.3.2",
    "conv_d4a-b": "contracting.4.0", "conv_d4b-c": "contracting.4.2",
    "upconv_d4c_u3a": "up.0", "conv_u3b-c": "expansive.0.0", "conv_u3c-d": "expansive.0.2",
    "upconv_u3d_u2a": "up.1", "conv_u2b-c": "expansive.1.0", "conv_u2c-d": "expansive.1.2",
    "upconv_u2d_u1a": "up.2", "conv_u1b-c": "expansive.2.0", "conv_u1c-d": "expansive.2.2",
    "upconv_u1d_u0a": "up.3", "conv_u0b-c": "expansive.3.0", "conv_u0c-d": "expansive.3.2",
    "conv_u0d-score": "classify",
}  # fmt: skip
"""The layers with weights, in the order of the release: its name of each (hyphen and underscore as there), and ours."""

DEPTH_OF_RELEASE = 4


@dataclass(frozen=True)
class ReleasedConfig:
    """Settings of the released network, with the meaning that they have in :class:`unseam.nets.unet.UNetConfig`.

    The defaults are those of the release. Its four poolings are fixed.
    """

    in_channels: int = 1
    num_classes: int = 2
    first_width: int = 64
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_range("released", "in_channels", self.in_channels, 1, 1024)
        check_range("released", "num_classes", self.num_classes, 2, 255)
        check_range("released", "first_width", self.first_width, 1, 512)
        check_range("released", "dropout", self.dropout, 0.0, 0.95)

    def build(self) -> "ReleasedUNet":
        return ReleasedUNet(**asdict(self))


class ReleasedUNet(Net):
    """The U-Net of the authors' release: an input of 572 x 572 px gives an output of 388 x 388, as in Fig. 1.

    Parameters
    ----------
    in_channels, num_classes, first_width, dropout
        See :class:`ReleasedConfig`; ``ReleasedUNet()`` has the 31,100,354 weights of the release.

    Source: the network definition and the trained networks that the authors published beside the paper.

    Departs: from the text of the paper, as the release does: a ReLU follows each up-convolution, and the last up-convolution
    keeps 128 features instead of halving them, so 192 enter the last double convolution. From the release: weights that are not
    read from its files are drawn as the paper says, not by Caffe's "xavier" filler.

    Examples
    --------
    >>> net = ReleasedUNet()
    >>> net.geometry.output_for(572), net.context, net.phase, sum(w.numel() for w in net.parameters())
    (388, 92, 16, 31100354)
    """

    config: ReleasedConfig

    def __init__(self, in_channels: int = 1, num_classes: int = 2, first_width: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.config = ReleasedConfig(in_channels, num_classes, first_width, dropout)
        widths = [first_width * 2**level for level in range(DEPTH_OF_RELEASE + 1)]
        raised = [*reversed(widths[1:-1]), widths[1]]  # features of each up-convolution: 512, 256, 128, and 128 again

        self.contracting = contracting_path(in_channels, widths)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.drop = nn.Dropout(dropout)
        self.up = nn.ModuleList(UpConvolution(width, kept) for width, kept in zip(reversed(widths[1:]), raised, strict=True))
        self.expansive = nn.ModuleList(
            DoubleConvolution(kept + width, width) for kept, width in zip(raised, reversed(widths[:-1]), strict=True)
        )
        self.classify = nn.Conv2d(first_width, num_classes, kernel_size=1)
        draw_weights(self)

    def forward(self, image: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """Return logits (B, K, H - 184, W - 184) for a normalised image (B, C, H, W).

        Raises
        ------
        SizeError
            If H or W cannot pass; the message names the nearest sizes that can.
        """
        self.check_size(image)

        *levels, bottom = self.contracting
        copied: list[Tensor] = []
        features_BCHW = image
        for double_convolution in levels:
            features_BCHW = double_convolution(features_BCHW)
            if double_convolution is levels[-1]:
                features_BCHW = self.drop(features_BCHW)  # of the pooled and of the copied map, as in the release
            copied.append(features_BCHW)
            features_BCHW = self.pool(features_BCHW)

        features_BCHW = self.drop(bottom(features_BCHW))

        for up, double_convolution in zip(self.up, self.expansive, strict=True):
            raised_BCHW = F.relu(up(features_BCHW), inplace=True)
            # Caffe of 2015 crops about the centre. A name for the copy would keep the largest map of its level in memory.
            concatenated_BCHW = torch.cat([raised_BCHW, crop(copied.pop(), *raised_BCHW.shape[-2:])], dim=1)
            features_BCHW = double_convolution(concatenated_BCHW)
        return self.classify(features_BCHW)

    @property
    def last_bias(self) -> Tensor:
        assert self.classify.bias is not None
        return self.classify.bias

    @property
    def geometry(self) -> Geometry:
        """How the network changes sizes: as the paper's does."""
        return path_geometry(DEPTH_OF_RELEASE, lost_in_double_convolution=4, lost_in_up_step=4)
