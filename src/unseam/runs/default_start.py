"""What a training begins with: the one place where that is decided, unless the user names a start.

``--from nothing`` draws the weights, and ``--from auto`` decides: by `RULES` where measurement settles a kind of masks, and
otherwise by two equal short trials, of which the better score on what is held out wins. `DEFAULT` is what training does without
``--from``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from unseam.data.kinds import LabelKind
from unseam.errors import SettingsError
from unseam.model import Model
from unseam.networks import shipped_networks
from unseam.recipes.run import Run

NOTHING = "nothing"
AUTO = "auto"
GENERAL = "general"
"""The network that ships as a start for every task."""

DEFAULT: Literal["nothing", "auto"] = "nothing"
"""What training does without ``--from``. Another word here and a sentence in docs/networks.md change it."""

RULES: dict[LabelKind, str] = {}
"""What a training on such masks begins with. Kinds that are not named are decided by trials."""

SHARE = 0.1
"""Share of the budget for each of the two trials."""


@dataclass(frozen=True)
class Chosen:
    """What a training begins with, a sentence on why, and the minutes that are left for it; None: no limit was given."""

    start: str
    reason: str
    minutes: float | None


def is_to_be_decided(start: object, *, is_settled: bool) -> bool:
    """Return whether the start is to be decided. ``is_settled``: recipe or settings say what it is, or contradict any start."""
    return start == AUTO or (start is None and not is_settled and DEFAULT == AUTO and GENERAL in shipped_networks())


def decide(
    kind_of: Callable[[], LabelKind],
    run: Run,
    minutes: float | None,
    trial: Callable[[str, int | None, float | None], Model],
) -> Chosen:
    """Decide what a training begins with.

    Parameters
    ----------
    kind_of
        Reads the masks and says what they hold; only asked if there are rules.
    run
        The run without a start; its budget is that of one network.
    minutes
        For the whole training; the trials take their time from it. None: only steps limit it, and the trials come on top.
    trial
        Trains with a start, some steps and some minutes, and returns the model.

    Raises
    ------
    SettingsError
        If nothing is held out that could decide.
    KeyboardInterrupt
        If a trial was stopped early: the caller wants no training, and nothing is learnt yet.
    """
    if RULES and (kind := kind_of()) in RULES:
        return Chosen(RULES[kind], f"{RULES[kind]}, by the rule for masks of {kind}", minutes)
    own = run.training
    steps = None if own.steps is None else max(1, round(SHARE * own.steps))
    each = None if own.minutes is None else SHARE * own.minutes
    scores: dict[str, float] = {}
    for start in (NOTHING, GENERAL):
        record = trial(start, steps, each).info.training
        is_over = (steps is not None and record.steps >= steps) or (each is not None and record.seconds >= 60 * each)
        if not is_over:
            raise KeyboardInterrupt
        if record.score is None:
            raise SettingsError(
                "--from auto chooses by the score on what is held out, and nothing that can be scored is. Hold some out "
                "(--set data.validation=0.2), or choose yourself: --from general or --from nothing."
            )
        scores[start], name = record.score, record.score_name
    best = max(scores, key=lambda start: scores[start])  # the first of equals: nothing
    took = f"{steps} step(s)" if steps is not None else f"{60 * each:.0f} s" if each is not None else ""
    figures = ", ".join(f"{start} {score:.3f}" for start, score in scores.items())
    left = None if minutes is None or each is None else max(minutes - 2 * each, each)
    return Chosen(best, f"{best}, by {name} after trials of {took} each: {figures}", left)
