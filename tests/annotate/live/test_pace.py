from dataclasses import replace

import pytest

from unseam.annotate.live.pace import FREE_SECONDS, FREE_STEPS, REST_SECONDS, Pace, Situation, Work

WINDOW = (0, (0, 0, 100, 100))
LEARNT = Situation(can_learn=True, step=100, step_on_screen=50, is_current=True)


def at_work(now: float = 100.0) -> Pace:
    pace = Pace()
    pace.note_view(now, WINDOW, is_down=False)
    pace.note_stroke(now)
    return pace


def test_a_window_that_comes_into_view_goes_first():
    assert at_work().next(100, replace(LEARNT, is_current=False)) is Work.LOOK


def test_old_weights_are_renewed_and_new_ones_are_not():
    pace = at_work()
    assert pace.next(100, LEARNT) is Work.RENEW
    assert pace.next(100, replace(LEARNT, step_on_screen=95)) is Work.LEARN
    assert pace.next(100, replace(LEARNT, step_on_screen=None)) is Work.RENEW
    assert pace.next(100, replace(LEARNT, step=3, step_on_screen=None)) is Work.LEARN  # too early to show anything


@pytest.mark.parametrize(("took", "waits"), [(0.1, 1.5), (4.0, 6.0)])
def test_pictures_leave_most_of_the_time_to_learning(took, waits):
    """At most two fifths of it, and never more than one in 1.5 s."""
    pace = at_work()
    pace.note_picture(100, 100 + took)
    assert pace.next(100 + took + waits - 0.01, LEARNT) is Work.LEARN
    assert pace.next(100 + took + waits + 0.01, LEARNT) is Work.RENEW


def test_nothing_is_swapped_under_a_pointer_that_is_down():
    pace = at_work()
    pace.note_view(100, WINDOW, is_down=True)
    assert pace.next(100, LEARNT) is Work.LEARN
    assert pace.next(100, replace(LEARNT, is_current=False)) is Work.LEARN
    pace.note_view(101, WINDOW, is_down=False)
    assert pace.next(101, LEARNT) is Work.RENEW


def test_learning_pauses_and_rests_and_wakes():
    pace, fresh = at_work(), replace(LEARNT, step_on_screen=100)
    pace.is_paused = True
    assert pace.next(101, fresh) is Work.REST
    pace.is_paused = False
    assert pace.next(101, fresh) is Work.LEARN
    assert pace.next(100 + REST_SECONDS + 1, fresh) is Work.REST
    assert pace.is_resting(100 + REST_SECONDS + 1)
    pace.note_stroke(300)
    assert pace.next(301, fresh) is Work.LEARN
    assert pace.next(301, replace(fresh, can_learn=False)) is Work.REST


def test_pictures_jump_only_in_the_first_seconds():
    pace = at_work()
    assert pace.may_jump(100, 0)
    pace.note_step(110)
    pace.note_step(120)
    assert pace.may_jump(110 + FREE_SECONDS - 0.1, FREE_STEPS)
    assert pace.may_jump(110 + FREE_SECONDS, FREE_STEPS - 1)  # a busy machine
    assert not pace.may_jump(110 + FREE_SECONDS, FREE_STEPS)


def test_one_thread_while_the_pointer_moves():
    pace = at_work()
    assert pace.is_pointer_busy(101)
    assert not pace.is_pointer_busy(103)
    pace.note_view(103, WINDOW, is_down=True)
    assert pace.is_pointer_busy(200)
