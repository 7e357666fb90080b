"""Whether the pixels of images have about the size of those that a network learnt from."""

SpacingUm = tuple[float, float]
"""Size of a pixel (row, column), micrometres."""


def describe_other_size(spacing_um: SpacingUm | None, trained_um: SpacingUm | None) -> str:
    """Return both sizes in words if they differ by more than a third; empty if not, or if one is not known.

    >>> describe_other_size((0.5, 0.5), (0.13, 0.13))
    'its pixels are 0.5 um, those of the training images 0.13 um'
    """
    if spacing_um is None or trained_um is None or 0.67 < spacing_um[0] / trained_um[0] < 1.5:
        return ""
    return f"its pixels are {spacing_um[0]:g} um, those of the training images {trained_um[0]:g} um"
