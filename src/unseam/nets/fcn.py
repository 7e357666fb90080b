"""The fully convolutional network that the U-Net extends, for comparison.

The contracting path is the same. The expansive path carries class scores instead of features: it turns the features of each
level into score maps, upsamples them by two and adds them; it concatenates nothing.
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unseam.geometry import Geometry, path_geometry
from unseam.nets.base import Net
from unseam.nets.blocks import Normalisation, contracting_path, crop, draw_weights
from unseam.settings import check_range


@dataclass(frozen=True)
class FCNConfig:
    """Settings of the fully convolutional network, with the meaning that they have in :class:`unseam.nets.unet.UNetConfig`."""

    in_channels: int = 1
    num_classes: int = 2
    first_width: int = 64
    depth: int = 4
    dropout: float = 0.5
    normalisation: Normalisation = "none"

    def __post_init__(self) -> None:
        check_range("fcn", "in_channels", self.in_channels, 1, 1024)
        check_range("fcn", "num_classes", self.num_classes, 2, 255)
        check_range("fcn", "first_width", self.first_width, 1, 512)
        check_range("fcn", "depth", self.depth, 1, 7)
        check_range("fcn", "dropout", self.dropout, 0.0, 0.95)

    def build(self) -> "FCN":
        return FCN(**asdict(self))


def bilinear_kernel() -> Float[Tensor, "4 4"]:
    """Return the kernel with which a transposed convolution of stride 2 interpolates bilinearly."""
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    return line[:, None] * line[None, :]


class FCN(Net):
    """Long, Shelhamer and Darrell's network on the U-Net's contracting path: score maps upsampled and summed.

    Parameters
    ----------
    in_channels, num_classes, first_width, depth, dropout, normalisation
        See :class:`FCNConfig`.

    Source: paper, section 1 (the network that the U-Net extends); Long et al. 2015, "Fully convolutional networks for
    semantic segmentation".

    Departs: Long et al. pad the input by 100 px and crop at the end. We use valid operations only, so that tiles fit as they
    do for the U-Net, and drop the rim of each transposed convolution, whose pixels saw half of the kernel.
    """

    config: FCNConfig

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        first_width: int = 64,
        depth: int = 4,
        dropout: float = 0.5,
        normalisation: Normalisation = "none",
    ) -> None:
        super().__init__()
        self.config = FCNConfig(in_channels, num_classes, first_width, depth, dropout, normalisation)
        widths = [first_width * 2**level for level in range(depth + 1)]

        self.contracting = contracting_path(in_channels, widths, normalisation)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.drop = nn.Dropout(dropout)
        self.score = nn.ModuleList(nn.Conv2d(width, num_classes, kernel_size=1) for width in widths)
        # padding=2 drops the rim: a length n becomes 2 n - 2.
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(num_classes, num_classes, kernel_size=4, stride=2, padding=2, bias=False) for _ in range(depth)
        )
        draw_weights(self)
        with torch.no_grad():
            for weight in self.up.parameters():
                weight.copy_(torch.eye(num_classes)[:, :, None, None] * bilinear_kernel())

    def forward(self, image: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """Return logits (B, K, H - 2 context, W - 2 context) for a normalised image (B, C, H, W).

        Raises
        ------
        SizeError
            If H or W cannot pass; the message names the nearest sizes that can.
        """
        self.check_size(image)

        scores: list[Tensor] = []
        features_BCHW = image
        for level, double_convolution in enumerate(self.contracting):
            features_BCHW = double_convolution(self.pool(features_BCHW) if level else features_BCHW)
            if level >= self.config.depth - 1:
                features_BCHW = self.drop(features_BCHW)
            scores.append(self.score[level](features_BCHW))
        logits_BKHW = scores.pop()
        for up in self.up:
            logits_BKHW = up(logits_BKHW)
            logits_BKHW = logits_BKHW + crop(scores.pop(), *logits_BKHW.shape[-2:])
        return logits_BKHW

    @property
    def last_bias(self) -> Tensor:
        finest: nn.Conv2d = self.score[0]  # type: ignore[assignment]
        assert finest.bias is not None
        return finest.bias

    @property
    def geometry(self) -> Geometry:
        """How the network changes sizes: it loses 4 px per level on the way down and 2 px per step on the way up."""
        return path_geometry(self.config.depth, lost_in_double_convolution=4, lost_in_up_step=2)
