"""Training is killed (SIGKILL) at any moment, goes on, and ends bit for bit as if nothing had happened

One network and a cross-validation of three folds, in turn: 60 steps each, from reading the images to the report. Killed after a
random time, again and again, until a run comes through. The weights of the model and the history must be those of a run that
nobody killed.
"""

import hashlib
import random
import shutil
import time
from pathlib import Path

from torture.children import child, ended
from torture.harness import Result, Scale
from torture.trainee import begin_or_go_on, write_data
from unseam.model.model_file import load_model


def run(scale: Scale) -> Result:
    wanted = scale.of(10, 1000)
    chance = random.Random(scale.seed)
    data = write_data(scale.folder / "data")
    whole, took = {}, {}
    ended(child(print))  # the first one waits for all to be imported
    for folds in (1, 3):
        began = time.monotonic()
        assert ended(child(begin_or_go_on, data, scale.folder / f"whole{folds}", folds)) == 0
        took[folds] = time.monotonic() - began
        whole[folds] = what_came(scale.folder / f"whole{folds}")
    kills = lost = runs = 0
    wrong: list[str] = []
    while kills < wanted:
        folds = (1, 3)[runs % 2]
        runs += 1
        out = scale.folder / "run"
        came, killed = _killed_until_done(data, out, folds, chance, 1.1 * took[folds])
        kills += killed
        differs = different(what_came(out), whole[folds]) if came else ["no end"]
        lost += bool(differs)
        wrong += [f"{folds} fold(s): {', '.join(differs)}"] if differs else []
        shutil.rmtree(out)
    return Result("T1", kills, lost, 0, "; ".join([f"{runs} runs", *wrong]))


def _killed_until_done(data: Path, out: Path, folds: int, chance: random.Random, latest: float) -> tuple[bool, int]:
    """Whether it came to its end at last, and how often it was killed before."""
    kills = 0
    while True:
        process = child(begin_or_go_on, data, out, folds)
        process.join(chance.uniform(0, latest))
        if process.exitcode is not None:
            return ended(process) == 0, kills
        process.kill()
        process.join()
        kills += 1


def what_came(out: Path) -> tuple[str, str, tuple[str, ...]]:
    """The weights, the history without its times, and what was left beside them."""
    net, info = load_model(out / "model.safetensors")
    digest = hashlib.sha256()
    for name, weights in net.state_dict().items():
        digest.update(name.encode() + weights.numpy().tobytes())
    told = f"{info.training.best_step} {info.training.score} {info.objects}"
    tables = [table.read_text().splitlines() for table in sorted(out.rglob("history.csv"))]
    rows = [",".join(cell for i, cell in enumerate(row.split(",")) if i != 1) for table in tables for row in table]
    files = tuple(sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()))
    return digest.hexdigest(), told + "\n".join(rows), files


def different(came: tuple[object, ...], whole: tuple[object, ...]) -> list[str]:
    """The parts of what came that are not those of a whole run."""
    names = ("weights", "history", "files")
    return [name for name, ours, theirs in zip(names, came, whole, strict=True) if ours != theirs]
