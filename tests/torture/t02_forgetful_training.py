"""The same test must fail where a run that goes on forgets anything: momentum, chance, learning rate, batch

Four copies of training, each of which forgets one thing when it goes on; each must end with other weights than a run that was
never stopped, or the test before this one would prove nothing. A fifth that forgets nothing must end with the same.
"""

from torture.children import child, ended
from torture.harness import Result, Scale
from torture.t01_killed_training import what_came
from torture.trainee import begin_or_go_on, write_data

_FORGOTTEN = ("momentum", "random numbers", "learning rate", "batches", "")


def run(scale: Scale) -> Result:
    data = write_data(scale.folder / "data")
    assert ended(child(begin_or_go_on, data, scale.folder / "whole")) == 0
    whole = what_came(scale.folder / "whole")[0]
    steps = (35,) if not scale.share else (15, 25, 35, 45)
    lost = silent = 0
    for step in steps:
        for forgotten in _FORGOTTEN:
            out = scale.folder / f"{forgotten}{step}"
            stopped = ended(child(begin_or_go_on, data, out, 1, step))
            went_on = ended(child(begin_or_go_on, data, out, 1, 0, forgotten))
            lost += stopped != -9 or went_on != 0
            silent += (what_came(out)[0] == whole) != (forgotten == "")
    return Result("T2", len(steps) * len(_FORGOTTEN), lost, silent, "silent: a run that forgot and ended alike")
