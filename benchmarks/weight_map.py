"""How long does the weight map of Eq. 2 take? Ours against one distance transform an object; one thread.

The job that all do: from an instance map of touching cells to w(x), with w0 = 10 and sigma = 5 px, the ridge between
the cells cut beforehand for the peers and cut inside the time for ours.

    python benchmarks/weight_map.py --out benchmarks/results

- SciPy, whole image: the common way, one Euclidean distance transform an object, the two smallest kept. On the large
  image a few objects are measured and the time is multiplied up.
- SciPy, boxes: the same, each object within its own box and 32 px round it, beyond which the term is under 2^-26. The
  best that we could make of SciPy, and exact; our check on the large image.
- edt: the whole-image way with that package, where it can be imported (``pip install --target peers edt`` and
  ``PYTHONPATH=peers``). No dependency of ours.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects
from scipy.spatial import cKDTree

import unseam
from common import facts, heading, write_result
from unseam.geometry.two_nearest import two_nearest
from unseam.heads.objects import Objects
from unseam.heads.ridge import cut_ridge

W0, SIGMA, REACH, SAMPLE = 10.0, 5.0, 32, 12
Row = dict[str, object]


def touching_cells(size: int, num_cells: int) -> np.ndarray:
    """Regions of the nearest of random points, rounded off at a radius: two thirds of the picture is cells."""
    seeds = np.random.default_rng(0).random((num_cells, 2)) * size
    pixels = np.stack(np.mgrid[:size, :size], axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(seeds).query(pixels)
    return np.where(distance < 0.62 * size / np.sqrt(num_cells), nearest + 1, 0).reshape(size, size).astype(np.int32)


def keep_two(distance: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    np.minimum(second, np.maximum(first, distance), out=second)
    np.minimum(first, distance, out=first)


def weights(objects: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (1 + (objects == 0) * W0 * np.exp(-((first + second) ** 2) / (2 * SIGMA**2))).astype(np.float32)


def whole_image(objects: np.ndarray, ids: np.ndarray, transform: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    first, second = np.full((2, *objects.shape), np.inf)
    for number in ids:
        keep_two(transform(objects != number), first, second)
    return weights(objects, first, second)


def in_boxes(objects: np.ndarray) -> np.ndarray:
    first, second = np.full((2, *objects.shape), np.inf)
    for number, box in enumerate(find_objects(objects), start=1):
        if box is not None:
            near = tuple(slice(max(side.start - REACH, 0), side.stop + REACH) for side in box)
            keep_two(distance_transform_edt(objects[near] != number), first[near], second[near])
    return weights(objects, first, second)


def edt_package(is_other: np.ndarray) -> np.ndarray:
    import edt

    return edt.edt(is_other, parallel=1)


def timed(job: Callable[[], object], repeats: int) -> list[float]:
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def row(what: str, taken: list[float], factor: float = 1.0) -> Row:
    return {
        "what": what,
        "median_ms": statistics.median(taken) * factor,
        "least_ms": min(taken) * factor,
        "repeats": len(taken),
        "multiplied_up_from_objects": None if factor == 1.0 else SAMPLE,
    }


def measure(size: int, num_cells: int, repeats: int) -> dict[str, object]:
    cells = touching_cells(size, num_cells)
    separate = cut_ridge(cells)
    ids = np.unique(separate[separate > 0])
    some, factor = (ids, 1.0) if size <= 512 else (ids[:SAMPLE], len(ids) / SAMPLE)

    def ours() -> np.ndarray:
        return unseam.weight_map(cells, w0=W0, sigma=SIGMA)

    ours()
    rows = [row("unseam: weight_map", timed(ours, repeats))]
    rows.append(row("unseam: of that, cutting the ridge", timed(lambda: cut_ridge(cells), repeats)))
    rows.append(row("unseam: of that, the two distances", timed(lambda: two_nearest(separate, REACH), repeats)))
    peers = max(5, repeats // 4)
    rows.append(row("SciPy: one transform an object, boxes", timed(lambda: in_boxes(separate), peers)))
    whole = timed(lambda: whole_image(separate, some, distance_transform_edt), 5)
    rows.append(row("SciPy: one transform an object, whole image", whole, factor))
    try:
        edt_package(separate != 1)
        with_edt = timed(lambda: whole_image(separate, some, edt_package), 5)
        rows.append(row("edt: one transform an object, whole image", with_edt, factor))
    except ImportError:
        pass
    for each in rows:
        is_part = "of that" in str(each["what"])
        each["ratio"] = None if is_part else float(each["median_ms"]) / float(rows[0]["median_ms"])  # type: ignore[arg-type]
    exact = in_boxes(separate) if factor != 1.0 else whole_image(separate, ids, distance_transform_edt)
    return {
        "size": size,
        "objects": len(ids),
        "rows": rows,
        "largest_difference": float(np.abs(ours() - exact).max()),
    }


def measure_objects(size: int, num_cells: int, repeats: int) -> dict[str, object]:
    """The way back: from the foreground of a net that has learnt the cut map to objects."""
    foreground = (cut_ridge(touching_cells(size, num_cells)) > 0).astype(np.float32)
    found = Objects()(foreground)
    taken = timed(lambda: Objects()(foreground), repeats)
    return {"size": size, "cells": num_cells, "found": int(found.max()), "median_ms": statistics.median(taken)}


def as_markdown(result: dict) -> str:
    text = [
        "# The weight map of Eq. 2, one thread",
        "",
        f"{heading(result)} · medians",
        "",
        f"    {result['command']}",
        "",
        "Touching cells, w0 = 10, sigma = 5 px. Peers are given the map with the ridge cut already.",
    ]
    for scene in result["scenes"]:
        text += [
            "",
            f"## {scene['size']} x {scene['size']} px, {scene['objects']} objects",
            "",
            "| what | median ms | least ms | times ours |",
            "|---|---:|---:|---:|",
        ]
        for each in scene["rows"]:
            ratio = "" if each["ratio"] is None else f"{each['ratio']:.1f}"
            sampled = each["multiplied_up_from_objects"]
            note = f" (multiplied up from {sampled} objects)" if sampled else ""
            text.append(f"| {each['what']}{note} | {each['median_ms']:.1f} | {each['least_ms']:.1f} | {ratio} |")
        text += ["", f"Largest difference from the exact map: {scene['largest_difference']:.1e}."]
    back = result["objects"]
    text += [
        "",
        f"The way back, `Objects()` on {back['size']} x {back['size']} px: {back['found']} of {back['cells']} cells "
        f"in {back['median_ms']:.0f} ms.",
        "",
    ]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for weight_map.json and weight_map.md; without it, print only")
    parser.add_argument("--repeats", type=int, default=20, help="times that each of our jobs is run (default 20)")
    chosen = parser.parse_args()
    result = {
        **facts("numpy", "scipy", "edt"),
        "scenes": [measure(512, 200, chosen.repeats), measure(2048, 2000, max(5, chosen.repeats // 2))],
        "objects": measure_objects(2048, 1000, max(5, chosen.repeats // 4)),
    }
    text = as_markdown(result)
    print(text)
    if chosen.out:
        write_result(chosen.out, "weight_map", result, text)


if __name__ == "__main__":
    main()
