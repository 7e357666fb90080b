import math
from io import StringIO

import pytest
from rich.console import Console as Terminal

from reference.toy import ENERGY, batches, fresh, plan
from unseam.cli.console import Console
from unseam.training import AdamW, train_network
from unseam.training.observers import Record, Validate, ValidationScore


def watched(terminal: Terminal, score_of) -> None:
    with Console(terminal) as console:
        validate = Validate(score_of, 3, console.show_record)
        train_network(fresh(AdamW()), batches(), ENERGY, plan(6), [console, validate])


def test_a_file_gets_one_plain_line_a_record():
    out = StringIO()
    watched(Terminal(file=out, width=200), lambda _: ValidationScore(0.25, 0.5))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert [line.split()[1] for line in lines] == ["2", "4", "6"]
    assert all("validation 0.250" in line and "energy 0." in line and "\x1b" not in line for line in lines)


def test_a_record_without_a_score_shows_a_dash():
    out = StringIO()
    watched(Terminal(file=out, width=200), None)
    assert "validation -" in out.getvalue()


def test_a_screen_gets_a_bar_that_is_taken_down():
    out = StringIO()
    watched(Terminal(file=out, width=120, force_terminal=True), lambda _: ValidationScore(0.25, 0.5))
    assert "training" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K") or "\x1b[?25h" in out.getvalue(), "the cursor comes back"


def test_the_bar_is_taken_down_when_training_fails():
    terminal = Terminal(file=StringIO(), force_terminal=True)
    with pytest.raises(KeyboardInterrupt), Console(terminal):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in terminal.file.getvalue()


@pytest.mark.parametrize("force_terminal", [True, False])
def test_energies_that_are_no_numbers_do_not_stop_it(force_terminal):
    terminal = Terminal(file=StringIO(), force_terminal=force_terminal)
    state = fresh(AdamW())
    with Console(terminal) as console:
        for energy in (math.nan, 1.0, math.inf, 0.5):
            state.energy = energy
            console(state, 0.5)
        console.show_record(state, Record(0, 0.0, math.nan, math.nan, math.nan))
