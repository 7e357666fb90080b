import numpy as np
import pytest

from annotate_desk import SIDE, painted
from unseam.annotate.live.stock import StrokeStock
from unseam.annotate.ops import RUN
from unseam.data.weight_map import WeightMap
from unseam.heads import Labels, RidgeObjects
from unseam.shapes import IGNORE

MAP = WeightMap()


def paint(stock: StrokeStock, box: tuple[int, int, int, int], value: int) -> None:
    stock.paint(0, np.frombuffer(painted(0, box, value)[1], RUN))


def opened(kind: str = "classes") -> StrokeStock:
    stock = StrokeStock(kind, MAP)
    stock.add_image(0, SIDE, SIDE)
    return stock


def test_every_class_is_drawn_where_it_was_painted(rng):
    stock = opened()
    paint(stock, (0, 0, 4, 40), 0)
    paint(stock, (10, 10, 2, 2), 2)
    assert stock.classes == (0, 2)
    for klass in stock.classes:
        for _ in range(20):
            image, row, column = stock.draw(klass, rng)
            assert (image, stock.targets[0].classes.read(row, column, 1, 1).item()) == (0, klass)


def test_a_stroke_counts_by_its_length_and_not_by_its_area(rng):
    stock = opened()
    paint(stock, (0, 0, 1, 16), 1)
    paint(stock, (8, 0, 32, 32), 1)  # 64 times the area of the first
    share = np.mean([stock.draw(1, rng)[1] == 0 for _ in range(400)])
    assert 0.07 < share < 0.16  # 4 / (4 + 32)


def test_what_was_painted_over_is_never_drawn(rng):
    stock = opened()
    paint(stock, (0, 0, 4, 4), 1)
    paint(stock, (0, 0, 4, 4), 0)
    assert stock.classes == (0,)
    paint(stock, (20, 20, 1, 1), 1)
    assert {stock.draw(1, rng) for _ in range(10)} == {(0, 20, 20)}
    paint(stock, (20, 20, 1, 1), IGNORE)  # erased
    assert stock.classes == (0,)


def test_an_image_that_is_left_out_is_not_learnt_from(rng):
    stock = opened()
    stock.add_image(1, SIDE, SIDE)
    paint(stock, (0, 0, 4, 4), 1)
    stock.paint(1, np.frombuffer(painted(1, (5, 5, 1, 1), 1)[1], RUN))
    stock.set_left_out(0, is_left_out=True)
    assert {stock.draw(1, rng)[0] for _ in range(10)} == {1}
    stock.set_left_out(1, is_left_out=True)
    assert stock.classes == ()
    stock.set_left_out(0, is_left_out=False)
    assert stock.classes == (1,)


def test_pieces_of_an_old_mask_are_strokes(rng):
    stock = opened()
    values = np.full((SIDE, SIDE), IGNORE, np.uint8)
    values[0, :4], values[20:30, 20:30] = 1, 1
    stock.take_tile(0, 0, 0, values)
    share = np.mean([stock.draw(1, rng)[1] == 0 for _ in range(400)])
    assert 0.1 < share < 0.24  # 2 / (2 + 10)
    np.testing.assert_array_equal(stock.targets[0].classes.read(0, 0, SIDE, SIDE), values)


def test_targets_of_objects_are_those_of_the_whole_map(rng):
    """Renewed only round each stroke, they are what the final training makes of the mask."""
    stock = opened("objects")
    whole = np.full((SIDE, SIDE), -1, np.int32)
    for number in range(1, 12):
        row, column = rng.integers(0, SIDE - 12, 2)
        height, width = rng.integers(2, 12, 2)
        value = int(rng.integers(-1, 4))
        paint(stock, (int(row), int(column), int(height), int(width)), value)
        whole[row : row + height, column : column + width] = value
        assert number
    targets = RidgeObjects().targets(Labels((whole > 0).astype(np.uint8), whole))
    classes, weights = stock.targets[0].window(slice(0, SIDE), slice(0, SIDE))
    np.testing.assert_array_equal(classes, targets.classes)
    expected = MAP(targets.classes, targets.cells, (1.0, 1.0))
    known = classes != IGNORE
    np.testing.assert_allclose(weights[known], np.minimum(expected[known], 1 + 0.05 * 255), atol=0.03)


@pytest.mark.parametrize("kind", ["classes", "objects"])
def test_a_window_knows_whether_it_is_painted(kind):
    stock = opened(kind)
    assert not stock.is_painted(0, (0, 0, SIDE, SIDE))
    assert not stock.is_painted(7, (0, 0, 4, 4))
    paint(stock, (10, 10, 1, 1), 0)
    assert stock.is_painted(0, (10, 10, 1, 1))
    assert not stock.is_painted(0, (11, 0, 8, 8))
