"""One annotated image in the form that training uses."""

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
        """Index for an array whose axes are rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def num_pixels(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)


@dataclass(frozen=True)
class Sample:
    """An image with its annotation; all arrays in the frame of the image.

    Planes of one group (a stack or sequence) are neighbours that look alike, so they must never be mixed between training
    and validation.
    """

    name: str  # the stem of the file
    image: Float[np.ndarray, "channel height width"]  # normalised
    classes: UInt8[np.ndarray, "height width"]  # target of the head: ridges are background; ``IGNORE`` where not annotated
    weights: Float[np.ndarray, "height width"]  # w(x) of Eq. 2
    instances: Int32[np.ndarray, "height width"] | None = None  # objects as annotated, ridges not cut; None: classes only
    group: str = ""  # the file whose plane it is, or the sequence whose frame it is; empty for a single image
    planes: tuple[Float32[np.ndarray, "height width"], ...] = ()  # further targets of the head
    place: tuple[int, int] | None = None  # of a volume seen from three sides: axis along which it was cut, and number along it

    @property
    def window(self) -> Window:
        return Window(0, self.image.shape[1], 0, self.image.shape[2])

    def without(self, window: Window) -> "Sample":
        """Return the sample without annotation inside a window, so that nothing is learnt there.

        Objects that reach into the window are removed whole: their remains would be measured as small objects.
        """
        classes = self.classes.copy()
        classes[window.slices] = IGNORE
        if self.instances is None:
            return replace(self, classes=classes)
        cut = np.unique(self.instances[window.slices])
        instances = np.where(np.isin(self.instances, cut[cut > 0]), np.int32(NOT_ANNOTATED), self.instances)
        instances[window.slices] = NOT_ANNOTATED
        return replace(self, classes=classes, instances=instances)
