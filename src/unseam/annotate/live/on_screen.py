"""The weights whose picture is on screen. They follow the averaged weights, and no class of the picture ever jumps.

Weights that learn from a few strokes swing: for seconds a class is lost, and comes back. What the user sees must not. The
picture of new weights is compared with the one on screen: for each class the pixels that change, as a share of those that
either picture gives to it. This is the Jaccard distance, for which the triangle inequality holds, so with any truth at all::

    IoU(new, truth) >= IoU(old, truth) - distance(new, old)

If no class moves by more than a tenth, then no class's IoU can fall by more than a tenth, whatever the truth is. Weights that
would move it further are mixed with those on screen until it moves by less. The mixture is one network, which predicts the
whole window: no picture is ever a blend of two.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32, UInt8
from torch import Tensor, nn

from unseam.annotate.live.images import LiveImages
from unseam.annotate.messages import View
from unseam.engines import choose_engine
from unseam.heads import Head, Objects
from unseam.inference.predict import Predictor
from unseam.nets import folded

Box = tuple[int, int, int, int]
"""Row, column, height, width, px of the image."""

MOST_SIDE = 2048
"""px; of a larger view the middle is predicted."""

MOST_MOVED = 0.1
"""Largest Jaccard distance of a class between one picture and the next."""

_SMALLEST = 0.005  # share of the window: a class with less on screen may move at will, so that a new one appears at once
_OBJECTS = Objects(split=0.15, grow_px=0.0, fill_holes=False)
"""How objects are parted on screen: as the default recipe splits them. Ridges stay open, which takes half of the time."""

_TRIES = 3
_AIM = 0.8  # of the distance that is allowed, since it is not quite proportional to the share of the mixture


@dataclass(frozen=True)
class ShownPicture:
    """A predicted window, of one state of the weights.

    Attributes
    ----------
    classes, margin
        (H, W): the class of each pixel, and by how much it is likelier than the next one, 255 = certain. Objects that touch
        are parted by a line of background, so that their outlines show and each is accepted with a number of its own.
    step
        The number of the newest step in its weights.
    is_held
        Whether its weights were mixed with those before, or are those before.
    """

    image: int
    box: Box
    step: int
    classes: UInt8[np.ndarray, "height width"]
    margin: UInt8[np.ndarray, "height width"]
    is_held: bool = False


class OnScreen:
    """Predicts windows with weights that never jump.

    Attributes
    ----------
    net
        The network whose pictures are on screen; None before the first.
    picture
        The newest picture; None before the first.
    """

    def __init__(self, images: LiveImages, head: Head, engine: str = "torch", most_moved: float = MOST_MOVED) -> None:
        self.images, self.head, self.engine, self.most_moved = images, head, engine, most_moved
        self.net: nn.Module | None = None
        self.step = 0
        self.picture: ShownPicture | None = None
        self._share = 1.0  # of the way to the averaged weights, to try next; halved at least while it moves the picture too far

    def look(self, image: int, box: Box) -> ShownPicture:
        """Predict another window with the weights that are on screen; there must be some."""
        self.picture = self._predict(self._shown_net, image, box, self.step, is_held=True)
        return self.picture

    def renew(self, averaged: nn.Module, step: int, image: int, box: Box, *, may_jump: bool) -> ShownPicture:
        """Predict a window with the averaged weights, or with weights so far on the way to them as the picture allows."""
        is_free = may_jump or self.net is None
        before = None if is_free else self._before(image, box)
        self._share = 1.0 if is_free else self._share
        for _ in range(_TRIES):
            candidate = copy.deepcopy(averaged) if self._share == 1.0 else mixed(self._shown_net, averaged, self._share)
            new = self._predict(candidate, image, box, step, is_held=self._share < 1.0)
            moved = most_moved(before.classes, new.classes) if before is not None else 0.0
            if moved <= self.most_moved:
                self._share = min(1.0, 2 * self._share)
                self.net, self.step, self.picture = candidate, step, new
                return new
            self._share *= min(0.5, _AIM * self.most_moved / moved)
        assert before is not None
        self.picture = before
        return before

    def doubt(self, newest: nn.Module, image: int, box: Box) -> float:
        """Return how unsure the network is in a window: one minus the mean margin, more where the newest weights disagree."""
        assert self.net is not None
        shown, other = (self.maps(net, image, box) for net in (self.net, newest))
        disagree = np.mean(self.head.classes(shown) != self.head.classes(other))
        return float((1 - margin_of(shown).mean() / 255) * (1 + disagree))

    def take_over(self, like: nn.Module, weights: Mapping[str, Tensor], step: int) -> None:
        """Go on with weights that were on screen before, of a network like another one."""
        self.net = copy.deepcopy(like)
        self.net.load_state_dict(weights)
        self.step = step

    def maps(self, net: nn.Module, image: int, box: Box) -> Float[np.ndarray, "klass height width"]:
        """Return the maps of the head for a window, as the product predicts them: no pixel differs from the whole image's."""
        row, column, height, width = box
        predictor = Predictor(choose_engine(folded(net).eval(), self.engine), head=self.head)
        pixels = self.images.pixels(image)
        return predictor.probabilities(pixels, (slice(row, row + height), slice(column, column + width)))

    @property
    def _shown_net(self) -> nn.Module:
        assert self.net is not None, "nothing is on screen yet"
        return self.net

    def _before(self, image: int, box: Box) -> ShownPicture:
        """Return the picture of a window that is on screen, or would be."""
        if self.picture is not None and (self.picture.image, self.picture.box) == (image, box):
            return self.picture
        return self._predict(self._shown_net, image, box, self.step, is_held=True)

    def _predict(self, net: nn.Module, image: int, box: Box, step: int, *, is_held: bool) -> ShownPicture:
        maps = self.maps(net, image, box)
        classes = self.head.classes(maps)
        if self.head.needs_objects:
            classes = parted(classes, _OBJECTS(self.head.foreground(maps)))
        return ShownPicture(image, box, step, classes, margin_of(maps), is_held)


def parted(classes: UInt8[np.ndarray, "h w"], objects: Int32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Return the classes, with background where an object has another one to its right or below.

    >>> parted(np.array([[1, 1, 1, 1]], np.uint8), np.array([[1, 1, 2, 2]], np.int32))
    array([[1, 0, 1, 1]], dtype=uint8)
    """
    result = classes.copy()
    for here, after in (((slice(-1), slice(None)), (slice(1, None), slice(None))),
                        ((slice(None), slice(-1)), (slice(None), slice(1, None)))):  # fmt: skip
        result[here][(objects[here] > 0) & (objects[after] > 0) & (objects[here] != objects[after])] = 0
    return result


def most_moved(before: UInt8[np.ndarray, "h w"], after: UInt8[np.ndarray, "h w"]) -> float:
    """Return the largest share of a class that moved: pixels in one picture alone, of those in either.

    >>> before, after = np.array([[0, 0, 0, 1, 1, 1]], np.uint8), np.array([[0, 0, 1, 1, 1, 1]], np.uint8)
    >>> most_moved(before, after)  # a third of the background and a quarter of class 1
    0.333...
    """
    num_classes = int(max(before.max(), after.max())) + 1
    pairs = np.bincount(before.ravel().astype(np.int64) * num_classes + after.ravel(), minlength=num_classes**2)
    table = pairs.reshape(num_classes, num_classes)
    areas, both = table.sum(axis=1), table.diagonal()
    either = areas + table.sum(axis=0) - both
    moved = (either - both) / np.maximum(either, 1)
    return float(np.max(moved, where=areas >= _SMALLEST * before.size, initial=0.0))


def margin_of(maps: Float[np.ndarray, "klass height width"]) -> UInt8[np.ndarray, "height width"]:
    """Return by how much the likeliest class of each pixel is likelier than the next: 0 to 1 as 0 to 255."""
    highest, second = np.maximum(maps[0], maps[1]), np.minimum(maps[0], maps[1])
    for one in maps[2:]:
        second = np.maximum(second, np.minimum(highest, one))
        highest = np.maximum(highest, one)
    return np.rint(255 * (highest - second)).astype(np.uint8)


@torch.no_grad()
def mixed(before: nn.Module, after: nn.Module, share: float) -> nn.Module:
    """Return a network whose weights lie between those of two, at a share of the way to the second."""
    net = copy.deepcopy(before)
    others = after.state_dict()
    for name, weight in net.state_dict().items():
        if weight.is_floating_point():
            weight.lerp_(others[name].to(weight), share)
    return net


def predicted_part(view: View, size: tuple[int, int]) -> Box:
    """Return the part of a view that is predicted: inside the image, and of a large view the middle.

    >>> predicted_part(View(image=0, row=-8, column=100, height=5000, width=50, level=0, is_down=False), (4000, 120))
    (976, 100, 2048, 20)
    """
    box = []
    for start, side, length in zip((view.row, view.column), (view.height, view.width), size, strict=True):
        first, last = max(0, start), min(length, start + side)
        if last - first > MOST_SIDE:
            first += (last - first - MOST_SIDE) // 2
            last = first + MOST_SIDE
        box.append((first, max(0, last - first)))
    (row, height), (column, width) = box
    return row, column, height, width
