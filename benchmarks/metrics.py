"""Do our scores agree with other programs', and how long do they take? One thread.

    python benchmarks/metrics.py --out benchmarks/results

Each metric is computed by us and by at least one independent program on the same made-up maps: touching cells parted by
membranes, and a prediction whose membranes lie elsewhere, gape here and there, and run where none is. A program that
cannot be imported is named and left out; none is a dependency. To have them all:

    pip install --target peers --no-deps py-ctcmetrics==1.3.3 stardist==0.9.2 csbdeep six numba llvmlite tqdm
    PYTHONPATH=peers python benchmarks/metrics.py

A metric is one function below that yields its cases, and its name in CASES.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from common import facts, heading, write_result
from unseam.metrics import (
    DET,
    SEG,
    AggregatedJaccard,
    AveragePrecision,
    CalibrationError,
    ImagePair,
    PanopticQuality,
    RandError,
    SurfaceDistance,
    VInfo,
    VRand,
    WarpingError,
    evaluate_class_maps,
    evaluate_instance_maps,
    every_metric,
)
from unseam.metrics.surface_distance import outlines

ROOT = Path(__file__).resolve().parents[1]
LARGE = (512, 200), (2048, 2000)
"""Sides in px, and cells."""


@dataclass(frozen=True)
class Program:
    """One program's way to the figure; ``None`` instead of a job where it cannot be imported."""

    name: str
    job: Callable[[], float] | None


@dataclass(frozen=True)
class Case:
    """One metric on one pair of maps: our program first, then the others."""

    metric: str
    data: str
    programs: tuple[Program, ...]


def cells(side: int, num_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted class map, 1 in cells and 0 in membranes some 4 px wide."""
    rng = np.random.default_rng(side)
    seeds = rng.random((num_cells, 2)) * side
    pixels = np.stack(np.mgrid[:side, :side], axis=-1).reshape(-1, 2)
    near, _ = cKDTree(seeds).query(pixels, k=2)
    depth = (near[:, 1] - near[:, 0]).reshape(side, side)
    shake = ndimage.gaussian_filter(rng.standard_normal((side, side)), 3)
    return (depth > 4).astype(np.uint8), (depth + 1.5 * shake / shake.std() > 4).astype(np.uint8)


def objects(side: int, num_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted instance map: the 4-connected cells of both class maps."""
    return tuple(ndimage.label(class_map)[0].astype(np.int32) for class_map in cells(side, num_cells))


def warping_cases() -> Iterator[Case]:
    """The reference counts all components before and after each flip, so it gets a small map."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        from reference.homotopic_warp import warp_by_counting
    except ImportError:
        reference = None
    else:

        def reference(truth: np.ndarray, predicted: np.ndarray) -> float:
            goal = predicted == 1
            warped = warp_by_counting(truth == 1, goal, np.ones(truth.shape, bool))
            return float((warped != goal).mean())

    for side, num_cells in ((36, 6), *LARGE):
        truth, predicted = cells(side, num_cells)
        job = None if reference is None or side > 100 else lambda t=truth, p=predicted: reference(t, p)
        others = [Program("plain reference: components counted before and after each flip", job)] if side < 100 else []
        ours = Program("unseam", lambda t=truth, p=predicted: WarpingError()(p, t).error)
        yield Case("warping error", size(side, num_cells), (ours, *others))


def rand_cases() -> Iterator[Case]:
    """scikit-image takes the predicted background for one object, so it is given an object a pixel."""
    from skimage.metrics import adapted_rand_error, variation_of_information

    for side, num_cells in LARGE:
        truth, predicted = objects(side, num_cells)
        lone = predicted.max() + 1 + np.arange(predicted.size, dtype=np.int32).reshape(predicted.shape)
        numbered = np.where(predicted == 0, lone, predicted)
        inside = truth > 0

        def information(truth: np.ndarray = truth, numbered: np.ndarray = numbered, inside: np.ndarray = inside) -> float:
            unknown_segment, unknown_cell = variation_of_information(truth[inside], numbered[inside])
            share = np.bincount(truth[inside]) / inside.sum()
            entropy = -float((share[share > 0] * np.log2(share[share > 0])).sum())
            mutual = entropy - unknown_cell
            return 2 * mutual / (entropy + mutual + unknown_segment)

        yield Case(
            "Rand error, instance maps",
            size(side, num_cells),
            (
                Program("unseam", lambda t=truth, p=predicted: RandError()(p, t).error),
                Program(
                    "scikit-image: adapted_rand_error",
                    lambda t=truth, n=numbered: adapted_rand_error(t, n, ignore_labels=(0,))[0],
                ),
            ),
        )
        yield Case(
            "V-Info without thinning, instance maps",
            size(side, num_cells),
            (
                Program("unseam", lambda t=truth, p=predicted: VInfo(is_thinned=False)(p, t).score),
                Program("scikit-image: variation_of_information", information),
            ),
        )
        for name, metric in (("V-Rand", VRand()), ("V-Info", VInfo())):
            ours = Program("unseam", lambda m=metric, t=truth, p=predicted: m(p, t).score)
            yield Case(f"{name}, instance maps", size(side, num_cells), (ours,))


def cell_tracking_cases() -> Iterator[Case]:
    """py-ctcmetrics reads its maps from TIFF files, so its time has the reading in it."""
    try:
        from ctc_metrics.metrics import det, seg
        from ctc_metrics.utils.representations import count_acyclic_graph_correction_operations as mend
        from ctc_metrics.utils.representations import match
    except ImportError:
        match = None
    for side, num_cells in LARGE:
        truth, predicted = objects(side, num_cells)
        theirs_seg = theirs_det = None
        if match is not None:
            import tifffile

            folder = Path(tempfile.mkdtemp())
            for name, instance_map in (("truth", truth), ("predicted", predicted)):
                tifffile.imwrite(folder / f"{name}.tif", instance_map.astype(np.uint16))

            def matched(folder: Path = folder) -> list[list]:
                return [[part] for part in match(str(folder / "truth.tif"), str(folder / "predicted.tif"))]

            def theirs_seg() -> float:
                labels, _, _, _, ious = matched()
                return seg(labels, ious)

            def theirs_det() -> float:
                parts = [2 * part for part in matched()]  # it needs two frames; the share stays the same
                tracks = [np.array([[k, 0, 1, 0] for k in labels[0]]) for labels in parts[:2]]
                return det(**mend(*tracks, *parts[:4]))

        for name, metric, theirs in (("SEG", SEG(), theirs_seg), ("DET", DET(), theirs_det)):
            ours = Program("unseam", lambda m=metric, t=truth, p=predicted: next(iter(m(p, t).columns().values())))
            yield Case(name, size(side, num_cells), (ours, Program("py-ctcmetrics, reading two TIFF files", theirs)))


def matching_cases() -> Iterator[Case]:
    """StarDist's matching lets an IoU be equal to the threshold; ours must be above it."""
    try:
        from stardist.matching import matching
    except ImportError:
        matching = None
    thresholds = AveragePrecision().thresholds
    for side, num_cells in LARGE:
        truth, predicted = objects(side, num_cells)
        theirs_ap = theirs_pq = None
        if matching is not None:

            def theirs_ap(t: np.ndarray = truth, p: np.ndarray = predicted) -> float:
                return float(np.mean([one.accuracy for one in matching(t, p, thresh=thresholds)]))

            def theirs_pq(t: np.ndarray = truth, p: np.ndarray = predicted) -> float:
                return float(matching(t, p, thresh=0.5).panoptic_quality)

        for name, metric, theirs in (
            ("average precision, 10 thresholds", AveragePrecision(), theirs_ap),
            ("panoptic quality", PanopticQuality(), theirs_pq),
        ):
            ours = Program("unseam", lambda m=metric, t=truth, p=predicted: next(iter(m(p, t).columns().values())))
            yield Case(name, size(side, num_cells), (ours, Program("StarDist: matching", theirs)))
        aji = Program("unseam", lambda t=truth, p=predicted: AggregatedJaccard()(p, t).index)
        yield Case("aggregated Jaccard, both forms", size(side, num_cells), (aji,))


def outline_cases() -> Iterator[Case]:
    """The other way to the nearest pixel: a distance transform of the whole image."""
    for side, num_cells in LARGE:
        truth, predicted = objects(side, num_cells)

        def by_transform(truth: np.ndarray = truth, predicted: np.ndarray = predicted) -> float:
            one, other = (outlines(labels, np.ones(truth.shape, bool)) for labels in (truth, predicted))
            there, back = (ndimage.distance_transform_edt(~b)[a] for a, b in ((one, other), (other, one)))
            return float(max(np.percentile(there, 95), np.percentile(back, 95)))

        ours = Program("unseam", lambda t=truth, p=predicted: SurfaceDistance().from_instance_maps(p, t).hausdorff95[1])
        programs = ours, Program("SciPy: distance_transform_edt of the outlines", by_transform)
        yield Case("Hausdorff 95 and surface Dice", size(side, num_cells), programs)


def whole_table_cases() -> Iterator[Case]:
    """All that a table of objects has, calibration included; the figure is SEG."""
    for side, num_cells in LARGE:
        truth, predicted = objects(side, num_cells)
        foreground = np.where(predicted > 0, 0.9, 0.1).astype(np.float32)
        probabilities = np.stack([1 - foreground, foreground])
        pair = ImagePair("image", predicted, truth, (1.0, 1.0), probabilities)
        is_cell = (truth > 0).astype(np.uint8)
        ours = Program("unseam", lambda p=probabilities, t=is_cell: CalibrationError()(p, t).error)
        yield Case("calibration error", size(side, num_cells), (ours,))
        whole = Program("unseam", lambda p=pair: float(evaluate_instance_maps([p], metrics=every_metric()).pooled()["seg"]))
        yield Case("all columns of unseam evaluate, from arrays", size(side, num_cells), (whole,))
        truth, predicted = cells(side, num_cells)
        two = ImagePair("image", predicted.astype(np.uint8), truth.astype(np.uint8), (1.0, 1.0), None)
        whole = Program("unseam", lambda p=two: float(evaluate_class_maps([p], metrics=every_metric()).pooled()["iou"]))
        yield Case("all columns of unseam evaluate, two classes", size(side, num_cells), (whole,))


CASES = (warping_cases, rand_cases, cell_tracking_cases, matching_cases, outline_cases, whole_table_cases)


def size(side: int, num_cells: int) -> str:
    return f"{side} x {side} px, {num_cells} cells"


def measure(case: Case, repeats: int, seconds: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for program in case.programs:
        row: dict[str, object] = {"metric": case.metric, "data": case.data, "program": program.name}
        if program.job is None:
            rows.append(row | {"missing": True})
            continue
        times: list[float] = []
        while len(times) < repeats and sum(times) < 1000 * seconds:
            begun = time.perf_counter()
            figure = program.job()
            times.append(1000 * (time.perf_counter() - begun))
        assert math.isfinite(figure)
        rows.append(row | {"figure": figure, "median_ms": statistics.median(times), "least_ms": min(times)})
    return rows


def table(result: dict) -> str:
    lines = [
        "# Our scores beside other programs', one thread",
        "",
        heading(result["facts"]) + " · medians",
        "",
        f"    {result['facts']['command']}",
        "",
        "| metric | maps | program | figure | differs from ours by | median ms | times ours |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    ours: dict[str, float] = {}
    for row in result["rows"]:
        start = f"| {row['metric']} | {row['data']} | {row['program']} |"
        if row.get("missing"):
            lines.append(f"{start} not installed | | | |")
        elif row["program"] == "unseam":
            ours = row
            lines.append(f"{start} {row['figure']:.6f} | | {row['median_ms']:.1f} | 1.0 |")
        else:
            times, gap = row["median_ms"] / ours["median_ms"], abs(row["figure"] - ours["figure"])
            lines.append(f"{start} {row['figure']:.6f} | {gap:.0e} | {row['median_ms']:.1f} | {times:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for metrics.json and metrics.md")
    parser.add_argument("--repeats", type=int, default=5, help="how often each program runs at most")
    parser.add_argument("--seconds", type=float, default=1.0, help="after which no further run is begun")
    arguments = parser.parse_args()
    taken = facts("numpy", "scipy", "scikit-image", "py-ctcmetrics", "stardist")
    rows = [row for cases in CASES for case in cases() for row in measure(case, arguments.repeats, arguments.seconds)]
    result = {"facts": taken, "rows": rows}
    print(table(result))
    if arguments.out:
        write_result(arguments.out, "metrics", result, table(result))


if __name__ == "__main__":
    main()
