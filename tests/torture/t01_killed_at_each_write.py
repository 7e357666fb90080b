"""Training is killed (SIGKILL) before each of its writes in turn, goes on, and leaves what a whole run leaves

One network and a cross-validation of three folds. A write is a call that makes, names or removes a file or a folder. Compared
are the weights, the histories, which files there are, and the content of all of them but the two that tell times in sentences.
"""

import os
import random
import shutil
import signal
from pathlib import Path

from torture.children import child, ended
from torture.disk_calls import watched
from torture.harness import Result, Scale
from torture.t01_killed_training import different, what_came
from torture.trainee import begin_or_go_on, write_data

_WRITES = ("make_folder", "rename", "remove_folder")
_STEPS = 30  # three checkpoints, the last of which removes the first
_SAME = ("config.toml", "curve.svg", "out_of_fold.csv", "out_of_fold.json", "held_out.npz")


def run(scale: Scale) -> Result:
    data, counted = write_data(scale.folder / "data"), scale.folder / "counted"
    whole, places = {}, []
    for folds in (1, 3):
        out = scale.folder / f"whole{folds}" / "run"
        out.parent.mkdir()  # so that it makes as many folders as those that are killed
        assert ended(child(train_until, data, out, folds, 0, counted)) == 0
        whole[folds] = what_came(out), contents(out)
        places += [(folds, number) for number in range(1, 1 + int(counted.read_text()))]
    num = min(scale.of(5, len(places)), len(places))
    chosen = sorted(random.Random(scale.seed).sample(places, num))
    lost = [told for place in chosen if (told := _lost(data, scale.folder / "run", *place, whole[place[0]]))]
    return Result("T1", num, len(lost), 0, "; ".join([f"of {len(places)} writes of two runs", *lost[:5]]))


def train_until(data: Path, out: Path, folds: int, at_write: int, counted: Path) -> None:
    """Train, or go on; killed before a write, or else the number of them is noted at the end."""
    number = 0

    def kill(_: int, name: str) -> None:
        nonlocal number
        number += name in _WRITES
        if name in _WRITES and number == at_write:
            os.kill(os.getpid(), signal.SIGKILL)

    with watched(kill):
        begin_or_go_on(data, out, folds, steps=_STEPS)
    counted.write_text(str(number))


def _lost(data: Path, out: Path, folds: int, at_write: int, whole: tuple[tuple[object, ...], dict[str, bytes]]) -> str:
    """What a run that was killed and went on ended otherwise in; empty if in nothing."""
    shutil.rmtree(out, ignore_errors=True)
    killed = ended(child(train_until, data, out, folds, at_write, out.parent / "counted"))
    gone_on = ended(child(train_until, data, out, folds, 0, out.parent / "counted"))
    if killed != -signal.SIGKILL or gone_on != 0:
        return f"{folds} fold(s), write {at_write}: exit codes {killed}, {gone_on}"
    came, files = what_came(out), contents(out)
    differs = different(came, whole[0]) + [name for name in whole[1] if files.get(name) != whole[1][name]]
    return f"{folds} fold(s), write {at_write}: {', '.join(differs)}" if differs else ""


def contents(out: Path) -> dict[str, bytes]:
    """Each file that no time stands in."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.name in _SAME}
