"""One pass over the whole mirrored image, without tiles: NumPy pads, and the network runs once."""

import numpy as np
import torch
from torch import nn

NUM_TAPS = 4


def whole_image_logits(net: nn.Module, image: np.ndarray) -> np.ndarray:
    """Logits (K, H, W) for every pixel of an image (C, H, W), or of a volume, whatever its size."""
    padding = [(0, 0)]
    for length, geometry in zip(image.shape[1:], net.geometries, strict=True):
        side = geometry.min_input
        while side < length + 2 * geometry.context:
            side += geometry.phase
        padding.append((geometry.context, side - length - geometry.context))
    mirrored = np.pad(image, padding, mode="reflect")  # NumPy mirrors again and again where the image is short
    with torch.inference_mode():
        logits = net(torch.from_numpy(mirrored)[None])[0].numpy()
    return logits[:, *(slice(length) for length in image.shape[1:])]


def make_exact(net: nn.Module, seed: int) -> nn.Module:
    """Give a network weights with which float64 computes without any rounding, in whatever order it sums.

    Each neuron adds and subtracts four of its inputs, so a number grows by at most four a layer: on integers, 20 layers
    stay below 2^53. Kernels that interpolate bilinearly keep their sixteenths. So any difference between two ways
    of computing is a difference between the ways.
    """
    rng = np.random.default_rng(seed)
    for layer in net.modules():
        is_up = isinstance(layer, nn.ConvTranspose2d | nn.ConvTranspose3d)
        if not (is_up or isinstance(layer, nn.Conv2d | nn.Conv3d)) or (layer.bias is None and layer.padding[0]):
            continue  # the comparator's interpolation
        # One row a neuron: an up-convolution has one for each place in its 2x2 kernel.
        shape = tuple(layer.weight.shape)
        places = int(np.prod(shape[2:]))
        neurons, inputs = (shape[1] * places, shape[0]) if is_up else (shape[0], int(np.prod(shape[1:])))
        taps = np.zeros((neurons, inputs))
        for row in taps:
            chosen = rng.choice(inputs, min(NUM_TAPS, inputs), replace=False)
            row[chosen] = rng.choice([-1, 1], len(chosen))
        weight = np.moveaxis(taps.reshape(shape[1], *shape[2:], shape[0]), -1, 0) if is_up else taps.reshape(shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight.copy()))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(rng.integers(-2, 3, layer.bias.shape)))
    _spread_to_about_one(net, rng)
    return net


def _spread_to_about_one(net: nn.Module, rng: np.random.Generator) -> None:
    """Shift the logits by whole numbers and multiply them by a power of two, exact as well.

    No class is then far ahead of the others everywhere, and probabilities tell the logits apart.
    """
    sides = [geometry.min_input + 4 * geometry.phase for geometry in net.geometries]
    logits = whole_image_logits(net, rng.integers(-4, 5, (net.config.in_channels, *sides)).astype(np.float64))
    space = tuple(range(1, logits.ndim))
    spread = (logits - logits.mean(axis=0)).std(axis=space).max()
    last = net.classify if hasattr(net, "classify") else net.score[0]
    with torch.no_grad():
        last.bias.sub_(torch.from_numpy(logits.mean(axis=space).round()))
        for name, weight in net.named_parameters():
            if name.startswith(("classify", "score")):
                weight.mul_(2.0 ** -np.round(np.log2(spread)))
