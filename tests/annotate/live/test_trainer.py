"""The whole loop in one process, with a clock that work moves and a network of some hundred weights."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from annotate_desk import GROUND, RECIPE, SIDE, SQUARE, VIEW, Desk, bright_square, make_folder, painted
from unseam.annotate.live.pace import FREE_SECONDS, REST_SECONDS
from unseam.annotate.messages import (
    ClassName,
    ClassNames,
    Done,
    ImageSource,
    LabelTile,
    NextPlace,
    Pause,
    PredictedView,
    Ready,
    Resume,
    Somewhere,
    State,
    StrokeScore,
)  # fmt: skip


@pytest.fixture(scope="module")
def learnt(tmp_path_factory) -> Desk:
    """A desk after some seconds of work; tests only read it."""
    desk = Desk(make_folder(tmp_path_factory.mktemp("learnt"))).begin()
    desk.turns(130)
    return desk


def test_two_strokes_are_enough_to_find_the_square(learnt):
    truth = bright_square(0)[1]
    found = learnt.last_picture()
    assert (
        np.count_nonzero((found == 1) & (truth == 1)) / np.count_nonzero((found == 1) | (truth == 1)) > 0.6
    )  # the strokes lie off the borders


def test_a_picture_is_one_frame_with_classes_and_margins(learnt):
    for message, body in learnt.sent:
        if isinstance(message, PredictedView):
            assert (message.image, message.row, message.column, message.height, message.width) == (0, 0, 0, SIDE, SIDE)
            assert len(body) == 2 * SIDE * SIDE
    steps = [message.step for message in learnt.of(PredictedView)]
    assert steps == sorted(steps)
    assert len(steps) > 3


def test_pictures_stop_jumping_after_the_first_seconds(tmp_path):
    desk = Desk(make_folder(tmp_path), replace(RECIPE, average=0.0)).begin()
    before, swings, late = None, [], []
    for _ in range(300):
        desk.trainer.turn()
        picture = desk.last_picture() if desk.of(PredictedView) else None
        if picture is not None and before is not None and picture is not before:
            either = ((picture == 1) | (before == 1)).sum()
            moved = 1 - ((picture == 1) & (before == 1)).sum() / max(1, either)
            (late if desk.now() > FREE_SECONDS + 1 else swings).append(moved)
        before = picture
    assert len(late) > 3
    assert max(late) <= 0.1


def test_nothing_is_learnt_from_one_class(tmp_path):
    desk = Desk(make_folder(tmp_path)).begin(is_painted=False)
    desk.trainer.handle(*painted(0, GROUND, 0))
    assert not desk.trainer.turn()
    assert desk.state.state == "waiting"
    assert "two classes" in desk.state.message
    desk.trainer.handle(*painted(0, SQUARE, 1, 2))
    assert desk.trainer.turn()
    assert desk.state.state == "training"
    desk.trainer.handle(*painted(0, SQUARE, 255, 3, tool="undo"))
    assert not desk.trainer.turn()
    assert desk.state.state == "waiting"


def test_pause_and_resume(tmp_path):
    desk = Desk(make_folder(tmp_path)).begin()
    desk.turns(3)
    desk.trainer.handle(Pause())
    assert not desk.trainer.turn()
    assert (desk.state.state, desk.trainer.learner.step) == ("paused", 3)
    desk.trainer.handle(Resume())
    desk.turns(2)
    assert (desk.state.state, desk.trainer.learner.step) == ("training", 5)


def test_learning_rests_after_three_minutes_and_a_stroke_wakes_it(tmp_path):
    desk = Desk(make_folder(tmp_path)).begin()
    desk.turns(2)
    desk.idle = REST_SECONDS + 1
    assert not desk.trainer.turn()
    assert desk.state.state == "paused"
    assert "rests" in desk.state.message
    desk.trainer.handle(*painted(0, (30, 2, 2, 2), 0, 3))
    assert desk.trainer.turn()
    assert desk.state.state == "training"


def test_a_new_stroke_is_scored_before_it_is_learnt(learnt):
    assert not learnt.of(StrokeScore)  # the first strokes had no picture
    learnt.trainer.handle(*painted(0, (16, 10, 2, 10), 1, 9, jump="random"))
    score = learnt.of(StrokeScore)[-1]
    assert (score.pixels, score.is_random) == (20, True)
    assert score.right == np.mean(learnt.last_picture()[16:18, 10:20] == 1)


def test_another_image_in_view_is_predicted_at_once(tmp_path):
    desk = Desk(make_folder(tmp_path)).begin()
    desk.turns(40)
    step = desk.of(PredictedView)[-1].step
    desk.trainer.handle(replace(VIEW, image=1, height=30))
    desk.turns(1)
    assert desk.of(PredictedView)[-1] == PredictedView(1, step, 0, 0, 30, SIDE)


def test_nothing_is_sent_while_the_pointer_is_down(tmp_path):
    desk = Desk(make_folder(tmp_path)).begin()
    desk.trainer.handle(replace(VIEW, is_down=True))
    desk.turns(60)
    assert not desk.of(PredictedView)
    desk.trainer.handle(VIEW)
    desk.turns(1)
    assert desk.of(PredictedView)


def test_the_state_at_the_start_is_that_of_the_strokes(tmp_path):
    """Sent as tiles after a restart, the annotation is learnt from like strokes."""
    desk = Desk(make_folder(tmp_path))
    values = np.full((SIDE, SIDE), 255, np.uint8)
    values[2:6, 2:42], values[20:26, 12:28] = 0, 1
    desk.trainer.handle(LabelTile(0, 0, 0), zlib.compress(values.tobytes()))
    desk.trainer.handle(Ready())
    desk.trainer.handle(VIEW)
    desk.turns(40)
    assert desk.of(PredictedView)
    np.testing.assert_array_equal(desk.trainer.stock.targets[0].labels.read(0, 0, SIDE, SIDE), values)


def test_objects_are_learnt_as_object_or_not(tmp_path):
    start = replace(make_folder(tmp_path), kind="objects", none=-1)
    desk = Desk(start).begin(is_painted=False)
    desk.trainer.handle(*painted(0, GROUND, 0, 1))
    desk.trainer.handle(*painted(0, SQUARE, 7, 2))
    desk.trainer.handle(*painted(0, (27, 12, 6, 16), 8, 3))
    desk.turns(60)
    assert set(np.unique(desk.last_picture())) == {0, 1}
    assert desk.trainer.learner.state.net.config.num_classes == 2


def test_a_class_that_is_added_is_learnt_and_the_others_stay(tmp_path):
    desk = Desk(make_folder(tmp_path)).begin()
    desk.turns(60)
    before, step = desk.last_picture(), desk.trainer.learner.step
    names = (ClassName(0, "ground"), ClassName(1, "square"), ClassName(2, "new"))
    desk.trainer.handle(ClassNames(names))
    desk.idle += 2
    desk.turns(1)
    assert np.mean(desk.last_picture() == before) > 0.95
    desk.trainer.handle(*painted(0, (40, 2, 6, 40), 2, 5))
    desk.turns(120)
    assert desk.trainer.learner.step > step
    assert (desk.last_picture() == 2).any()


def test_an_image_of_other_channels_is_named_and_the_rest_goes_on(tmp_path):
    start = make_folder(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(tmp_path / "images/rgb.png")
    sources = (*start.images, ImageSource(2, "rgb", str(tmp_path / "images/rgb.png")), ImageSource(3, "gone", "/nowhere.png"))
    desk = Desk(replace(start, images=sources)).begin()
    desk.turns(2)
    for image, words in ((2, "rgb has 3 channel"), (3, "nowhere.png"), (9, "no image 9")):
        desk.trainer.handle(*painted(image, GROUND, 1, 3))
        desk.trainer.handle(replace(VIEW, image=image))
        desk.turns(1)
        assert words in desk.state.message
        assert desk.state.state == "training"
    desk.trainer.handle(VIEW)
    desk.turns(1)
    assert not desk.state.message


def test_somewhere_answers_with_its_request(tmp_path):
    desk = Desk(make_folder(tmp_path)).begin()
    desk.trainer.handle(Somewhere(5))
    assert desk.of(NextPlace)[-1].request == 5
    desk.turns(40)
    desk.trainer.handle(Done(1, is_done=True, is_left_out=False))
    desk.trainer.handle(Somewhere(6))
    place = desk.of(NextPlace)[-1]
    assert (place.request, place.image, place.height, place.width) == (6, 0, SIDE, SIDE)


def test_the_same_strokes_give_the_same_picture(tmp_path):
    start = make_folder(tmp_path)
    desks = [Desk(start).begin() for _ in range(2)]
    for desk in desks:
        desk.turns(40)
    np.testing.assert_array_equal(desks[0].last_picture(), desks[1].last_picture())


def test_the_step_is_told_each_second(learnt):
    steps = [state.step for state in learnt.of(State)]
    assert steps[-1] > 100
    assert len(steps) < 25
