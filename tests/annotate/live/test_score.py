import numpy as np

from annotate_desk import SIDE, painted
from unseam.annotate.live.on_screen import ShownPicture
from unseam.annotate.live.score import Agreement, StrokeScores
from unseam.annotate.messages import Painted, StrokeScore
from unseam.annotate.ops import RUN


def picture() -> ShownPicture:
    """Class 1 in the left half of the right upper quarter of image 0."""
    classes = np.zeros((SIDE // 2, SIDE // 2), np.uint8)
    classes[:, : SIDE // 4] = 1
    return ShownPicture(0, (0, SIDE // 2, SIDE // 2, SIDE // 2), 5, classes, classes)


def note(scores: StrokeScores, message: tuple[Painted, bytes], *, has_objects: bool = False) -> StrokeScore | None:
    return scores.note(message[0], np.frombuffer(message[1], RUN), SIDE, picture(), has_objects=has_objects)


def test_a_stroke_is_judged_by_the_picture_on_screen():
    found = note(StrokeScores(), painted(0, (0, SIDE // 2 + SIDE // 4 - 3, 1, 4), 1))
    assert found == StrokeScore(0, f"{1:032x}", right=0.75, pixels=4, is_random=False)


def test_parts_of_a_stroke_are_judged_together():
    scores = StrokeScores()
    assert note(scores, painted(0, (0, SIDE // 2, 1, 3), 1, is_end=False, stroke="a")) is None
    found = note(scores, painted(0, (1, SIDE - 1, 1, 1), 1, stroke="a", jump="random"))
    assert found == StrokeScore(0, "a", right=0.75, pixels=4, is_random=True)


def test_only_what_is_in_the_picture_counts():
    scores = StrokeScores()
    assert note(scores, painted(0, (SIDE - 1, 0, 1, 8), 1)) is None
    assert note(scores, painted(1, (0, SIDE // 2, 1, 8), 1)) is None
    found = note(scores, painted(0, (0, SIDE // 2 - 4, 1, 8), 1))
    assert found is not None
    assert (found.right, found.pixels) == (1.0, 4)


def test_what_was_accepted_or_undone_is_no_test():
    scores = StrokeScores()
    for tool in ("accept", "undo", "redo", "eraser", "close", "file"):
        assert note(scores, painted(0, (0, SIDE // 2, 1, 8), 1, tool=tool)) is None


def test_an_object_of_any_number_is_an_object():
    found = note(StrokeScores(), painted(0, (0, SIDE // 2, 1, 2), 17), has_objects=True)
    assert found is not None
    assert found.right == 1.0


def test_to_finish_is_proposed_after_twenty_right_strokes_at_random_places_in_a_row():
    agreement = Agreement()
    for number in range(19):
        agreement.note(StrokeScore(0, f"{number}", 1.0, 10, is_random=True))
        agreement.note(StrokeScore(0, f"ranked {number}", 0.0, 1000, is_random=False))
    assert agreement.proposal == ""
    agreement.note(StrokeScore(0, "wrong", 0.0, 10, is_random=True))
    assert "95 % of what you painted was predicted already. You may finish." in agreement.proposal
    agreement.note(StrokeScore(0, "wrong, too", 0.0, 10, is_random=True))
    assert agreement.proposal == ""
