"""The label map against a plain array, whatever is painted, undone and redone, in any order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.painted import PlainMap
from unseam.annotate.ops import RUN, TILE, History, LabelMap, OrderError, box_of, check_runs, join_runs, pixels_of, values_of
from unseam.errors import DataError


@st.composite
def actions(draw: st.DrawFn) -> tuple[tuple[int, int], list[tuple[object, ...]]]:
    """A size that touches several tiles, and what happens on it."""
    size = draw(st.sampled_from([(3, 5), (1, 1100), (600, 2), (520, 515)]))
    num = size[0] * size[1]
    done = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["paint", "paint", "paint", "undo", "redo"]))
        pixels = draw(st.sets(st.integers(0, min(num, 40) - 1), min_size=1, max_size=8))
        offset = draw(st.sampled_from([0, num // 2, num - min(num, 40)]))
        values = draw(st.lists(st.sampled_from([0, 1, 2, 255]), min_size=len(pixels), max_size=len(pixels)))
        mode = draw(st.sampled_from(["all", "empty", "only"]))
        done.append((kind, sorted((pixel + offset) % num for pixel in pixels), values, mode, draw(st.sampled_from([0, 1, 2]))))
    return size, done


@given(actions())
def test_any_sequence_gives_the_map_of_the_reference(case: tuple[tuple[int, int], list[tuple[object, ...]]]) -> None:
    (height, width), done = case
    labels, history, plain = LabelMap(height, width, none=255, dtype=np.uint8), History(), PlainMap(height, width, 255)
    for number, (kind, pixels, values, mode, only) in enumerate(done):
        match kind:
            case "paint":
                plain.paint(str(number), pixels, values, mode, only)
                change = labels.paint(join_runs(np.array(pixels), np.array(values), width), mode, only)
                history.add(str(number), "brush", change.after, change.before)
            case "undo" if plain.done:
                for runs in history.undo(plain.done[-1][0]):
                    labels.put(runs)
                plain.undo()
            case "redo" if plain.undone:
                for runs in history.redo(plain.undone[-1][0]):
                    labels.put(runs)
                plain.redo()
    assert (labels.read(0, 0, height, width) == plain.labels).all()
    together = np.full((height, width), 255, np.uint8)
    for row, column, tile in labels.tiles():
        together[row * TILE : row * TILE + tile.shape[0], column * TILE : column * TILE + tile.shape[1]] = tile
    assert (together == plain.labels).all()


@given(st.sets(st.integers(0, 59), min_size=1), st.integers(1, 12), st.randoms(use_true_random=False))
def test_runs_are_the_pixels(pixels: set[int], width: int, random: object) -> None:
    found = np.array(sorted(pixels))
    values = np.array([random.choice([0, 1]) for _ in pixels])
    runs = join_runs(found, values, width)
    assert (pixels_of(runs) == found).all()
    assert (values_of(runs) == values).all()
    height = -(-60 // width)
    assert (check_runs(runs.tobytes(), height, width, (0, 1)) == runs).all()
    rows, columns = found // width, found % width
    assert box_of(runs, width) == (rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([], "no runs"),
        ([(0, 0, 1)], "or is empty"),
        ([(19, 2, 1)], "leaves the image"),
        ([(2**32 - 1, 2**32 - 1, 1)], "leaves the image"),
        ([(8, 4, 1)], "over the end of its row"),
        ([(3, 2, 1), (4, 1, 1)], "overlap"),
        ([(5, 1, 1), (1, 1, 1)], "not sorted"),
        ([(5, 1, 3)], "the value 3"),
        ([(5, 1, -1)], "the value -1"),
    ],
)
def test_runs_from_outside_are_checked(runs: list[tuple[int, int, int]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_runs(np.array(runs, RUN).tobytes(), 2, 10, (0, 1, 2, 255))


def test_bytes_that_are_no_runs() -> None:
    with pytest.raises(DataError, match="take 13 bytes"):
        check_runs(b"x" * 13, 2, 10, (0, 1))


def test_parts_of_a_stroke_are_undone_together_and_a_new_stroke_ends_redo() -> None:
    labels, history = LabelMap(1, 9, none=-1, dtype=np.int32), History()
    for start in (0, 2, 4):
        change = labels.paint(join_runs(np.arange(start, start + 3), np.full(3, 7), 9))
        history.add("long", "brush", change.after, change.before)
    for runs in history.undo("long"):
        labels.put(runs)
    assert (labels.read(0, 0, 1, 9) == -1).all()
    for runs in history.redo("long"):
        labels.put(runs)
    assert labels.read(0, 0, 1, 9).tolist() == [[7] * 7 + [-1] * 2]
    with pytest.raises(OrderError, match="Stroke short cannot be undone now; the next one is long"):
        history.undo("short")
    history.undo("long")
    change = labels.paint(join_runs(np.arange(1), np.full(1, 3), 9))
    history.add("new", "brush", change.after, change.before)
    with pytest.raises(OrderError, match="cannot be redone now; there is none"):
        history.redo("long")


def test_a_large_map_takes_no_memory_where_nothing_is_painted() -> None:
    labels = LabelMap(40_000, 40_000, none=255, dtype=np.uint8)
    change = labels.paint(join_runs(np.arange(1_000_000_000, 1_000_000_300), np.ones(300, int), 40_000))
    assert change.box == (25_000, 0, 1, 300)
    assert [(row, column) for row, column, _ in labels.tiles()] == [(48, 0)]


def test_tiles_come_from_the_file_until_they_change() -> None:
    asked: list[tuple[int, int]] = []

    def load(row: int, column: int) -> np.ndarray:
        asked.append((row, column))
        return np.full((8, 512) if column == 0 else (8, 88), column, np.uint8)

    labels = LabelMap(8, 600, none=255, dtype=np.uint8, load=load)
    assert labels.read(0, 510, 1, 4).tolist() == [[0, 0, 1, 1]]
    labels.paint(join_runs(np.array([510, 512]), np.array([9, 9]), 600))
    assert labels.read(0, 510, 1, 4).tolist() == [[9, 0, 9, 1]]
    assert asked == [(0, 0), (0, 1)]
    labels.rebase(lambda row, column: None)
    assert (labels.read(0, 0, 8, 600) == 255).all()
