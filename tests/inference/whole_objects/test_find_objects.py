"""The coordinator accepts any order and a journal, sends small tables, repeats few chunks, and counts undecided pixels."""

import numpy as np
import pytest

from reference.hard_fields import cells, coarse, smooth, specks
from reference.objects_in_memory import ObjectsInMemory, Serial, found_in_chunks
from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.objects import Objects
from unseam.inference.whole_objects import Halo, ObjectStage, StageRound, find_objects, perform_stage
from unseam.inference.whole_objects.records import CoreTables


def drawn(*lines: str) -> np.ndarray:
    return np.array([[0.0 if letter == "." else int(letter) / 10 for letter in line] for line in lines], np.float32)


def whole(likely: np.ndarray, settings: Objects) -> np.ndarray:
    return settings(np.asarray(likely, np.float32))


def test_any_order_of_chunks_gives_the_same(rng):
    settings = Objects(threshold=0.7, min_size=30)
    likely = coarse(rng, (90, 110), 3.0, 0.0)
    grid = ChunkGrid(90, 110, 17)
    for _ in range(3):
        store = ObjectsInMemory(likely, grid)
        find_objects(grid, settings, Serial(store, settings, order=rng), Halo(8, 256))
        np.testing.assert_array_equal(store.objects, whole(likely, settings))


def test_a_journal_saves_every_finished_chunk(rng):
    """A run that ends anywhere resumes from its journal and its store and finds the same objects."""
    settings = Objects(threshold=0.6, min_size=20)
    likely = specks(rng, (60, 60), 2.0, 0.0)
    grid = ChunkGrid(60, 60, 20)
    first = Serial(ObjectsInMemory(likely, grid), settings)
    found = find_objects(grid, settings, first)
    journal = list(first.journal.items())
    assert found.num_rounds > 1
    for num_done in range(0, len(journal), 7):
        store = ObjectsInMemory(likely, grid)
        half = Serial(store, settings)
        with pytest.raises(KeyboardInterrupt):
            find_objects(grid, settings, _ends_after(half, num_done))
        again = Serial(store, settings, journal=half.journal)
        assert find_objects(grid, settings, again) == found  # the store refuses to write a chunk twice
        np.testing.assert_array_equal(store.objects, whole(likely, settings))


def _ends_after(run, num_chunks):
    left = [num_chunks]

    def runner(step, chunks, tables_for):
        for pair in run(step, chunks, tables_for):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            yield pair
        if left[0] == 0:
            raise KeyboardInterrupt

    return runner


def test_another_round_asks_only_where_something_was_dropped(rng):
    likely = np.zeros((120, 120), np.float32)
    likely[10:40, 10:40] = likely[70:110, 60:110] = 0.9
    likely[5, 5] = 0.9
    settings = Objects(min_size=16)
    grid = ChunkGrid(120, 120, 20)
    runner = Serial(ObjectsInMemory(likely, grid), settings)
    assert find_objects(grid, settings, runner).num_rounds == 2
    assert runner.asked["complete-0"] == list(range(36))
    assert runner.asked["complete-1"] == [0, 1, 6, 7]


def test_what_is_sent_and_read_does_not_grow_with_the_plane():
    settings = Objects()
    sent, read = [], []
    for size in (96, 480):
        grid = ChunkGrid(size, size, 48)
        store = ObjectsInMemory(smooth(np.random.default_rng(0), (size, size), 2.0, 0.0), grid)
        runner = Serial(store, settings)
        find_objects(grid, settings, runner)
        sent.append(runner.largest_table)
        read.append(store.largest_read)
    assert max(read) <= (48 + 2 * 4 + 1) ** 2
    assert sent[1] < 3 * sent[0], "nine chunks instead of four, and not a hundred"
    assert sent[1] < 16_000


def test_a_hole_whose_parts_meet_at_a_corner_of_four_chunks():
    likely = drawn(
        "......",
        ".9999.",
        ".9.99.",
        ".99.9.",
        ".9999.",
        "......",
    )
    settings = Objects(min_size=0, grow_px=0.0)
    for side in (2, 3):
        written, _ = found_in_chunks(likely, side, settings)
        np.testing.assert_array_equal(written, whole(likely, settings))
        assert np.count_nonzero(written) == 16
    other = likely[:, ::-1].copy()
    np.testing.assert_array_equal(found_in_chunks(other, 3, settings)[0], whole(other, settings))


def test_numbers_are_those_of_a_scan_of_the_plane_not_of_the_chunks():
    likely = drawn("...9", "9...", "...9")
    written, _ = found_in_chunks(likely, 2, Objects(min_size=0, grow_px=0.0))
    assert written.tolist() == [[0, 0, 0, 1], [2, 0, 0, 0], [0, 0, 0, 3]]


def test_a_flood_from_further_than_the_halo_is_counted():
    """A plateau a hundred chunks long, with a core at one end: a smaller halo cannot decide."""
    likely = np.full((3, 200), 0.6, np.float32)
    likely[:, 0] = 0.9
    settings = Objects(threshold=0.8, min_size=0)
    exact, found = found_in_chunks(likely, 10, settings, Halo(2, 200))
    assert (found.num_undecided, exact.min()) == (0, 1)
    written, found = found_in_chunks(likely, 10, settings, Halo(2, 20))
    assert found.num_undecided == 3 * 170
    np.testing.assert_array_equal(written[:, :30], exact[:, :30])
    assert (written[:, 30:] == 0).all()


def test_what_is_not_undecided_is_right_whatever_the_halo(rng):
    likely = coarse(rng, (80, 80), 4.0, -0.5)
    settings = Objects(threshold=0.8, min_size=0, grow_px=0.0, fill_holes=False)
    for largest in (1, 2, 4, 8, 16):
        written, found = found_in_chunks(likely, 13, settings, Halo(1, largest))
        flooded = whole(likely, settings)
        pairs, counts = np.unique(np.stack([flooded.ravel(), written.ravel()]), axis=1, return_counts=True)
        rightly = sum(counts[pairs[0] == number].max() for number in range(flooded.max() + 1))
        assert likely.size - rightly <= found.num_undecided


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_planes(value):
    for threshold in (0.5, 0.7):
        written, found = found_in_chunks(np.full((20, 31), value, np.float32), 8, Objects(threshold=threshold))
        assert (written == value).all()
        assert found.num_objects == value


def test_cells_of_a_plane(rng):
    settings = Objects()
    likely = cells(rng, (150, 150), 3.0, 0.0)
    written, found = found_in_chunks(likely, 40, settings)
    np.testing.assert_array_equal(written, whole(likely, settings))
    assert found.num_objects > 50


def test_tables_of_another_stage_are_a_bug_of_ours(rng):
    grid = ChunkGrid(4, 4, 4)
    store = ObjectsInMemory(np.zeros((4, 4), np.float32), grid)
    with pytest.raises(AssertionError, match=r"CoreTables.*WRITE"):
        perform_stage(ObjectStage.WRITE, 0, grid, Objects(), store, CoreTables())
    assert {StageRound(stage, 2).name for stage in ObjectStage} == {"cores-2", "split-2", "flood-2", "complete-2", "write-2"}
