from dataclasses import replace
from pathlib import Path

import pytest

from annotate_desk import GROUND, VIEW, Desk, make_folder, painted
from unseam.annotate.live.finish import Finishing, free_folder
from unseam.annotate.messages import PredictedView, State
from unseam.errors import DataError
from unseam.runs.watch import Watch


class Training:
    """Stands for ``unseam.train``: ten steps, unless it is stopped."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.steps, self.called = error, 0, None

    def __call__(self, folder: Path, out: Path, watch: Watch) -> None:
        self.called = folder, out
        watch.tell("2 annotated image(s)")
        if self.error is not None:
            raise self.error
        while self.steps < 10 and not watch.should_stop():
            self.steps += 1
            for observe in watch.observers:
                observe(None, self.steps / 10)
        out.mkdir()


@pytest.fixture
def desk(tmp_path) -> Desk:
    desk = Desk(make_folder(tmp_path)).begin()
    desk.turns(40)
    return desk


def test_the_model_goes_into_a_new_folder_and_its_progress_is_told(desk, tmp_path):
    training = Training()

    def answer() -> bool:
        desk.idle += 1
        return False

    Finishing(desk.trainer, training, answer).run()
    assert training.called == (tmp_path, tmp_path / "model")
    told = [state for state in desk.of(State) if state.state == "finishing"]
    assert told[-1].sentence == "2 annotated image(s)"
    assert [state.done for state in told] == sorted(state.done for state in told)
    assert told[-1].done > 500
    assert (desk.state.state, desk.state.model) == ("finished", str(tmp_path / "model"))
    assert free_folder(tmp_path) == tmp_path / "model-2"


def test_after_the_end_learning_waits_for_a_stroke(desk):
    Finishing(desk.trainer, Training(), lambda: False).run()
    assert not desk.trainer.turn()
    assert desk.state.state == "finished"
    desk.trainer.handle(*painted(0, GROUND, 0, 9))
    assert desk.trainer.turn()
    assert desk.state.state == "training"


def test_cancelled_it_keeps_what_it_has(desk):
    training = Training()
    Finishing(desk.trainer, training, lambda: training.steps >= 3).run()
    assert training.steps == 3
    assert desk.state.state == "finished"
    assert "Stopped early" in desk.state.message


def test_an_error_is_told_and_learning_goes_on(desk):
    Finishing(desk.trainer, Training(DataError("The masks are empty. Paint some.")), lambda: False).run()
    desk.turns(1)
    assert desk.state.state == "training"
    assert "The masks are empty" in desk.state.message


def test_a_new_view_is_answered_meanwhile(desk):
    def answer() -> bool:
        desk.trainer.handle(replace(VIEW, image=1))
        desk.trainer.look()
        return False

    before = len(desk.of(PredictedView))
    Finishing(desk.trainer, Training(), answer).run()
    assert [view.image for view in desk.of(PredictedView)[before:]] == [1]
