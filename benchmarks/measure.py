"""How long does a table of objects take, beside scikit-image, and how much memory does it take for an image larger than that?

Part one measures the same map of 5,000 ellipses and an image of two channels with ``unseam.measure`` and with
``skimage.measure.regionprops_table``, the same properties. Part two lays a field of 3,000 x 3,000 px with 1,112 ellipses
ten times ten times into an OME-Zarr of 30,000 x 30,000 px, with new numbers each time, measures it in a process of its own, and
compares the rows of one field with those of the field in memory. The peak is that of the process (VmHWM), libraries and all.

    python benchmarks/measure.py --scratch BIG_FOLDER --out benchmarks/results

Linux only. The scratch folder takes about 60 MB.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from skimage.draw import ellipse

from common import facts, heading, write_result

FIELD, CHUNK, REPEATS = 3000, 1000, 10
IN_SCIKIT_IMAGE = (
    "label", "area", "centroid", "bbox", "perimeter", "feret_diameter_max", "axis_major_length", "axis_minor_length",
    "equivalent_diameter_area", "orientation", "eccentricity", "solidity", "intensity_mean", "intensity_std",
    "intensity_min", "intensity_max",
)  # fmt: skip


def ellipses(side: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return a map of about ``number`` ellipses on a loose grid; a few touch each other, and none touches the border."""
    labels = np.zeros((side, side), np.int32)
    a_row = int(np.ceil(number**0.5))
    step = side / a_row
    for one in range(1, number + 1):
        row, column = divmod(one - 1, a_row)
        middle = np.clip(
            [(row + 0.5) * step, (column + 0.5) * step] + rng.uniform(-0.1, 0.1, 2) * step, step / 2, side - step / 2
        )
        radii = rng.uniform(0.28, 0.48, 2) * step
        rows, columns = ellipse(*middle, *radii, shape=labels.shape, rotation=rng.uniform(0, np.pi))
        labels[rows, columns] = one
    return labels


def clocks() -> tuple[float, float]:
    """On the wall, and of this process alone: the second one is honest on a core that others use, too."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> list[float]:
    return [now - before for now, before in zip(clocks(), began, strict=True)]


def in_memory(side: int = 2048, number: int = 5000, tries: int = 5) -> dict[str, object]:
    """Seconds of both, the fastest of several tries, and the largest relative difference of a number."""
    from skimage.measure import regionprops_table

    import unseam

    rng = np.random.default_rng(0)
    labels = ellipses(side, number, rng)
    image = rng.integers(0, 2**16, (side, side, 2)).astype(np.uint16)
    seconds = []
    for _ in range(tries):
        began = clocks()
        ours = unseam.measure(labels, image).objects
        seconds.append(since(began))
    began = clocks()
    theirs = regionprops_table(labels, image, properties=IN_SCIKIT_IMAGE)
    slow = since(began)
    same = {
        "area": "area_px",
        "perimeter": "perimeter_px",
        "feret_diameter_max": "feret_diameter_max_px",
        "solidity": "solidity",
    }
    same |= {
        "axis_major_length": "axis_major_length_px",
        "intensity_mean-1": "intensity_mean_c1",
        "intensity_std-0": "intensity_std_c0",
    }
    apart = max(float(np.abs(theirs[key] / ours[name] - 1).max()) for key, name in same.items())
    return {"side": side, "objects": len(ours), "seconds": seconds, "scikit_image_seconds": slow, "largest_difference": apart}


def write_large(folder: Path, repeats: int) -> tuple[Path, Path]:
    """The labels, whose numbers differ from field to field, and an image whose equal chunks are one file with many names."""
    import zarr

    rng = np.random.default_rng(1)
    labels = ellipses(FIELD, 1112, rng).astype(np.uint32)
    image = rng.integers(0, 2**16, (FIELD, FIELD)).astype(np.uint16)
    paths = folder / "large_seg.ome.zarr", folder / "large.ome.zarr"
    side, a_field = repeats * FIELD, FIELD // CHUNK
    arrays = []
    for path, dtype in zip(paths, (np.uint32, np.uint16), strict=True):
        shutil.rmtree(path, ignore_errors=True)
        group = zarr.open_group(path, mode="w", zarr_format=3)
        codec = zarr.codecs.ZstdCodec(level=1)
        arrays.append(group.create_array("0", shape=(side, side), chunks=(CHUNK, CHUNK), dtype=dtype, compressors=codec))
        axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
        scale = {"type": "scale", "scale": [0.5, 0.5]}
        datasets = [{"path": "0", "coordinateTransformations": [scale]}]
        group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    arrays[1][:FIELD, :FIELD] = image
    chunks = paths[1] / "0/c"
    for row in range(repeats * a_field):
        (chunks / str(row)).mkdir(exist_ok=True)
        for column in range(repeats * a_field):
            if row >= a_field or column >= a_field:
                os.link(chunks / str(row % a_field) / str(column % a_field), chunks / str(row) / str(column))
    for field in range(repeats**2):
        top, left = (FIELD * place for place in divmod(field, repeats))
        numbered = np.where(labels > 0, labels + np.uint32(field * labels.max()), np.uint32(0))
        arrays[0][top : top + FIELD, left : left + FIELD] = numbered
    return paths


def measure_large(masks: Path, images: Path, repeats: int) -> dict[str, object]:
    """In this process, which does nothing else; then the rows of the last field beside the field in memory."""
    import unseam
    from memory import peak_bytes
    from unseam.io.large import open_large

    began = clocks()
    found = unseam.measure(masks, images, holds="instances").objects
    seconds, peak = since(began), peak_bytes()
    last = slice((repeats - 1) * FIELD, repeats * FIELD)
    labels, image = (open_large(path)[0].read(0, last, last) for path in (masks, images))
    field = unseam.measure(labels, image, spacing_um=0.5).objects
    rows = found.where(np.isin(found["id"], field["id"]))
    moved = ("image", "touches_border")
    differ = []
    for name in field.names:
        if name not in moved:
            shift = last.start * (0.5 if name.endswith("_um") else 1) if name.startswith(("centroid", "bbox")) else 0
            if not np.allclose(rows[name] - shift, field[name], rtol=1e-9, atol=1e-9):
                differ.append(name)
    return {"side": repeats * FIELD, "objects": len(found), "seconds": seconds, "peak": peak, "differing_columns": differ}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--large", action="store_true", help="only the second part, in this process")
    chosen = parser.parse_args()
    paths = chosen.scratch / "large_seg.ome.zarr", chosen.scratch / "large.ome.zarr"
    if chosen.large:
        print(json.dumps(measure_large(*paths, chosen.repeats)))
        return
    result = facts("numpy", "scikit-image", "scipy", "zarr")
    result["memory"] = in_memory()
    chosen.scratch.mkdir(parents=True, exist_ok=True)
    large = []
    for repeats in sorted({3, chosen.repeats}):
        write_large(chosen.scratch, repeats)
        words = ["--large", "--repeats", str(repeats), "--scratch", str(chosen.scratch)]
        done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
        large.append(json.loads(done.stdout.splitlines()[-1]))
    result["large"] = large
    text = as_markdown(result)
    print(text)
    if chosen.out is not None:
        write_result(chosen.out, "measure", result, text)


def as_markdown(result: dict) -> str:
    small = result["memory"]
    text = [
        "# Tables of objects: seconds and memory",
        "",
        f"{heading(result)} · one thread · MB of 10^6 bytes; peak of the whole process (VmHWM), libraries and all",
        "",
        f"    {result['command']}",
        "",
        f"A map of {small['side']} x {small['side']} px with {small['objects']:,} ellipses and an image of two channels, all",
        f"that is measured by default; the fastest of {len(small['seconds'])} tries for ours, one for scikit-image:",
        "",
        "| | s on the wall | s of the processor |",
        "|---|---:|---:|",
        f"| `unseam.measure` | {min(one[0] for one in small['seconds']):.2f} | {min(one[1] for one in small['seconds']):.2f} |",
        "| `skimage.measure.regionprops_table`, the same properties | "
        f"{small['scikit_image_seconds'][0]:.1f} | {small['scikit_image_seconds'][1]:.1f} |",
        "",
        f"Largest relative difference of a number: {small['largest_difference']:.1e}. The first try took "
        f"{small['seconds'][0][1]:.2f} s of the processor, imports included. "
        f"The load when it began was {result['load_at_start'][0]}.",
        "",
        "OME-Zarr of labels and an image of 16 bits, in windows of 1024 px, in a process of its own:",
        "",
        "| side px | objects | s on the wall | s of the processor | peak MB | columns that differ from the field in memory |",
        "|---:|---:|---:|---:|---:|---|",
    ]
    for row in result["large"]:
        differ = ", ".join(row["differing_columns"]) or "none"
        wall, own = row["seconds"]
        figures = f"{wall:.0f} | {own:.0f} | {row['peak'] / 1e6:.0f}"
        text.append(f"| {row['side']:,} | {row['objects']:,} | {figures} | {differ} |")
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    main()
