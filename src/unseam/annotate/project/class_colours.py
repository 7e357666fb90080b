"""The colours of classes on the screen."""

COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#f0e442")
"""Colours that colour-blind people tell apart: Okabe and Ito, "Color Universal Design" (2008), without black."""


def colour_of(value: int) -> str:
    """Return the colour that a class gets unless the user chooses one."""
    return COLOURS[value % len(COLOURS)]
