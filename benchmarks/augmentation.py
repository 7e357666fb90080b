"""How long does one augmented crop take? Ours, SciPy, and the peers that are installed; one thread, one job.

The job that all do: deform a 572 x 572 px image and its label map by random vectors of 10 px standard deviation on a
3 x 3 lattice; image cubic, labels nearest, border mirrored. Ours also does more: the whole recipe of the paper.

    python benchmarks/augmentation.py --out benchmarks/results

Peers are measured where they can be imported and named where they cannot; none is a dependency. To have them:

    pip install --target peers --no-deps monai==1.6.1
    pip install --target peers --no-deps --no-binary elasticdeform --no-build-isolation elasticdeform==0.5.1
    PYTHONPATH=peers python benchmarks/augmentation.py
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import map_coordinates, zoom

from common import facts, heading, write_result
from unseam.augment import Augment, Elastic

SIZE, OUTPUT, GRID, SIGMA = 572, 388, 3, 10.0
Job = Callable[[], object]


def sample(channels: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise and discs: what the values are makes no difference to any of the programs."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size]
    classes = ((np.sin(rows / 15) * np.sin(columns / 15)) > 0).astype(np.uint8)
    image = classes * 0.5 + rng.random((channels, size, size)) * 0.5
    return image.astype(np.float32), classes, rng.random((size, size), dtype=np.float32)


def ours(augment: Augment, *, channels: int = 1, size: int = SIZE, output: int = OUTPUT, weights: bool = False) -> Job:
    image, classes, weight_map = sample(channels, size)
    middle, rng = (size - 1) / 2, np.random.default_rng(1)
    return lambda: augment(
        image,
        classes,
        weight_map if weights else None,
        centre=(middle, middle),
        input_size=SIZE,
        output_size=output,
        rng=rng,
    )


def with_scipy() -> Job:
    image, classes, _ = sample(1, SIZE)
    places, rng = np.mgrid[:SIZE, :SIZE].astype(np.float64), np.random.default_rng(1)

    def job() -> object:
        vectors = rng.normal(0, SIGMA, (2, GRID, GRID))
        at = places + [zoom(v, SIZE / GRID, order=3, mode="mirror") for v in vectors]
        return map_coordinates(image[0], at, order=3, mode="mirror"), map_coordinates(classes, at, order=0, mode="mirror")

    return job


def with_elasticdeform() -> Job:
    import elasticdeform

    image, classes, _ = sample(1, SIZE)
    return lambda: elasticdeform.deform_random_grid([image[0], classes], sigma=SIGMA, points=GRID, order=[3, 0], mode="mirror")


def with_monai() -> Job:
    from monai.transforms import Rand2DElasticd

    image, classes, _ = sample(1, SIZE)
    both = {"image": torch.from_numpy(image), "classes": torch.from_numpy(classes)[None]}
    deform = Rand2DElasticd(
        keys=("image", "classes"),
        spacing=(SIZE / (GRID - 1),) * 2,
        magnitude_range=(SIGMA, SIGMA),
        prob=1.0,
        mode=("bicubic", "nearest"),
        padding_mode="reflection",
    )
    deform.set_random_state(1)
    return lambda: deform(both)


def milliseconds(job: Job, repeats: int) -> list[float]:
    for _ in range(3):
        job()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def measure(repeats: int) -> tuple[list[dict[str, object]], list[str]]:
    elastic = Augment(elastic=Elastic(GRID, SIGMA), rotate=None, mirror=None, grey=None)
    jobs: list[tuple[str, bool, Callable[[], Job]]] = [
        ("unseam: elastic, labels 572", True, lambda: ours(elastic, output=SIZE)),
        ("SciPy: zoom + map_coordinates", True, with_scipy),
        ("elasticdeform", True, with_elasticdeform),
        ("MONAI: Rand2DElasticd", True, with_monai),
        ("unseam: elastic + rotation + mirroring, labels 388", False, lambda: ours(Augment(grey=None))),
        ("unseam: the paper's recipe, labels 388", False, lambda: ours(Augment())),
        ("the same, image of 2000 px, with weight map", False, lambda: ours(Augment(), size=2000, weights=True)),
        ("the same, 3 channels", False, lambda: ours(Augment(), size=2000, weights=True, channels=3)),
    ]
    rows: list[dict[str, object]] = []
    missing = []
    for name, is_same_job, prepare in jobs:
        try:
            job = prepare()
        except ImportError as error:
            missing.append(f"{name}: not measured ({error})")
            continue
        taken = milliseconds(job, repeats)
        rows.append({"what": name, "same_job": is_same_job, "median_ms": statistics.median(taken), "least_ms": min(taken)})
    reference = rows[0]["median_ms"]
    for row in rows:
        row["ratio"] = row["median_ms"] / reference if row["same_job"] else None  # type: ignore[operator]
    return rows, missing


def markdown(report: dict) -> str:
    lines = [
        "# One augmented crop, one thread",
        "",
        f"{heading(report)} · median of {report['repeats']}",
        "",
        f"    {report['command']}",
        "",
        "The same job for the rows with a ratio: a 572 x 572 px image (cubic) and its labels (nearest), deformed by a",
        "3 x 3 lattice of random vectors, border mirrored. MONAI draws its vectors from a uniform distribution.",
        "",
        "| what | median ms | least ms | times ours |",
        "|---|---:|---:|---:|",
    ]
    for row in report["rows"]:
        ratio = f"{row['ratio']:.1f}" if row["ratio"] else ""
        lines.append(f"| {row['what']} | {row['median_ms']:.1f} | {row['least_ms']:.1f} | {ratio} |")
    return "\n".join([*lines, "", *report["missing"]]).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for augmentation.json and augmentation.md")
    parser.add_argument("--repeats", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    about = facts("torch", "numpy", "scipy", "elasticdeform", "monai")
    rows, missing = measure(options.repeats)
    report = {
        **about,
        "repeats": options.repeats,
        "rows": rows,
        "missing": missing,
    }
    print(markdown(report))
    if options.out:
        write_result(options.out, "augmentation", report, markdown(report))


if __name__ == "__main__":
    main()
