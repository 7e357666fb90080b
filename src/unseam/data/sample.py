"""One annotated image as training sees it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from unseam.shapes import IGNORE, NOT_ANNOTATED


@dataclass(frozen=True)
class Window:
    """A rectangle in the frame of an image: rows ``top..bottom-1``, columns ``left..right-1``, px."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing an array whose last two axes are rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def num_pixels(self) -> int:
        """Its area."""
        return (self.bottom - self.top) * (self.right - self.left)


@dataclass(frozen=True)
class Sample:
    """An image with its annotation; all arrays in the frame of the image.

    Attributes
    ----------
    name
        What the user calls it (the stem of the file).
    image
        Normalised, (C, H, W).
    classes
        True classes (H, W) as the head learns them, ``IGNORE`` where not annotated; so ridges are background here.
    weights
        w(x) of Eq. 2 (H, W).
    instances
        Objects as annotated (H, W), before any ridge was cut; None if the annotation has classes only.
    group
        The file that it is a plane of, or the sequence that it is a frame of; the planes of one file are neighbours, and
        never mixed between training and what judges it. Empty: it stands alone.
    planes
        Further targets of the head (H, W).
    """

    name: str
    image: Float[np.ndarray, "channel height width"]
    classes: UInt8[np.ndarray, "height width"]
    weights: Float[np.ndarray, "height width"]
    instances: Int32[np.ndarray, "height width"] | None = None
    group: str = ""
    planes: tuple[Float32[np.ndarray, "height width"], ...] = ()

    @property
    def window(self) -> Window:
        """All of the image."""
        return Window(0, self.image.shape[1], 0, self.image.shape[2])

    def without(self, window: Window) -> "Sample":
        """The same sample with its annotation inside a window taken away, so that nothing is learnt there.

        Objects that reach into the window are taken away whole: what is left of them would be measured as small objects.
        """
        classes = self.classes.copy()
        classes[window.slices] = IGNORE
        if self.instances is None:
            return replace(self, classes=classes)
        cut = np.unique(self.instances[window.slices])
        instances = np.where(np.isin(self.instances, cut[cut > 0]), np.int32(NOT_ANNOTATED), self.instances)
        instances[window.slices] = NOT_ANNOTATED
        return replace(self, classes=classes, instances=instances)
