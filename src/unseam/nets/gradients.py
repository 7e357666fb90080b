"""The mathematics of the blocks of Fig. 1 with hand-written gradients, for training on a CPU.

PyTorch spends over half of a training step on a CPU on the gradients of convolutions. Three things differ here. None changes
what is computed, only the order of the sums:

- The gradient of a weight is a sum over the pixels of a map. A large map is summed in strips of rows, each small enough to
  stay in the cache, and strips are added in float32. A layer that sees few channels, such as the first, is one matrix product
  instead, since the library's convolution reaches a hundredth of the machine's rate there.
- The gradients of an up-convolution of stride 2 are one matrix product each.
- A map that is both pooled and copied across gets one gradient: that of the pooling, with that of the copy added in its centre.

:mod:`unseam.nets.cpu_training` puts these functions in place of the blocks.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

_LARGE_BYTES = 24 * 2**20
"""Maps that together take more do not fit the cache of a core complex, and are summed in strips."""

_STRIP_BYTES = 6 * 2**20
"""Size of a strip. Measured: 4 to 8 MB are best or nearly so, for maps of 64 to 256 features."""

_FEW_CHANNELS = 4
"""A layer with at most this many channels is computed as one matrix product: that of an image of up to four channels."""


def convolution_with_relu(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute a 3x3 valid convolution and its ReLU: (B, C, H, W) -> (B, width, H - 2, W - 2)."""
    result: Tensor = _ConvolutionWithReLU.apply(features, weight, bias, _number_format(features))
    return result


def convolution_with_normalisation(
    features: Tensor, weight: Tensor, gain: Tensor, offset: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute a 3x3 valid convolution without bias, its batch normalisation and its ReLU, as :func:`convolution_with_relu`.

    Also return mean and variance (C) of each feature over the batch; the variance is that of a sample (n - 1).
    """
    dtype = _number_format(features)
    result, mean, variance = _ConvolutionWithNormalisation.apply(features, weight, gain, offset, epsilon, dtype)
    return result, mean, variance


def up_convolution(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute a transposed 2x2 convolution of stride 2: (B, C, H, W) -> (B, width, 2 H, 2 W)."""
    result: Tensor = _UpConvolution.apply(features, weight, bias, _number_format(features))
    return result


def pool_and_copy(features: Tensor, margin: int) -> tuple[Tensor, Tensor]:
    """Return the 2x2 max-pooling of a map, and the map without ``margin`` px on each side."""
    pooled, copied = _PooledAndCopied.apply(features, margin)
    return pooled, copied


def _number_format(features: Tensor) -> torch.dtype:
    """Return the number format that autocast computes in; without autocast that of the features."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else features.dtype


class _ConvolutionWithReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, weight, bias, dtype):  # type: ignore[no-untyped-def]
        x_BCHW, kernel = features.to(dtype), weight.to(dtype)
        # The tensors have their final format here; autocast would choose one for each operation.
        with torch.autocast("cpu", enabled=False):
            if kernel.shape[1] <= _FEW_CHANNELS:
                y_BKHW = _as_one_product(x_BCHW, kernel, bias.to(dtype)).relu_()
            else:
                y_BKHW = F.conv2d(x_BCHW, kernel, bias.to(dtype)).relu_()
        ctx.save_for_backward(x_BCHW, kernel, y_BKHW)
        ctx.formats = features.dtype, weight.dtype, bias.dtype
        return y_BKHW

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        x_BCHW, kernel, y_BKHW = ctx.saved_tensors
        needs_input, needs_weight, needs_bias, _ = ctx.needs_input_grad
        # The result of a ReLU says where its input was positive, so the map before it need not be kept.
        gradient = torch.ops.aten.threshold_backward(gradient, y_BKHW, 0)
        of_input = of_weight = of_bias = None
        if needs_input:  # the image needs none, and its layer has the largest maps
            of_input = _of_input(gradient, x_BCHW, kernel).to(ctx.formats[0])
        if needs_weight or needs_bias:
            of_weight, of_bias = _sums(gradient, x_BCHW, kernel)
            of_weight, of_bias = of_weight.to(ctx.formats[1]), of_bias.to(ctx.formats[2])
        return of_input, of_weight, of_bias, None


class _ConvolutionWithNormalisation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, weight, gain, offset, epsilon, dtype):  # type: ignore[no-untyped-def]
        x_BCHW, kernel = features.to(dtype), weight.to(dtype)
        mean, variance = torch.zeros_like(gain), torch.ones_like(gain)
        with torch.autocast("cpu", enabled=False):
            if kernel.shape[1] <= _FEW_CHANNELS:
                y_BKHW = _as_one_product(x_BCHW, kernel, kernel.new_zeros(len(kernel)))
            else:
                y_BKHW = F.conv2d(x_BCHW, kernel)
            # Sums are float32 also where maps are bfloat16. Nothing normalised is kept: the gradient computes it again from y.
            z_BKHW, *saved = torch.native_batch_norm(y_BKHW, gain, offset, mean, variance, True, 1.0, epsilon)
            z_BKHW.relu_()
        # z is kept for its signs. It costs no memory, since the next layer keeps it as its input.
        ctx.save_for_backward(x_BCHW, kernel, y_BKHW, z_BKHW, gain, *saved)
        ctx.formats, ctx.epsilon = (features.dtype, weight.dtype), epsilon
        ctx.mark_non_differentiable(mean, variance)
        return z_BKHW, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, *_):  # type: ignore[no-untyped-def]
        x_BCHW, kernel, y_BKHW, z_BKHW, gain, mean, inverse_deviation = ctx.saved_tensors
        needs_input, needs_weight, *needs_learnt = ctx.needs_input_grad[:4]
        gradient = torch.ops.aten.threshold_backward(gradient, z_BKHW, 0)
        gradient, of_gain, of_offset = torch.ops.aten.native_batch_norm_backward(
            gradient, y_BKHW, gain, None, None, mean, inverse_deviation, True, ctx.epsilon, [True, *needs_learnt]
        )
        of_input = _of_input(gradient, x_BCHW, kernel).to(ctx.formats[0]) if needs_input else None
        of_weight = _sums(gradient, x_BCHW, kernel)[0].to(ctx.formats[1]) if needs_weight else None
        return of_input, of_weight, of_gain, of_offset, None, None


def _of_input(gradient: Tensor, features: Tensor, kernel: Tensor) -> Tensor:
    result: Tensor = torch.ops.aten.convolution_backward(
        gradient, features, kernel, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False]
    )[0]
    return result


def _of_weight_and_bias(gradient: Tensor, features: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    _, of_weight, of_bias = torch.ops.aten.convolution_backward(
        gradient, features, kernel, [len(kernel)], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [False, True, True]
    )
    return of_weight, of_bias


def _sums(gradient: Tensor, features: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of weight and bias, each summed over the pixels of the map."""
    of_layer = _sums_as_one_product if kernel.shape[1] <= _FEW_CHANNELS else _sums_in_strips
    return of_layer(gradient, features, kernel)


def _sums_in_strips(gradient: Tensor, features: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of weight and bias; those of a large map are summed over strips of its rows."""
    batch, _, height, width = gradient.shape
    row_bytes = width * sum(kernel.shape[:2]) * gradient.element_size()
    # With channels last a strip of rows is one piece of memory; in another layout each strip would have to be copied first.
    if batch * height * row_bytes <= _LARGE_BYTES or not features.is_contiguous(memory_format=torch.channels_last):
        return _of_weight_and_bias(gradient, features, kernel)
    num_strips = max(1, round(height * row_bytes / _STRIP_BYTES))
    rows = -(-height // num_strips)
    # bfloat16 keeps 8 bits: sums of many strips would lose the small ones.
    exact = torch.promote_types(kernel.dtype, torch.float32)
    of_weight, of_bias = torch.zeros_like(kernel, dtype=exact), torch.zeros(kernel.shape[0], dtype=exact)
    for image in range(batch):
        x_1CHW, gradient_1KHW = features[image : image + 1], gradient[image : image + 1]
        for top in range(0, height, rows):
            strip = gradient_1KHW[:, :, top : top + rows]
            # Strips of the gradient do not overlap, but their inputs do: the kernel sees two rows more than it gives.
            seen = x_1CHW[:, :, top : top + strip.shape[2] + kernel.shape[2] - 1]
            part, part_of_bias = _of_weight_and_bias(strip, seen, kernel)
            of_weight += part
            of_bias += part_of_bias
    return of_weight, of_bias


def _windows(image: Tensor, rows: int, columns: int) -> Tensor:
    """Return what each of the 3x3 kernel places sees of (C, H, W), and last ones for the bias: (9 C + 1, rows, columns)."""
    seen = image.new_empty(9 * image.shape[0] + 1, rows, columns)
    places = seen[:-1].view(image.shape[0], 3, 3, rows, columns)
    for i in range(3):
        for j in range(3):
            places[:, i, j] = image[:, i : i + rows, j : j + columns]
    seen[-1] = 1
    return seen


def _as_one_product(features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Compute a valid convolution of few channels."""
    batch, _, height, width = features.shape
    rows, columns = height - 2, width - 2
    weights = torch.cat([kernel.reshape(len(kernel), -1), bias[:, None]], dim=1).t()
    result_BHWK = features.new_empty(batch, rows * columns, len(kernel))
    for image, out in zip(features, result_BHWK, strict=True):
        torch.mm(_windows(image, rows, columns).flatten(1).t(), weights, out=out)
    return result_BHWK.view(batch, rows, columns, -1).permute(0, 3, 1, 2)


def _sums_as_one_product(gradient: Tensor, features: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of weight and bias of a layer that sees few channels."""
    rows, columns = gradient.shape[-2:]
    exact = torch.promote_types(kernel.dtype, torch.float32)
    sums = torch.zeros(kernel[0].numel() + 1, len(kernel), dtype=exact)
    for image, of_image in zip(features, gradient, strict=True):
        pixels = of_image.permute(1, 2, 0).reshape(rows * columns, -1)
        sums += _windows(image, rows, columns).flatten(1) @ pixels
    return sums[:-1].t().reshape(kernel.shape), sums[-1]


class _UpConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, weight, bias, dtype):  # type: ignore[no-untyped-def]
        x_BCHW, kernel = features.to(dtype), weight.to(dtype)
        ctx.save_for_backward(x_BCHW, kernel)
        ctx.formats = features.dtype, weight.dtype, bias.dtype
        with torch.autocast("cpu", enabled=False):
            return F.conv_transpose2d(x_BCHW, kernel, bias.to(dtype), stride=2)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        x_BCHW, kernel = ctx.saved_tensors
        batch, channels, height, width = x_BCHW.shape
        # With stride 2 and a 2x2 kernel no two input pixels share an output pixel. One row holds the four gradients of an
        # input pixel, so that both gradients are plain matrix products, which run at the full rate of the machine.
        spread = gradient.permute(0, 2, 3, 1).unflatten(1, (height, 2)).unflatten(3, (width, 2))
        spread = spread.transpose(2, 3).reshape(batch * height * width, -1)
        pixels = x_BCHW.permute(0, 2, 3, 1).reshape(-1, channels)
        matrix = kernel.permute(0, 2, 3, 1).reshape(channels, -1)
        of_input = (spread @ matrix.t()).view(batch, height, width, channels).permute(0, 3, 1, 2)
        of_weight = (pixels.t() @ spread).view(channels, 2, 2, -1).permute(0, 3, 1, 2)
        exact = torch.promote_types(kernel.dtype, torch.float32)
        of_bias = spread.sum(0, dtype=exact).view(4, -1).sum(0)
        return of_input.to(ctx.formats[0]), of_weight.to(ctx.formats[1]), of_bias.to(ctx.formats[2]), None


class _PooledAndCopied(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, margin):  # type: ignore[no-untyped-def]
        pooled, places = F.max_pool2d(features, 2, stride=2, return_indices=True)
        ctx.save_for_backward(features, places)
        ctx.margin = margin
        return pooled, _without_margin(features, margin)

    @staticmethod
    @once_differentiable
    def backward(ctx, of_pooled, of_copied):  # type: ignore[no-untyped-def]
        features, places = ctx.saved_tensors
        pool = torch.ops.aten.max_pool2d_with_indices_backward
        gradient = pool(of_pooled, features, [2, 2], [2, 2], [0, 0], [1, 1], False, places)
        # In place, into a view of the pooling's gradient: no second map, which would be zero outside of the centre.
        _without_margin(gradient, ctx.margin).add_(of_copied)
        return gradient, None


def _without_margin(features: Tensor, margin: int) -> Tensor:
    height, width = features.shape[-2:]
    return features[..., margin : height - margin, margin : width - margin]
