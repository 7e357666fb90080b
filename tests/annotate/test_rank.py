import numpy as np
import pytest

from unseam.annotate.rank import SIDE, Ranking
from unseam.errors import DataError


class Pictures:
    """Images of noise; the look of each differs by its mean."""

    numbers = (0, 1, 2)

    def size(self, number: int) -> tuple[int, int]:
        return 600, 700 - 500 * (number == 2)

    def window(self, number: int, rows: slice, columns: slice) -> np.ndarray:
        shape = 1, rows.stop - rows.start, columns.stop - columns.start
        return np.random.default_rng(number).random(shape, np.float32) * 0.1 + number


def nothing(image: int, box: tuple[int, int, int, int]) -> bool:
    return False


def test_places_lie_inside_their_image():
    ranking = Ranking(Pictures())
    for _ in range(20):
        image, (row, column, height, width), _ = ranking.next(nothing, None)
        full = Pictures().size(image)
        assert (height, width) == tuple(min(SIDE, side) for side in full)
        assert 0 <= row <= full[0] - height
        assert 0 <= column <= full[1] - width


def test_before_there_is_a_network_each_image_comes_first():
    ranking = Ranking(Pictures())
    assert {ranking.next(nothing, None)[0] for _ in range(2)} | {0, 1, 2} == {0, 1, 2}
    chosen = [ranking.next(nothing, None) for _ in range(30)]
    assert {image for image, _, _ in chosen} == {0, 1, 2}


def test_one_place_in_three_is_random_with_a_network_or_without():
    for doubt in (None, lambda image, box: 1.0):
        ranking = Ranking(Pictures())
        assert [ranking.next(nothing, doubt)[2] for _ in range(9)] == [False, False, True] * 3


def test_the_others_are_the_most_doubtful():
    ranking = Ranking(Pictures())
    asked: list[float] = []

    def doubt(image: int, box: tuple[int, int, int, int]) -> float:
        asked.append(float(box[0] + image))
        return asked[-1]

    image, box, is_random = ranking.next(nothing, doubt)
    assert not is_random
    assert box[0] + image == max(asked)


def test_images_that_were_painted_come_last():
    ranking = Ranking(Pictures())
    for _ in range(9):
        ranking.note_painted(0)
        ranking.note_painted(1)
    assert ranking.next(nothing, None)[0] == 2


def test_places_touch_no_annotation_if_there_are_others():
    ranking = Ranking(Pictures())
    for _ in range(12):
        assert ranking.next(lambda image, box: box[0] < 200, None)[1][0] >= 200
    ranking.next(lambda *_: True, None)  # all is painted: any place will do


def test_what_is_done_is_never_chosen():
    ranking = Ranking(Pictures())
    ranking.set_done(0, is_done=True)
    ranking.set_done(2, is_done=True)
    assert {ranking.next(nothing, None)[0] for _ in range(6)} == {1}
    ranking.set_done(1, is_done=True)
    with pytest.raises(DataError, match="Every image is done or left out"):
        ranking.next(nothing, None)
    ranking.set_done(1, is_done=False)
    assert ranking.next(nothing, None)[0] == 1


def test_the_same_seed_gives_the_same_places():
    first, second = Ranking(Pictures(), 3), Ranking(Pictures(), 3)
    assert [first.next(nothing, None) for _ in range(6)] == [second.next(nothing, None) for _ in range(6)]
