"""Each stroke is a test: the picture on screen is judged by it before it is learnt."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from unseam.annotate.live.on_screen import ShownPicture
from unseam.annotate.messages import Painted, StrokeScore
from unseam.annotate.ops import pixels_of, values_of

BY_HAND = frozenset({"brush", "fill", "polygon", "wand"})
"""Tools whose strokes say what the user sees in the image. Accepted predictions agree with themselves."""


_ENOUGH = 20
_AGREES = 0.95


class Agreement:
    """How right the picture was at random places: only they say something of the whole folder.

    Elsewhere users paint where the picture is wrong, and the ranking sends them where it is likely to be.
    """

    def __init__(self) -> None:
        self._last: deque[StrokeScore] = deque(maxlen=_ENOUGH)

    def note(self, score: StrokeScore) -> None:
        """Take the score of a stroke."""
        if score.is_random:
            self._last.append(score)

    @property
    def proposal(self) -> str:
        """Return a sentence that proposes to finish, once enough strokes in a row agreed; until then an empty one."""
        pixels = sum(one.pixels for one in self._last)
        right = sum(one.right * one.pixels for one in self._last)
        if len(self._last) < _ENOUGH or right < _AGREES * pixels:
            return ""
        share = f"{100 * right / pixels:.0f} %"
        return f"At the last {_ENOUGH} random places, {share} of what you painted was predicted already. You may finish."


@dataclass
class _Test:
    stroke: str
    right: int = 0
    pixels: int = 0


class StrokeScores:
    """Judges strokes part by part; a stroke that lies outside the picture, or was begun before there was one, has no score."""

    def __init__(self) -> None:
        self._test: _Test | None = None

    def note(
        self, part: Painted, runs: Shaped[np.ndarray, " run"], width: int, picture: ShownPicture | None, *, has_objects: bool
    ) -> StrokeScore | None:
        """Judge a part of a stroke on an image of this width; return the score of the stroke if this part ends it."""
        if part.tool not in BY_HAND:
            self._test = None
            return None
        if self._test is None or self._test.stroke != part.stroke:
            self._test = _Test(part.stroke)
        if picture is not None and picture.image == part.image:
            top, left, height, across = picture.box
            rows, columns = np.divmod(pixels_of(runs), width)
            inside = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + across)
            truth = values_of(runs)[inside]
            predicted = picture.classes[rows[inside] - top, columns[inside] - left]
            self._test.right += int(np.count_nonzero(predicted == (np.minimum(truth, 1) if has_objects else truth)))
            self._test.pixels += len(truth)
        if not part.is_end:
            return None
        test, self._test = self._test, None
        if not test.pixels:
            return None
        return StrokeScore(part.image, test.stroke, test.right / test.pixels, test.pixels, part.jump == "random")
