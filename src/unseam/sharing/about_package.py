"""What a person gives with a package: its name, authors and licence, and an image that belongs to it."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped


@dataclass(frozen=True, eq=False)
class AboutPackage:
    """What is in a package besides the network.

    Attributes
    ----------
    name
        Of the file, without its ending.
    pixels
        The image from which the test and the sample are cut, (H, W) or (H, W, C), as read from its file.
    cover
        A picture of 512 x 256 px, PNG.
    authors
        Names; empty: not stated.
    licence
        SPDX identifier, such as ``CC-BY-4.0``; None: not stated.
    """

    name: str
    pixels: Shaped[np.ndarray, "height width *channel"]
    cover: bytes
    authors: tuple[str, ...] = ()
    licence: str | None = None

    @property
    def title(self) -> str:
        """The name as a description may have it: certain letters, 5 to 128 of them.

        >>> AboutPackage("my cells, day 2", np.zeros((1, 1)), b"").title
        'unseam my cells day 2'
        """
        return " ".join(["unseam", *re.sub(r"[^A-Za-z0-9_+\- ()]", " ", self.name).split()])[:128].strip()

    @property
    def identifier(self) -> str:
        """A name for programs, which is not that of a model in the zoo.

        >>> AboutPackage("My cells, day 2", np.zeros((1, 1)), b"").identifier
        'unseam-my-cells-day-2'
        """
        return "unseam-" + ("-".join(re.findall(r"[a-z0-9]+", self.name.lower())) or "model")
