"""What a network that ships with the package says of itself: its card, and what prediction needs to take any image.

A network that is trained for all the world sees objects of one size. So it states that size, and prediction brings each
image to it (:mod:`unseam.model.any_image`).
"""

from dataclasses import dataclass
from typing import Literal

from unseam.settings import check_range

Role = Literal["predict", "start"]
"""``predict``: it segments, and other trainings may begin with it; ``start``: only the latter."""


@dataclass(frozen=True)
class ImageSet:
    """Images that a network learnt from: their licence and whom to credit."""

    name: str
    licence: str
    credit: str
    images: int = 0

    def describe(self) -> str:
        """Return name, number of images, licence and credit in words.

        >>> ImageSet("nuclei", "CC0-1.0", "Example et al. 2020", 24).describe()
        'nuclei (24 images, CC0-1.0; Example et al. 2020)'
        """
        number = f"{self.images} images, " if self.images else ""
        return f"{self.name} ({number}{self.licence}; {self.credit})"


@dataclass(frozen=True)
class SetScore:
    """A score on images that a network did not learn from.

    ``seen`` says how far it knew them: ``set left out`` of training, or ``other images of the set``.
    """

    on: str
    name: str
    value: float
    images: int = 0
    seen: str = "set left out"

    def describe(self) -> str:
        """Return the score in words.

        >>> SetScore("dsb2018", "F1 at IoU 0.5", 0.8712, 50).describe()
        'F1 at IoU 0.5 0.871 on 50 image(s) of dsb2018 (set left out)'
        """
        number = f"{self.images} image(s) of " if self.images else ""
        return f"{self.name} {self.value:.3f} on {number}{self.on} ({self.seen})"


@dataclass(frozen=True)
class Release:
    """The card of a network that ships, and the size of the objects that it expects.

    Attributes
    ----------
    purpose
        What for, in one line.
    name
        As users call it: that of its file.
    role
        Whether it segments, or is a start for training only.
    object_px
        Median diameter (of the disc of the same area) to which the objects of every training image were resampled, px. None:
        the images kept their pixels, and so do those of prediction.
    least_sure
        Least mean sureness of objects (:func:`unseam.model.object_size.sureness`) on an image like those that it learnt from;
        below it, prediction warns. None: no warning.
    licence
        Of the weights.
    sets
        What it learnt from.
    scores
        On images not seen.
    command, commit, minutes
        What made it, from which version, and in which time.
    """

    purpose: str
    name: str = ""
    role: Role = "predict"
    object_px: float | None = None
    least_sure: float | None = None
    licence: str = ""
    sets: tuple[ImageSet, ...] = ()
    scores: tuple[SetScore, ...] = ()
    command: str = ""
    commit: str = ""
    minutes: float = 0.0

    def __post_init__(self) -> None:
        if self.object_px is not None:
            check_range("release", "object_px", self.object_px, 2.0, 1000.0)
