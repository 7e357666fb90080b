"""The result for one image: maps, and the classes and objects that are read from them."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int32, Integer, UInt8

from unseam.heads import Classes, Head, Objects


@dataclass(frozen=True)
class Segmentation:
    """The result for one image; every map is in the frame of the image. Of a volume, the maps have planes before the rows.

    Attributes
    ----------
    probabilities
        (K, H, W), the maps of the head. For classes: after the soft-max.
    objects
        How objects are separated.
    class_values
        The value of each class in the training masks, for example 0 and 255.
    notes
        Remarks about the computation, for example that short memory made the tiles smaller.
    head
        Reads classes and objects from the maps.
    """

    probabilities: Float[np.ndarray, "klass *space"]
    objects: Objects
    class_values: tuple[int, ...]
    notes: tuple[str, ...] = ()
    head: Head = field(default_factory=Classes)

    @cached_property
    def class_indices(self) -> UInt8[np.ndarray, "*space"]:
        """The class of each pixel (H, W), 0 background, 1, 2, ... in the order of the classes."""
        return self.head.classes(self.probabilities)

    @cached_property
    def classes(self) -> Integer[np.ndarray, "*space"]:
        """The likeliest class of each pixel (H, W), with the values of the training masks."""
        values, highest = np.asarray(self.class_values), max(self.class_values)
        kind = np.uint8 if highest < 2**8 else np.int32 if highest < 2**31 else np.int64
        return np.take(values.astype(kind), self.class_indices)  # twice as fast as values[indices]

    @cached_property
    def instances(self) -> Int32[np.ndarray, "height width"]:
        """The objects of the foreground (H, W): 0 background, 1, 2, ..."""
        return self.instances_of(None)

    def instances_of(self, klass: int | None) -> Int32[np.ndarray, "height width"]:
        """Return the objects (H, W) of the class with this index (1: the first after the background); None: of all."""
        return self.objects(self.head.foreground(self.probabilities, klass))
