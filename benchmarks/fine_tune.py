"""Does a network of other images help? Few images of usiigaci-phase, from nothing and from two trained networks.

    python benchmarks/fine_tune.py DATA
    python benchmarks/fine_tune.py DATA --variant "fast optimiser.learning_rate=0.006" --variant "up training.layers=expansive"

DATA holds the sets ``usiigaci-phase``, ``axon-sem`` and ``dsb2018`` of few_images.py. First the default recipe trains a network
on the training images of each of the other two: nuclei as they are numbered, and of the axons each connected piece as one,
since a network of classes is no start for objects. Then each run trains on the first 1 and 4 images, for 1 and 5 minutes. A
variant is the recipe for a start with other settings; it adds a row for each start. The judge is that of the arena.

"Step 0" is the start itself, judged on the same test images, and "held out, step 0" what unseam prints before the first step.

Each run has one thread, and as many run at once as there are cores. A finished run is not repeated, so a stopped call goes on.
Trained networks lie in --models, results in benchmarks/results/fine_tune, the table in benchmarks/results/fine_tune.md.
"""

import argparse
import concurrent.futures
import itertools
import json
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "arena"))

from judge import score
from sets import read_set

from common import facts, heading, num_cores, write_json, write_result
from few_images_rows import AXON, NUCLEI, PHASE
from trials import SHOWN, run_apart

SET, STARTS = PHASE.name, (AXON.name, NUCLEI.name)
NOTHING = "nothing"


def make_start(data: Path, name: str, file: Path, minutes: float, threads: int) -> dict[str, object]:
    """Train a network that finds objects in another set, and judge it as it is on the test images of this one."""
    import numpy as np
    import torch
    from skimage.measure import label

    import unseam

    torch.set_num_threads(threads)
    about = facts("torch", "numpy", "scipy", "scikit-image")
    images, masks = zip(*read_set(data / name).train.values(), strict=True)
    if name == AXON.name:
        masks = tuple(label(mask == AXON.cell_class, connectivity=1).astype(np.uint32) for mask in masks)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        trained = unseam.train(list(images), list(masks), minutes=minutes, device="cpu", start="nothing",
            settings=["data.masks=instances"])  # fmt: skip
        trained.save(file)
    model = unseam.load(file, device="cpu")
    pairs = [(model.predict(image).instances, truth) for image, truth in read_set(data / SET).test.values()]
    record = model.info.training
    own = {"steps": record.steps, "held_out_score": record.score, "minutes": minutes, "threads": threads}
    return {"start": name, "scores": score(pairs, "objects"), "own_training": own, **about}


def start_apart(name: str, options: argparse.Namespace) -> bool:
    """Make one start in a process of its own; return whether it is there."""
    file, result = model_of(name, options), result_of(name, options)
    if file.exists() and result.exists():
        return True
    command = [sys.executable, __file__, str(options.data), "--make", name, "--models", str(options.models)]
    command += ["--out", str(options.out), "--start-minutes", str(options.start_minutes), "--threads", str(options.threads)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        print(f"{name}: {ended.stderr.strip().splitlines()[-1:]}", file=sys.stderr, flush=True)
    return not ended.returncode


def model_of(name: str, options: argparse.Namespace) -> Path:
    return Path(options.models / f"{name}-{options.start_minutes:g}min-{options.threads}t.safetensors")


def result_of(name: str, options: argparse.Namespace) -> Path:
    return Path(options.out / f"start-{name}-{options.start_minutes:g}min-{options.threads}t.json")


def trials(options: argparse.Namespace) -> list[str]:
    """Every trial, as trials.py reads it: its name, its settings, where it begins."""
    found = []
    for number in map(int, options.images.split(",")):
        found.append(f"{NOTHING}-{number} --images {number}")
        for start, variant in itertools.product(STARTS, ["", *options.variant]):
            name, _, settings = variant.partition(" ")
            called = "-".join([start, *([name] if name else []), str(number)])
            found.append(f"{called} --images {number} --from {model_of(start, options)} {settings}".strip())
    return found


def table(options: argparse.Namespace) -> tuple[dict[str, object], str]:
    """The result and its page, from all files of this set of options."""
    runs = [json.loads(file.read_text()) for file in sorted(options.out.glob(f"*-{SET}-*.json"))]
    starts = [json.loads(file.read_text()) for name in STARTS if (file := result_of(name, options)).exists()]
    figures = SHOWN["objects"]
    lines = [
        f"# Few images of {SET}, from nothing and from trained networks",
        "",
        f"{heading(runs[0])}; {options.threads} thread(s) a run; figures are means over seeds, with their range.",
        "",
        f"| begins with | images | minutes | seeds | held out, step 0 | {' | '.join(figures)} | steps |",
        "|---|---:|---:|---:|---:|" + "---:|" * (len(figures) + 1),
    ]
    for one in starts:
        cells = " | ".join(f"{one['scores'][figure]:.3f}" for figure in figures)
        lines.append(f"| {one['start']}, step 0 | 0 | 0 | 1 | | {cells} | 0 |")
    for trial, minutes in itertools.product([text.split()[0] for text in trials(options)], options.minutes.split(",")):
        own = [run for run in runs if run["trial"] == trial and run["minutes"] == float(minutes)]
        if own:
            name, _, number = trial.rpartition("-")
            first = mean_and_range([run["first_score"] for run in own if run["first_score"] is not None])
            cells = " | ".join(mean_and_range([run["scores"][figure] for run in own]) for figure in figures)
            steps = round(statistics.mean(run["steps"] for run in own))
            lines.append(f"| {name} | {number} | {minutes} | {len(own)} | {first} | {cells} | {steps} |")
    return {"starts": starts, "runs": [run | {"told": None} for run in runs]}, "\n".join(lines) + "\n"


def mean_and_range(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    ends = f" ({min(known):.3f} to {max(known):.3f})" if len(known) > 1 else ""
    return f"{statistics.mean(known):.3f}{ends}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--images", default="1,4")
    parser.add_argument("--minutes", default="1,5")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--variant", action="append", default=[], metavar='"NAME SETTING..."')
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, help="runs at once; as many as there are cores for their threads")
    parser.add_argument("--start-minutes", type=float, default=5.0, help="training of each start")
    parser.add_argument("--models", type=Path, default=Path("build/fine_tune"), help="where the starts are kept")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fine_tune"))
    parser.add_argument("--make", choices=STARTS, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.make is not None:
        file = model_of(options.make, options)
        made = make_start(options.data, options.make, file, options.start_minutes, options.threads)
        write_json(result_of(options.make, options), made)
        return 0
    jobs = options.jobs or max(1, num_cores() // options.threads)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        if not all(list(pool.map(lambda name: start_apart(name, options), STARTS))):
            return 1
        todo = itertools.product(options.seeds.split(","), options.minutes.split(","), trials(options))
        done = [
            pool.submit(
                run_apart,
                trial,
                options.data / SET,
                int(seed),
                argparse.Namespace(out=options.out, minutes=float(minutes), threads=options.threads, keep=False),
            )
            for seed, minutes, trial in todo
        ]
        failed = sum(not each.result() for each in concurrent.futures.as_completed(done))
    result, page = table(options)
    write_result(options.out.parent, "fine_tune", result, page)
    print(page)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
