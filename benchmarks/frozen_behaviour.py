"""Freeze what the product computes: hashes of every array that training, prediction and scoring produce.

A change of structure must leave all hashes as they are. Run it before and after, with the same processor and versions:

    python benchmarks/frozen_behaviour.py --out before.json
    python benchmarks/frozen_behaviour.py --out after.json --compare before.json

It uses the command line only, so that it does not depend on where things lie in the package. The images are drawn here
from a fixed seed. Three models are trained for 200 steps each: objects, classes, and two values with two folds.
"""

import argparse
import csv
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from safetensors.numpy import load_file
from scipy import ndimage

SMALL = ["net.unet.first_width=4", "net.unet.depth=3", "training.output_size=64", "training.precision=float32"]
TRAININGS = {"instances": [], "classes": [], "binary": ["--folds", "2"]}


def main() -> None:
    """Run everything, write the hashes, and compare them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hashes = {}
        for kind, options in TRAININGS.items():
            hashes |= hashes_of(Path(folder) / kind, kind, options, arguments.steps)
    result = {"python": platform.python_version(), "machine": platform.machine(), "steps": arguments.steps, "hashes": hashes}
    arguments.out.write_text(json.dumps(result, indent=1))
    print(f"{len(hashes)} hashes -> {arguments.out}")
    if arguments.compare:
        sys.exit(compare(json.loads(arguments.compare.read_text())["hashes"], hashes))


def compare(before: dict[str, str], after: dict[str, str]) -> int:
    """Print every hash that is not the same; 1 if there is one."""
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    for name in changed:
        print(f"CHANGED {name}: {before.get(name)} -> {after.get(name)}")
    print(f"{len(before)} before, {len(changed)} changed")
    return bool(changed)


def hashes_of(folder: Path, kind: str, options: list[str], steps: int) -> dict[str, str]:
    """Train, predict in memory and chunk by chunk, evaluate; a hash of each array."""
    draw_data(folder / "data", kind)
    settings = [word for setting in SMALL for word in ("--set", setting)]
    unseam("train", folder / "data", "--out", folder / "run", "--steps", steps, "--masks", kind, *options, *settings)
    found = {f"{kind} weights {name}": sha(w) for name, w in load_file(folder / "run" / "model.safetensors").items()}
    for path in sorted((folder / "run").rglob("history.csv")):
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(path.open())]
        found[f"{kind} {path.relative_to(folder)}"] = sha(json.dumps(rows).encode())
    images = folder / "data" / "images"
    many = ("--save", "both", "--probabilities")
    for name, more in {"plain": (), "small tiles": ("--tile", "128"), "flips": ("--average", "flips")}.items():
        for engine in ("torch", "openvino"):
            out = folder / f"{name} {engine}"
            unseam("predict", folder / "run", images, "--out", out, *many, "--engine", engine, *more)
            for path in sorted(out.glob("*.tif")):
                found[f"{kind} {name} {engine} {path.name}"] = sha(tifffile.imread(path))
    wide = np.concatenate([tifffile.imread(path) for path in sorted(images.iterdir())[:3]], axis=1)
    tifffile.imwrite(folder / "wide.tif", np.concatenate([wide, wide[::-1]]))
    words = ("--engine", "torch", "--tile", "128")
    large = {"a.zarr": ("both", "--probabilities-as", "float16"), "b.tif": ("classes",), "c.tif": ("instances",)}
    for name, more in large.items():
        unseam("predict", folder / "run", folder / "wide.tif", "--out", folder / name, *words, "--save", *more)
    for path in sorted([*(folder / "a.zarr").rglob("*"), *(folder / "a-prob.zarr").rglob("*")]):
        if path.is_file() and path.suffix != ".json":
            found[f"{kind} chunked {path.relative_to(folder)}"] = sha(path.read_bytes())
    for name in ("b.tif", "c.tif"):
        with tifffile.TiffFile(folder / name) as file:
            for index, level in enumerate(file.series[0].levels):
                found[f"{kind} chunked {name} {index}"] = sha(level.asarray())
    truth, scores = folder / "data" / "masks", folder / "scores.json"
    predicted = folder / "only"
    predicted.mkdir()
    for path in (folder / "plain torch").glob("*_masks.tif" if kind == "instances" else "*_classes.tif"):
        path.rename(predicted / path.name)
    unseam("evaluate", predicted, truth, "--masks", kind, "--json", scores, "--no-report")
    figures = json.loads(scores.read_text())
    for image, row in figures["images"].items() if isinstance(figures.get("images"), dict) else enumerate(figures["images"]):
        for name, value in row.items():
            found[f"{kind} score {image} {name}"] = repr(value)
    for name, value in figures["all"].items():
        found[f"{kind} score all {name}"] = repr(value)
    return found


def draw_data(folder: Path, kind: str) -> None:
    """Six images of 160 x 150 px with touching discs, noise and a slope of brightness; their masks of one kind."""
    chance = np.random.default_rng(20151118)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for index in range(6):
        objects = np.zeros((160, 150), np.uint16)
        rows, columns = np.mgrid[:160, :150]
        for number in range(1, 25):
            row, column, radius = chance.uniform(0, 160), chance.uniform(0, 150), chance.uniform(6, 14)
            objects[np.hypot(rows - row, columns - column) < radius] = number
        bright = np.isin(objects, np.arange(1, 25, 2))
        picture = 60 + 90 * bright + 50 * (objects > 0) + rows * 0.2 + chance.normal(0, 12, objects.shape)
        picture = ndimage.gaussian_filter(picture, 1.0)
        masks = {
            "instances": objects,
            "classes": np.where(bright, 2, objects > 0).astype(np.uint8),
            "binary": ((objects > 0) * 255).astype(np.uint8),
        }
        tifffile.imwrite(folder / "images" / f"x{index}.tif", picture.clip(0, 255).astype(np.uint8))
        tifffile.imwrite(folder / "masks" / f"x{index}.tif", masks[kind])


def unseam(*words: object) -> None:
    """One call of the command line, on one thread: sums in another order would be other sums."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "unseam", *map(str, words)], check=False, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"unseam {words}: {done.returncode}\n{done.stdout}\n{done.stderr}")


def sha(array: np.ndarray | bytes) -> str:
    """Of the bytes, with type and shape."""
    if isinstance(array, bytes):
        return hashlib.sha256(array).hexdigest()[:16]
    head = f"{array.dtype} {array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


if __name__ == "__main__":
    main()
