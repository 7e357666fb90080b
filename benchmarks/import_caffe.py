"""What does it take to import a network of the release's size from a file of Caffe: time, memory, and is it exact?

    python benchmarks/import_caffe.py --out benchmarks/results

The authors' file is not ours to pass on. A file is made with the names and shapes of their release and drawn weights, in each
of its three forms, and read in a fresh process for each repeat. "Difference" is the largest difference of a probability to the
same weights set one by one in the network, on an image of noise. HDF5 needs the extra ``unseam[hdf5]``; Linux for the memory.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from common import facts, heading, write_result

ROOT = Path(__file__).resolve().parents[1]
SIDE = 200  # px of the image that is predicted

IN_A_FRESH_PROCESS = """
import json, sys, time
from pathlib import Path
import unseam, torch
from unseam.api import importing

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def measured(work):
    Path("/proc/self/clear_refs").write_text("5")  # the peak is measured anew
    before, began, cpu = status("VmRSS"), time.perf_counter(), time.process_time()
    result = work()
    return result, {
        "clock_s": time.perf_counter() - began,
        "processor_s": time.process_time() - cpu,
        "bytes": status("VmHWM") - before,
    }

file, out = sys.argv[1:]
net, read = measured(lambda: importing.load_released(Path(file)))
del net
_, whole = measured(lambda: unseam.import_caffe(file, out, scale=255, device="cpu"))
print(json.dumps({"read": read, "whole": whole}))
"""


def make_files(folder: Path) -> tuple[dict[str, Path], dict[str, list[np.ndarray]]]:
    """Write the network in each form; the writer is that of the tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    from reference.caffe_files import caffemodel, hdf5
    from reference.released_arrays import arrays

    layers = arrays()
    files = {".caffemodel": folder / "new.caffemodel", ".caffemodel, V1": folder / "v1.caffemodel"}
    for form, path in zip(("new", "V1"), files.values(), strict=True):
        path.write_bytes(caffemodel(layers, form))
    if find_spec("h5py"):
        files[".caffemodel.h5"] = hdf5(folder / "net.caffemodel.h5", layers, with_diff=False)
    return files, layers


def in_fresh_process(file: Path, out: Path) -> dict[str, dict[str, float]]:
    words = [sys.executable, "-c", IN_A_FRESH_PROCESS, str(file), str(out)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def difference(folder: Path, layers: dict[str, list[np.ndarray]]) -> float:
    """Compare the probabilities of the imported model with those of the same weights, set one by one."""
    from reference.released_arrays import set_by_hand
    from unseam.data.normalise import Normalise
    from unseam.model import Model, ModelInfo
    from unseam.nets import ReleasedUNet

    net = set_by_hand(ReleasedUNet(), layers)
    by_hand = Model(net, ModelInfo(net=net.config, normalise=Normalise(fixed=(0, 255))), "cpu", engine="torch")
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE), np.uint8)
    found = Model.load(folder, "cpu", engine="torch").predict(image).probabilities
    return float(np.abs(found - by_hand.predict(image).probabilities).max())


def measure(repeats: int, folder: Path) -> list[dict]:
    files, layers = make_files(folder)
    rows = []
    for form, file in files.items():
        in_fresh_process(file, folder / f"{file.name}-0")  # so that it is in the page cache
        times = [in_fresh_process(file, folder / f"{file.name}-{number}") for number in range(1, repeats + 1)]
        row = {"form": form, "file_bytes": file.stat().st_size}
        for part in ("read", "whole"):
            row[part] = {name: statistics.median(one[part][name] for one in times) for name in times[0][part]}
        rows.append({**row, "difference": difference(folder / f"{file.name}-0", layers)})
    return rows


def markdown(report: dict) -> str:
    lines = [
        "# Importing a network of the release's size from a file of Caffe",
        "",
        f"{heading(report)} · one thread, median of {report['repeats']}, each in a fresh process, the file in the page cache",
        "",
        f"    {report['command']}",
        "",
        "31,100,354 weights, drawn. Memory is the peak above what the process holds before (Python, PyTorch); the weights "
        f"alone are {4 * 31_100_354 / 1e6:.0f} MB. The whole import (all) also computes the SHA-256 of the file, and writes "
        "and syncs the folder. The largest difference is that of a probability to the same weights set by hand.",
        "",
        "| file | MB | read, processor s | read, clock s | read, MB | all, processor s | all, clock s | all, MB "
        "| largest difference |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in report["rows"]:
        cells = [row["form"], f"{row['file_bytes'] / 1e6:.1f}"]
        for part in ("read", "whole"):
            one = row[part]
            cells += [f"{one['processor_s']:.2f}", f"{one['clock_s']:.2f}", f"{one['bytes'] / 1e6:.0f}"]
        lines.append("| " + " | ".join([*cells, f"{row['difference']:g}"]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="folder for import_caffe.json and import_caffe.md")
    options = parser.parse_args()
    about = facts("torch", "numpy", "safetensors", "h5py")
    with tempfile.TemporaryDirectory() as name:
        rows = measure(options.repeats, Path(name))
    report = {**about, "repeats": options.repeats, "rows": rows}
    print(markdown(report))
    if options.out:
        write_result(options.out, "import_caffe", report, markdown(report))


if __name__ == "__main__":
    main()
