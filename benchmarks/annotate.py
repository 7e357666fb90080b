"""How good is the picture that `unseam annotate` shows, some seconds after the first strokes, and does it swing?

    python benchmarks/annotate.py DATA --sets axon-sem,usiigaci-phase --habits corrective --users 5 --seconds 60

Simulated users (annotate_users.py) paint twelve strokes on the first two training images of a set, and then one each three
seconds of work. They paint anywhere (blind), where the picture is wrong (corrective), or accept a place that is right each
fourth time (accepting); "full" is given both masks. Objects are painted and learnt one by one. The clock counts steps and
predicted pixels at the time that each takes one thread of this machine, measured before the first user or given by --step-ms
and --mpx-ms. IoU is that of the weights on screen in the middle 512 px of four images that no user saw, the mean over images
for each class but the background; the foreground is one class. A fall is the largest loss of IoU of a class between two
pictures of a window, after 20 s.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from annotate_users import Habit, Image, User, WorkClock, ious
from common import facts, heading, write_result
from few_images import files
from few_images_rows import AXON, NUCLEI, PHASE, DataSet
from unseam.annotate.live.images import LiveImages
from unseam.annotate.live.means import Means
from unseam.annotate.live.on_screen import OnScreen
from unseam.annotate.live.pace import FREE_SECONDS
from unseam.annotate.live.recipe import LiveRecipe
from unseam.annotate.messages import ImageSource
from unseam.data.normalise import Normalise
from unseam.engines import settle_precision
from unseam.io import read_labels
from unseam.machine.kept_memory import keep_freed_memory

SETS = {data.name: data for data in (AXON, PHASE, NUCLEI)}
MARKS = (10.0, 20.0, 30.0, 60.0, 120.0)
NUM_TRAIN, NUM_TEST, MIDDLE = 2, 4, 512


def read_images(data: DataSet, folder: Path) -> tuple[list[Image], list[Image]]:
    """The images that users paint on, and those that judge them."""
    images, masks = files(folder / "images"), files(folder / "masks")
    train, test = data.split(list(images))

    def one(stem: str) -> Image:
        labels = read_labels(masks[stem]).planes()[0]
        if data.kind == "instances":
            return Image(images[stem], (labels > 0).astype(np.uint8), labels.astype(np.int32))
        return Image(images[stem], labels.astype(np.uint8))

    return [one(stem) for stem in train[:NUM_TRAIN]], [one(stem) for stem in test[:: max(1, len(test) // NUM_TEST)][:NUM_TEST]]


class Judge:
    """Scores the weights on screen on images that no user saw."""

    def __init__(self, test: list[Image], num_classes: int) -> None:
        self.test, self.num_classes = test, num_classes
        sources = [ImageSource(number, one.path.stem, str(one.path)) for number, one in enumerate(test)]
        self.images = LiveImages(sources, Normalise())
        self.found: dict[str, list[float]] = {}

    def __call__(self, mark: float, screen: OnScreen) -> None:
        scores = []
        for number, one in enumerate(self.test):
            size = tuple(min(MIDDLE, side) for side in one.truth.shape)
            row, column = ((full - side) // 2 for full, side in zip(one.truth.shape, size, strict=True))
            own = OnScreen(self.images, screen.head)
            classes = screen.head.classes(own.maps(screen.net, number, (row, column, *size)))
            truth = one.truth[row : row + size[0], column : column + size[1]]
            scores.append((ious(classes, truth) + self.num_classes * [1.0])[: self.num_classes - 1])
        self.found[f"{mark:g}"] = [round(float(score), 4) for score in np.mean(scores, axis=0)]


def means_of(clock: WorkClock) -> Means:
    """What the trainer's process would take, on one thread."""
    return Means(LiveRecipe(), clock, settle_precision("auto", torch.device("cpu")), num_threads=1)


def run_user(
    train: list[Image], test: list[Image], habit: Habit, seed: int, seconds: float, prices: tuple[float, float]
) -> dict:
    """Let one user work; the result as it is stored."""
    started, clock = time.process_time(), WorkClock(*prices)
    user = User(train, habit, seed, means_of(clock), clock)
    judge = Judge(test, user.num_classes)
    user.work(seconds, [mark for mark in MARKS if mark <= seconds], judge)
    falls = user.falls(FREE_SECONDS)
    return {
        "seed": seed, "habit": habit, "seconds": seconds, "iou": judge.found, "strokes": user.num_strokes,
        "steps": clock.learner.step if clock.learner else 0, "late_pictures": len(falls),
        "worst_fall": round(max(falls, default=0.0), 4), "falls_over_a_tenth": sum(fall > 0.1 for fall in falls),
        "shown": [[round(one.seconds, 2), one.image, *(round(score, 4) for score in one.iou)] for one in user.shown],
        "processor_seconds": round(time.process_time() - started, 1),
    }  # fmt: skip


def finished_users(file: Path, plan: dict) -> list[dict]:
    """The users of an earlier call with the same prices and recipe; they are not repeated."""
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return list(found["users"]) if all(found.get(key) == value for key, value in plan.items()) else []


def measure_prices(train: list[Image]) -> tuple[float, float]:
    """Seconds of one thread for a step, and for a predicted megapixel: the median of ten steps, the least of three windows."""
    clock = WorkClock(0.1, 0.0)
    user = User(train, "blind", 0, means_of(clock), clock)
    user.begin()
    learner, screen = user.trainer.learner, user.trainer.on_screen
    assert learner is not None
    assert screen is not None
    learner.learn(3)
    steps = [_seconds(lambda: learner.learn(1)) for _ in range(10)]
    box = (0, 0, *(min(768, side) for side in train[0].truth.shape))
    windows = [_seconds(lambda: screen.maps(learner.averaged, 0, box)) for _ in range(3)]
    return float(np.median(steps)), min(windows) / (box[2] * box[3] / 1e6)


def _seconds(work) -> float:  # type: ignore[no-untyped-def]
    started = time.process_time()
    work()
    return time.process_time() - started


def table(result: dict) -> str:
    """The result as Markdown: the mean over users, with the range."""
    step, mpx = result["prices"]
    lines = [
        "# Simulated users of `unseam annotate`\n",
        heading(result) + "\n",
        f"    {result['command']}\n",
        __doc__.split("\n\n")[2],
        f"\nA step takes {1000 * step:.0f} ms here, a predicted megapixel {1000 * mpx:.0f} ms.\n",
        f"| set | habit | users | strokes | {' | '.join(f'IoU at {m:g} s' for m in MARKS)} | worst fall | falls over 0.1 |",
        "|---|---|---:|---:|" + "---|" * len(MARKS) + "---:|---:|",
    ]
    groups: dict[tuple[str, str], list[dict]] = {}
    for user in result["users"]:
        groups.setdefault((user["set"], user["habit"]), []).append(user)
    for (name, habit), users in groups.items():
        cells = [_cell([user["iou"].get(f"{mark:g}") for user in users]) for mark in MARKS]
        falls = f"{sum(user['falls_over_a_tenth'] for user in users)} of {sum(user['late_pictures'] for user in users)}"
        worst = max(user["worst_fall"] for user in users)
        lines.append(
            f"| {name} | {habit} | {len(users)} | {users[0]['strokes']} | {' | '.join(cells)} | {worst:.3f} | {falls} |"
        )
    return "\n".join(lines) + "\n"


def _cell(scores: list[list[float] | None]) -> str:
    """Mean and range of each class."""
    known = [score for score in scores if score is not None]
    if not known:
        return ""
    return "; ".join(f"{np.mean(one):.2f} ({min(one):.2f} to {max(one):.2f})" for one in zip(*known, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with the data sets of few_images.py")
    parser.add_argument("--sets", default="axon-sem,usiigaci-phase", help=f"of {', '.join(SETS)}")
    parser.add_argument("--habits", default="corrective", help="of blind, corrective, accepting, full")
    parser.add_argument("--users", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of work, after the twelfth stroke")
    parser.add_argument("--step-ms", type=float, help="price of a step; measured if absent")
    parser.add_argument("--mpx-ms", type=float, help="price of a predicted megapixel; measured if absent")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    about = facts("torch", "numpy", "openvino")
    names = options.sets.split(",")
    read = {name: read_images(SETS[name], options.data / name) for name in names}
    prices = (0.0, 0.0) if options.step_ms and options.mpx_ms else measure_prices(read[names[0]][0])
    prices = (options.step_ms / 1000 if options.step_ms else prices[0], options.mpx_ms / 1000 if options.mpx_ms else prices[1])
    plan = {"prices": list(prices), "recipe": repr(LiveRecipe())}
    users = finished_users(options.out / "annotate.json", plan)
    for seed in range(options.users):
        for habit in options.habits.split(","):
            for name in names:
                about_user = {"set": name, "habit": habit, "seed": seed, "seconds": options.seconds}
                if not any(about_user.items() <= user.items() for user in users):
                    users.append({"set": name, **run_user(*read[name], habit, seed, options.seconds, prices)})
                    print(json.dumps({key: value for key, value in users[-1].items() if key != "shown"}), flush=True)
                result = {"users": users, **plan, **about}
                write_result(options.out, "annotate", result, table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
