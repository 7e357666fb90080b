"""The networks of unseam for programs without unseam: this file needs PyTorch alone, and goes into every package.

::

    image (B, C, H, W) --> maps (B, K, H, W)      any H and W; grey values normalised; maps are usually probabilities

Inside are the mirrored border, the phase grid of the poolings, the mean over flips or networks, and the soft-max. So the
result for a whole image is that of unseam, and so is that of a part of the image if the part begins at a multiple of
``phase`` px and brings ``halo`` px of the image on each side, which are then cut off the result.

The weights have the names that they have in ``model.safetensors``. TorchScript compiles this file too; it knows no ``zip`` with
``strict``, and no method of a parent by ``super``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mirrored(length: int, context: int, phase: int, shortest: int, device: torch.device) -> Tensor:
    """Return the places that an axis of ``length`` px is read at, to give the network an admissible length.

    ``context`` px stand before the image, and as many or more behind it. The border pixel is not repeated: dcb|abcd|cba.
    An axis that is shorter than the context is mirrored again and again.
    """
    count = shortest + (length + 2 * context - shortest + phase - 1) // phase * phase
    last = length - 1
    period = torch.full((1,), max(2 * last, 1), dtype=torch.int64, device=device)  # a tensor: ONNX has no remainder of a number
    place = torch.remainder(torch.arange(count, device=device) - context, period)
    return last - (place - last).abs()


def double_convolution(before: int, width: int) -> nn.Sequential:
    """Return two 3x3 valid convolutions, each followed by a ReLU."""
    return nn.Sequential(nn.Conv2d(before, width, 3), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU())


def without_margin(features: Tensor, margin: int) -> Tensor:
    """Return a map without ``margin`` px on each side."""
    return features[:, :, margin:-margin, margin:-margin]


class Segmenter(nn.Module):
    """What all networks of this file have in common: from an image to maps of the same size.

    Parameters
    ----------
    depth
        Number of poolings.
    lost_on_raising, lost_after_copy
        Pixels of length that the expansive path loses at each level, before and after the copy: 0 and 4 in the U-Net, 2 and 0
        in the FCN.
    resolution
        ``full``, or ``half``: the network reads 2x2 px as one.
    head
        What turns logits into maps: ``softmax``.
    average
        ``none``, or ``flips``: the mean over the eight quarter turns and mirror images, for eight times the work.
    """

    def __init__(
        self, depth: int, lost_on_raising: int, lost_after_copy: int, resolution: str, head: str, average: str
    ) -> None:
        super().__init__()
        assert resolution in ("full", "half"), resolution
        assert head == "softmax", head
        assert average in ("none", "flips"), average
        self.margins = [4 + lost_on_raising // 2]
        for _ in range(depth - 1):
            self.margins.append(2 * self.margins[-1] + 4 + lost_on_raising // 2 + lost_after_copy)
        shortest = lost_on_raising + lost_after_copy + 4
        for _ in range(depth):
            shortest = 2 * shortest + 4
        factor = 2 if resolution == "half" else 1
        self.context = factor * (self.margins[-1] + 2 + lost_after_copy // 2)
        self.phase = factor * 2**depth
        self.shortest = factor * shortest
        self.is_half = resolution == "half"
        self.is_averaged = average == "flips"

    def forward(self, image: Tensor) -> Tensor:
        """Return the maps (B, K, H, W) of normalised images (B, C, H, W)."""
        height, width = image.shape[2], image.shape[3]
        rows = mirrored(height, self.context, self.phase, self.shortest, image.device)
        columns = mirrored(width, self.context, self.phase, self.shortest, image.device)
        extended = image.index_select(2, rows).index_select(3, columns)
        maps = self.mean_of_flips(extended) if self.is_averaged else self.maps(extended)
        return maps[:, :, :height, :width]

    def mean_of_flips(self, image: Tensor) -> Tensor:
        """Return the mean maps over four mirror images, upright and transposed."""
        transposed = self.sum_of_flips(image.transpose(2, 3)).transpose(2, 3)
        return (self.sum_of_flips(image) + transposed) / 8

    def sum_of_flips(self, image: Tensor) -> Tensor:
        total = self.maps(image)
        total = total + self.maps(image.flip([2])).flip([2])
        total = total + self.maps(image.flip([3])).flip([3])
        return total + self.maps(image.flip([2, 3])).flip([2, 3])

    def maps(self, image: Tensor) -> Tensor:
        """Return the maps (B, K, H - 2 context, W - 2 context) for an admissible size."""
        # Each network defines its own logits.
        return self.activated(self.logits(image))  # type: ignore[operator]

    def activated(self, logits: Tensor) -> Tensor:
        return F.softmax(logits, dim=1)


class PlainUNet(Segmenter):
    """The U-Net of Ronneberger, Fischer and Brox (2015), Fig. 1: valid convolutions, and copies that are cropped.

    ``released``: as the authors released it, with a ReLU after each up-convolution, of which the last keeps its features.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        first_width: int,
        depth: int,
        resolution: str = "full",
        head: str = "softmax",
        average: str = "none",
        released: bool = False,
    ) -> None:
        super().__init__(depth, 0, 4, resolution, head, average)
        self.is_released = released
        pixels = 4 if self.is_half else 1
        widths = [first_width * 2**level for level in range(depth + 1)]
        before = [in_channels * pixels, *widths[:-1]]
        self.contracting = nn.ModuleList([double_convolution(b, w) for b, w in zip(before, widths, strict=True)])
        raised = [width // 2 for width in widths[:0:-1]]
        if released:
            raised[-1] = widths[1]
        self.up = nn.ModuleList([nn.ConvTranspose2d(w, r, 2, 2) for w, r in zip(widths[:0:-1], raised, strict=True)])
        self.expansive = nn.ModuleList([double_convolution(r + w, w) for r, w in zip(raised, widths[-2::-1], strict=True)])
        self.classify = nn.Conv2d(first_width, out_channels * pixels, 1)

    def logits(self, image: Tensor) -> Tensor:
        features = F.pixel_unshuffle(image, 2) if self.is_half else image
        copied: list[Tensor] = []
        for level, convolutions in enumerate(self.contracting):
            features = convolutions(F.max_pool2d(features, 2) if level > 0 else features)
            copied.append(features)
        for level, (up, convolutions) in enumerate(zip(self.up, self.expansive)):  # noqa: B905
            raised = up(features)
            if self.is_released:
                raised = F.relu(raised)
            features = convolutions(torch.cat([raised, without_margin(copied[-2 - level], self.margins[level])], dim=1))
        logits = self.classify(features)
        return F.pixel_shuffle(logits, 2) if self.is_half else logits


class PlainFCN(Segmenter):
    """The fully convolutional network that the U-Net extends: score maps, raised and added."""

    def __init__(
        self, in_channels: int, out_channels: int, first_width: int, depth: int, head: str = "softmax", average: str = "none"
    ) -> None:
        super().__init__(depth, 2, 0, "full", head, average)
        widths = [first_width * 2**level for level in range(depth + 1)]
        before = [in_channels, *widths[:-1]]
        self.contracting = nn.ModuleList([double_convolution(b, w) for b, w in zip(before, widths, strict=True)])
        self.score = nn.ModuleList([nn.Conv2d(width, out_channels, 1) for width in widths])
        up = [nn.ConvTranspose2d(out_channels, out_channels, 4, 2, padding=2, bias=False) for _ in range(depth)]
        self.up = nn.ModuleList(up)

    def logits(self, image: Tensor) -> Tensor:
        features = image
        scores: list[Tensor] = []
        for level, (convolutions, score) in enumerate(zip(self.contracting, self.score)):  # noqa: B905
            features = convolutions(F.max_pool2d(features, 2) if level > 0 else features)
            scores.append(score(features))
        logits = scores[-1]
        for level, up in enumerate(self.up):
            logits = up(logits) + without_margin(scores[-2 - level], self.margins[level])
        return logits


class PlainEnsemble(Segmenter):
    """The mean of the maps of several networks of one kind, ``PlainUNet`` or ``PlainFCN``, with the same settings."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        members: int,
        network: str,
        in_channels: int,
        out_channels: int,
        first_width: int,
        depth: int,
        resolution: str = "full",
        head: str = "softmax",
        average: str = "none",
    ) -> None:
        lost = (0, 4) if network == "PlainUNet" else (2, 0)
        super().__init__(depth, *lost, resolution, head, average)
        sizes = (in_channels, out_channels, first_width, depth)
        is_unet = network == "PlainUNet"
        parts = [PlainUNet(*sizes, resolution, head) if is_unet else PlainFCN(*sizes, head) for _ in range(members)]
        self.members = nn.ModuleList(parts)

    def maps(self, image: Tensor) -> Tensor:
        total = torch.zeros(1, device=image.device)
        for member in self.members:
            total = total + member.maps(image)  # type: ignore[operator]
        return total / len(self.members)
