"""Volumes of classes by networks of planes: one orientation against the mean over three, with the same minutes.

    python benchmarks/volumes.py DATA/msd-hippocampus-3d --minutes 5 --threads 2 --out benchmarks/results

DATA holds images and masks of volumes of about cubic voxels. By name, the first ten are trained on and the next twenty are
scored: Dice of each class in each volume, the mean over all, and the worst volume (the mean over its classes). These volumes
lie the same way round, so training turns crops by at most 15 degrees and mirrors nothing.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from common import facts, heading, write_result

SETTINGS = ("augment.mirror=false", "augment.rotate.max_degrees=15")
OF_VOLUMES = (
    "net.depth=2",
    "net.resolution=full",
    "training.crops=by_class",
    "training.output_size=52",
    "training.batch_size=8",
)
"""What training takes for volumes of this size by itself."""
WAYS = {
    "planes as stored": ((*OF_VOLUMES, "average=none", "normalise.over=stack"), "as stored"),
    "three orientations": (("data.volumes=true",), "three"),
}


def read(folder: Path, names: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    from unseam.io import read_image, read_labels

    return [(read_image(folder / "images" / name).pixels, read_labels(folder / "masks" / name).pixels) for name in names]


def dice(found: np.ndarray, truth: np.ndarray, value: int) -> float:
    ours, theirs = found == value, truth == value
    return 2 * np.count_nonzero(ours & theirs) / max(1, np.count_nonzero(ours) + np.count_nonzero(theirs))


def run(way: str, folder: Path, train: list[str], test: list, minutes: float, seed: int, more: list[str]) -> dict[str, object]:
    import unseam

    settings, orientation = WAYS[way]
    given = [*SETTINGS, "data.masks=classes", *settings, *more, f"training.seed={seed}"]
    with (
        tempfile.TemporaryDirectory() as part
    ):  # a folder, as a user has it: planes of one stack have one range and stay together
        for inner in ("images", "masks"):
            (Path(part) / inner).mkdir()
            for name in train:
                shutil.copy(folder / inner / name, Path(part) / inner / name)
        model = unseam.train(part, minutes=minutes, device="cpu", settings=given, start="nothing")
    model.engine_name = "torch"
    started, scores = time.perf_counter(), []
    values = sorted({int(value) for _, truth in test for value in np.unique(truth)} - {0})
    for image, truth in test:
        if orientation == "three":
            found = model.predict_volume(image).classes
        else:
            ranges = model.grey_ranges(list(image))
            found = np.stack([model.predict(plane, ranges=own).classes for plane, own in zip(image, ranges, strict=True)])
        scores.append([dice(found, truth, value) for value in values])
    seconds = (time.perf_counter() - started) / len(test)
    of_volume = [statistics.mean(one) for one in scores]
    return {
        "way": way, "seed": seed, "steps": model.info.training.steps,
        "dice": [float(np.mean(of)) for of in zip(*scores, strict=True)],
        "mean": statistics.mean(of_volume), "worst": min(of_volume), "seconds_per_volume": seconds,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--ways", default=",".join(WAYS), help="some of: " + "; ".join(WAYS))
    parser.add_argument("--train", type=int, default=10)
    parser.add_argument("--test", type=int, default=20)
    parser.add_argument("--set", action="append", default=[], metavar="SETTING")
    parser.add_argument("--out", type=Path, help="folder for volumes.json and volumes.md; none: print only")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    about = facts("torch", "numpy")
    names = sorted(path.name for path in (options.data / "images").iterdir())
    train, test = names[: options.train], read(options.data, names[options.train :][: options.test])
    rows = []
    for seed in map(int, options.seeds.split(",")):
        for way in options.ways.split(","):
            rows.append(run(way, options.data, train, test, options.minutes, seed, options.set))
            print(rows[-1], flush=True)
    if options.out is not None:
        result = {**about, "minutes": options.minutes, "threads": options.threads, "settings": options.set, "rows": rows}
        write_result(options.out, "volumes", result, page(options, about, rows))
    return 0


def page(options: argparse.Namespace, about: dict, rows: list) -> str:
    lines = [
        "# Volumes of classes by networks of planes",
        "",
        heading(about),
        "",
        f"    {about['command']}",
        "",
        f"{options.train} volumes of {options.data.name} train, {options.test} others are scored; {options.minutes:g} minutes,",
        f"{options.threads} core(s). Dice of each class is the mean over the volumes. The worst volume has the lowest mean",
        "over its classes. Crops are turned by at most 15 degrees and not mirrored: these volumes lie the same way round.",
        "",
        "| way | seed | steps | Dice of each class | mean | worst volume | s a volume |",
        "|---|---:|---:|---|---:|---:|---:|",
    ]
    for row in rows:
        each = ", ".join(f"{value:.3f}" for value in row["dice"])
        lines.append(
            f"| {row['way']} | {row['seed']} | {row['steps']:,} | {each} | {row['mean']:.3f} | {row['worst']:.3f} | "
            f"{row['seconds_per_volume']:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
