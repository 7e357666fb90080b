"""One pass over the whole mirrored image, without tiles: NumPy pads, and the network runs once."""

import numpy as np
import torch
from torch import nn

NUM_TAPS = 4


def whole_image_logits(net: nn.Module, image: np.ndarray) -> np.ndarray:
    """Logits (K, H, W) for every pixel of an image (C, H, W), whatever its size."""
    context, smallest, phase = net.geometry.context, net.geometry.min_input, net.geometry.phase
    padding = [(0, 0)]
    for length in image.shape[1:]:
        side = smallest
        while side < length + 2 * context:
            side += phase
        padding.append((context, side - length - context))
    mirrored = np.pad(image, padding, mode="reflect")  # NumPy mirrors again and again where the image is short
    with torch.inference_mode():
        logits = net(torch.from_numpy(mirrored)[None])[0].numpy()
    return logits[:, : image.shape[1], : image.shape[2]]


def make_exact(net: nn.Module, seed: int) -> nn.Module:
    """Give a network weights with which float64 computes without any rounding, in whatever order it sums.

    Each neuron adds and subtracts four of its inputs, so a number grows by at most four a layer: on integers, 20 layers
    stay below 2^53. Kernels that interpolate bilinearly keep their sixteenths. So any difference between two ways
    of computing is a difference between the ways.
    """
    rng = np.random.default_rng(seed)
    for layer in net.modules():
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) or layer.bias is None:
            continue  # the comparator's interpolation has no bias
        is_up = isinstance(layer, nn.ConvTranspose2d)
        # One row a neuron: an up-convolution has one for each place in its 2x2 kernel.
        shape = tuple(layer.weight.shape)
        neurons, inputs = (shape[1] * 4, shape[0]) if is_up else (shape[0], int(np.prod(shape[1:])))
        taps = np.zeros((neurons, inputs))
        for row in taps:
            chosen = rng.choice(inputs, min(NUM_TAPS, inputs), replace=False)
            row[chosen] = rng.choice([-1, 1], len(chosen))
        weight = taps.reshape(shape[1], 2, 2, shape[0]).transpose(3, 0, 1, 2) if is_up else taps.reshape(shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(rng.integers(-2, 3, layer.bias.shape)))
    _spread_to_about_one(net, rng)
    return net


def _spread_to_about_one(net: nn.Module, rng: np.random.Generator) -> None:
    """Shift the logits by whole numbers and multiply them by a power of two, exact as well.

    No class is then far ahead of the others everywhere, and probabilities tell the logits apart.
    """
    side = net.geometry.min_input + 4 * net.geometry.phase
    logits = whole_image_logits(net, rng.integers(-4, 5, (net.config.in_channels, side, side)).astype(np.float64))
    spread = (logits - logits.mean(axis=0)).std(axis=(1, 2)).max()
    last = net.classify if hasattr(net, "classify") else net.score[0]
    with torch.no_grad():
        last.bias.sub_(torch.from_numpy(logits.mean(axis=(1, 2)).round()))
        for name, weight in net.named_parameters():
            if name.startswith(("classify", "score")):
                weight.mul_(2.0 ** -np.round(np.log2(spread)))
