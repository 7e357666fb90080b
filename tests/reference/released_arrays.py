"""The layers of the authors' release (phseg_v5) as a table of shapes, and a network of these shapes set by hand."""

import numpy as np
import torch

RELEASE = {
    "conv_d0a-b": (64, 1, 3, 3), "conv_d0b-c": (64, 64, 3, 3),
    "conv_d1a-b": (128, 64, 3, 3), "conv_d1b-c": (128, 128, 3, 3),
    "conv_d2a-b": (256, 128, 3, 3), "conv_d2b-c": (256, 256, 3, 3),
    "conv_d3a-b": (512, 256, 3, 3), "conv_d3b-c": (512, 512, 3, 3),
    "conv_d4a-b": (1024, 512, 3, 3), "conv_d4b-c": (1024, 1024, 3, 3),
    "upconv_d4c_u3a": (1024, 512, 2, 2), "conv_u3b-c": (512, 1024, 3, 3), "conv_u3c-d": (512, 512, 3, 3),
    "upconv_u3d_u2a": (512, 256, 2, 2), "conv_u2b-c": (256, 512, 3, 3), "conv_u2c-d": (256, 256, 3, 3),
    "upconv_u2d_u1a": (256, 128, 2, 2), "conv_u1b-c": (128, 256, 3, 3), "conv_u1c-d": (128, 128, 3, 3),
    "upconv_u1d_u0a": (128, 128, 2, 2), "conv_u0b-c": (64, 192, 3, 3), "conv_u0c-d": (64, 64, 3, 3),
    "conv_u0d-score": (2, 64, 1, 1),
}  # fmt: skip
"""Shape of each weight; an up-convolution has its inputs first."""


def arrays(width: int = 64, channels: int = 1, classes: int = 2, seed: int = 0) -> dict[str, list[np.ndarray]]:
    """Weight and bias of each layer, drawn; ``width`` is 64 in the release and divides all but channels and classes."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in RELEASE.items():
        first, second, *side = (*(length * width // 64 for length in shape[:2]), *shape[2:])
        first = classes if name == "conv_u0d-score" else first
        second = channels if name == "conv_d0a-b" else second
        outputs, inputs = (second, first) if name.startswith("up") else (first, second)
        deviation = np.sqrt(2 / (inputs * (1 if name.startswith("up") else side[0] * side[1])))
        weight = rng.standard_normal((first, second, *side), np.float32) * np.float32(deviation)
        found[name] = [weight, 0.1 * rng.standard_normal(outputs, np.float32)]
    return found


def logits(layers: dict[str, list[np.ndarray]], image: torch.Tensor) -> torch.Tensor:
    """The release's network, operation by operation as its definition lists them, in evaluation; image (B, C, H, W)."""

    def convolved(name: str, maps: torch.Tensor) -> torch.Tensor:
        weight, bias = (torch.from_numpy(array).to(maps.dtype) for array in layers[name])
        convolve = torch.nn.functional.conv_transpose2d if name.startswith("up") else torch.nn.functional.conv2d
        result = convolve(maps, weight, bias, stride=2 if name.startswith("up") else 1)
        return result if name == "conv_u0d-score" else result.relu()

    copies = []
    maps = image
    for level in range(5):
        maps = convolved(f"conv_d{level}b-c", convolved(f"conv_d{level}a-b", maps))
        if level < 4:
            copies.append(maps)
            maps = torch.nn.functional.max_pool2d(maps, 2)
    for level, up in zip((3, 2, 1, 0), ("d4c_u3a", "u3d_u2a", "u2d_u1a", "u1d_u0a"), strict=True):
        maps = convolved(f"upconv_{up}", maps)
        copy, (height, width) = copies[level], maps.shape[-2:]
        top, left = (copy.shape[-2] - height) // 2, (copy.shape[-1] - width) // 2
        maps = torch.cat([maps, copy[..., top : top + height, left : left + width]], dim=1)
        maps = convolved(f"conv_u{level}c-d", convolved(f"conv_u{level}b-c", maps))
    return convolved("conv_u0d-score", maps)


def set_by_hand(net: torch.nn.Module, layers: dict[str, list[np.ndarray]]) -> torch.nn.Module:
    """Set each weight of the network from the array of its layer, by attribute and not through the table of names."""
    blocks = [*net.contracting]
    modules = [blocks[level][layer] for level in range(5) for layer in (0, 2)]
    for up, block in zip(net.up, net.expansive, strict=True):
        modules += [up, block[0], block[2]]
    with torch.no_grad():
        for module, (weight, bias) in zip([*modules, net.classify], layers.values(), strict=True):
            module.weight.copy_(torch.from_numpy(weight))
            module.bias.copy_(torch.from_numpy(bias))
    return net.eval()
