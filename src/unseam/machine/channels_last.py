"""The order in which convolutions are fastest: all channels of a pixel side by side."""

import torch


def channels_last(num_axes: int) -> torch.memory_format:
    """Return PyTorch's name for it; ``num_axes`` is 2, or 3 for volumes."""
    return torch.channels_last_3d if num_axes == 3 else torch.channels_last
