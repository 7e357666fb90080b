"""Is a change of the default recipe worth it? Each trial is the recipe with some settings changed, on sets of few_images.py.

    python benchmarks/trials.py DATA --minutes 3 --seeds 0,1,2 \\
        --trial "base" --trial "deeper net.depth=5" --trial "four --images 1"

A trial is a name and its settings, as after --set. ``--images N`` in it trains on the first N images, ``--from MODEL`` begins
with a trained network. Each run has one thread, and as many run at once as there are cores: all have the same processor time. A
finished run is not repeated. The judge is that of the arena. docs/log.md keeps what came out.
"""

import argparse
import concurrent.futures
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "arena"))

from judge import score
from sets import ArenaSet, find_sets, read_set

from common import facts, num_cores, write_json

SHOWN = {"objects": ("seg", "f1", "pq"), "classes": ("iou", "pixel_error", "own_rand_error", "rand_error")}


def run(folder: Path, minutes: float, threads: int, seed: int, words: list[str], kept: Path | None = None) -> dict[str, object]:
    """Train with some settings and score the images that training never saw; ``kept`` is where the model goes."""
    import torch

    import unseam
    from unseam.runs.watch import Watch

    torch.set_num_threads(threads)
    about = facts("torch", "numpy", "scipy", "scikit-image")
    arena_set = read_set(folder)
    number = int(words.pop(words.index("--images") + 1)) if "--images" in words else len(arena_set.train)
    start = words.pop(words.index("--from") + 1) if "--from" in words else "nothing"
    settings = [word for word in words if word not in ("--images", "--from")]
    kind = "instances" if arena_set.kind == "objects" else "binary" if is_binary(arena_set) else "classes"
    images, masks = zip(*list(arena_set.train.values())[:number], strict=True)
    if not any(word.startswith("data.masks=") for word in settings):
        settings = [f"data.masks={kind}", *settings]
    told: list[str] = []
    started, used = time.perf_counter(), time.process_time()
    model = unseam.train(list(images), list(masks), minutes=minutes, device="cpu", start=start,
        settings=[*settings, f"training.seed={seed}"], watch=Watch(tell=told.append))  # fmt: skip
    trained, processor_time = time.perf_counter() - started, time.process_time() - used
    if kept is not None:
        model.save(kept)
    model.engine_name = "torch"  # others compile again for each size of image, which takes longer than all predictions
    pairs = []
    for image, truth in arena_set.test.values():
        found = model.predict(image)
        pairs.append((found.instances if arena_set.kind == "objects" else found.classes, truth))
    scores = score(pairs, arena_set.kind)
    if kind == "binary":
        scores["own_rand_error"] = own_rand_error(pairs)
    training = model.info.training
    return {
        "scores": scores, "steps": training.steps, "best_step": training.best_step, "held_out_score": training.score,
        "first_score": training.first_score,
        "seconds": {"training": trained, "processor": processor_time, "with_prediction": time.perf_counter() - started},
        "told": told, **about,
    }  # fmt: skip


def is_binary(arena_set: ArenaSet) -> bool:
    return max(int(truth.max()) for _, truth in arena_set.train.values()) < 2


def own_rand_error(pairs: list) -> float | None:
    from unseam.metrics import RandError, evaluate_class_maps, quick_metrics

    named = [(str(i), predicted, truth) for i, (predicted, truth) in enumerate(pairs)]
    return evaluate_class_maps(named, metrics=quick_metrics(RandError(1))).to_json()["all"]["rand_error"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--trial", action="append", required=True, metavar='"NAME SETTING..."')
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, help="runs at once; as many as there are cores for their threads")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--sets", help="only these folders of DATA: A,B")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/trials"))
    parser.add_argument("--keep", action="store_true", help="keep each model beside its result")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    if options.one is not None:
        (name, *words), (seed,) = options.trial[0].split(), seeds
        plan: dict[str, object] = {"trial": name, "settings": words[:], "set": options.data.name, "seed": seed}
        plan |= {"minutes": options.minutes, "threads": options.threads}
        kept = options.one.with_suffix(".safetensors") if options.keep else None
        write_json(options.one, plan | run(options.data, options.minutes, options.threads, seed, words, kept))
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    folders = [f for f in find_sets(options.data) if options.sets is None or f.name in options.sets.split(",")]
    jobs = options.jobs or max(1, num_cores() // options.threads)
    todo = [(trial, folder, seed) for seed in seeds for trial in options.trial for folder in folders]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        done = [pool.submit(run_apart, *one, options) for one in todo]
        failed = sum(not each.result() for each in concurrent.futures.as_completed(done))
    print(
        table(options.out, [folder.name for folder in folders], [trial.split()[0] for trial in options.trial], options.minutes)
    )
    return 1 if failed else 0


def run_apart(trial: str, folder: Path, seed: int, options: argparse.Namespace) -> bool:
    """Run one trial in a process of its own; return whether it has a result."""
    name, *words = trial.split()
    file = options.out / f"{name}-{folder.name}-{options.minutes:g}min-{options.threads}t-seed{seed}.json"
    if file.exists() and json.loads(file.read_text())["settings"] == words:
        return True
    command = [sys.executable, __file__, str(folder), "--trial", trial, "--minutes", str(options.minutes), "--one", str(file)]
    command += ["--threads", str(options.threads), "--seeds", str(seed)]
    command += ["--keep"] if options.keep else []
    limits = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    ended = subprocess.run(command, env={**os.environ, **limits}, capture_output=True, text=True, check=False)
    if ended.returncode:
        print(f"{file.stem}: {ended.stderr.strip().splitlines()[-1:]}", file=sys.stderr, flush=True)
        return False
    found = json.loads(file.read_text())
    kind = "objects" if "seg" in found["scores"] else "classes"
    shown = [f"{n} {found['scores'][n]:.3f}" for n in SHOWN[kind] if found["scores"].get(n) is not None]
    print(f"{file.stem}: {', '.join(shown)}; {found['steps']} steps", flush=True)
    return True


def table(out: Path, sets: list[str], trials: list[str], minutes: float) -> str:
    """The mean of all seeds, with the range."""
    results = [json.loads(file.read_text()) for file in sorted(out.glob("*.json"))]
    lines = []
    for name in sets:
        for trial in dict.fromkeys(trials):
            own = [r for r in results if r["set"] == name and r["trial"] == trial and r["minutes"] == minutes]
            if not own:
                continue
            cells = []
            for figure in SHOWN["objects" if "seg" in own[0]["scores"] else "classes"]:
                values = [r["scores"][figure] for r in own if r["scores"].get(figure) is not None]
                if values:
                    cells.append(f"{figure} {statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
            lines.append(f"| {name} | {trial} | {len(own)} | {' | '.join(cells)} | {own[0]['steps']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
