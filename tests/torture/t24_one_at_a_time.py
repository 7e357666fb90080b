"""Of all that write into one folder one wins, a killed one blocks nobody, and SIGTERM saves before it ends

Three processes race for one folder; then two trainings for one run folder; then trainings are told to end (SIGTERM) after a
random time, go on, and must end as if nothing had happened.
"""

import random
import shutil
import signal
import time
from pathlib import Path

from torture.children import child, ended
from torture.harness import Result, Scale
from torture.t01_killed_training import what_came
from torture.trainee import SETTINGS, STEPS, begin_or_go_on, command_line, write_data
from unseam.errors import InUseError
from unseam.io.lock import locked

_WORDS = ("--device", "cpu", "--steps", str(STEPS), *(word for setting in SETTINGS for word in ("--set", setting)))


def run(scale: Scale) -> Result:
    chance = random.Random(scale.seed)
    races, pairs, stops = scale.of(20, 400), scale.of(1, 50), scale.of(2, 100)
    lost = silent = 0
    folder = scale.folder / "raced"
    folder.mkdir()
    for index in range(races):
        lost += _race(folder, scale.folder / f"verdicts{index}", is_killed=index % 2 == 0)
    silent += len(list(folder.iterdir())) > 1  # the file of the lock, if the last was killed
    data = write_data(scale.folder / "data")
    for index in range(pairs):
        words = ("train", str(data), "--out", str(scale.folder / f"both{index}"), *_WORDS)
        codes = sorted(str(ended(process)) for process in [child(command_line, *words) for _ in range(2)])
        lost += codes not in (["0", "75"], ["0", "2"])  # 2: the first was done before the second began
    began = time.monotonic()
    assert ended(child(begin_or_go_on, data, scale.folder / "whole")) == 0
    took, whole = time.monotonic() - began, _weights_and_files(scale.folder / "whole")
    slowest = 0.0
    for _ in range(stops):
        out = scale.folder / "stopped"
        failed, seconds = _stopped(data, out, chance.uniform(0, took))
        slowest = max(slowest, seconds)
        lost += failed or ended(child(begin_or_go_on, data, out)) != 0 or _weights_and_files(out) != whole
        shutil.rmtree(out)
    note = f"{races} races of three, {pairs} pairs of trainings, {stops} SIGTERM (the slowest took {slowest:.1f} s to end)"
    return Result("T24", races + pairs + stops, lost, silent, note)


def _weights_and_files(out: Path) -> tuple[str, int, tuple[str, ...]]:
    """Not the history: its mean energies begin anew after a stop. Of checkpoints the number: one may be that of the stop."""
    digest, _, files = what_came(out)
    beside = tuple(name for name in files if not name.startswith("checkpoints"))
    return digest, len(list((out / "checkpoints").iterdir())), beside


def _race(folder: Path, verdicts: Path, is_killed: bool) -> bool:
    """Whether it went wrong: not one winner, or a loser who was not told who has won."""
    verdicts.mkdir()
    racers = [child(_racer, folder, verdicts) for _ in range(3)]
    while len(list(verdicts.glob("*.txt"))) < 3 and any(racer.exitcode is None for racer in racers):
        time.sleep(0.002)
    texts = {racer.pid: (verdicts / f"{racer.pid}.txt").read_text() for racer in racers}
    winners = [racer for racer in racers if texts[racer.pid] == "won"]
    for winner in winners if is_killed else ():
        winner.kill()
    (verdicts / "over").touch()
    codes = [ended(racer) for racer in racers]
    told = [text for text in texts.values() if text != "won"]
    return len(winners) != 1 or not all(f"process {winners[0].pid} on" in text for text in told) or None in codes


def _racer(folder: Path, verdicts: Path) -> None:
    from os import getpid

    place = verdicts / f"{getpid()}.tmp"
    try:
        with locked(folder, "racing"):
            place.write_text("won")
            place.rename(place.with_suffix(".txt"))
            while not (verdicts / "over").exists():
                time.sleep(0.002)
    except InUseError as error:
        place.write_text(str(error))
        place.rename(place.with_suffix(".txt"))


def _stopped(data: Path, out: Path, seconds: float) -> tuple[bool, float]:
    """Whether it ended in another way than it should, and how long that took."""
    process = child(command_line, "train", str(data), "--out", str(out), *_WORDS)
    process.join(seconds)
    was_done = process.exitcode is not None
    if not was_done:
        process.terminate()
    began = time.monotonic()
    code = ended(process)
    # Before the program has begun to listen, a signal ends it at once; where it was done, the signal came too late.
    good = (0,) if was_done else (128 + signal.SIGTERM, -signal.SIGTERM, 0)
    return code not in good, time.monotonic() - began
