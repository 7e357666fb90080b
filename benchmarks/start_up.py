"""How long until something happens? The command's help, the import, and the first image, each in a fresh process.

    python benchmarks/start_up.py --out benchmarks/results

Seconds of the processor (user and system, all threads) and on the clock, over those of a bare interpreter: medians.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from common import facts, heading, write_result
from unseam.engines.choose import has_openvino
from unseam.model import Model
from unseam.model.model_file import ModelInfo
from unseam.nets import UNetConfig


def timed(*arguments: str) -> tuple[float, float]:
    """(processor, clock) seconds of one fresh interpreter."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock


def measure(repeats: int, folder: Path) -> list[dict[str, object]]:
    tifffile.imwrite(folder / "image.tif", np.random.default_rng(0).integers(0, 256, (512, 512), np.uint8))
    jobs = {
        "a bare interpreter": ("-c", "pass"),
        "import unseam": ("-c", "import unseam"),
        "unseam --help": ("-m", "unseam", "--help"),
    }
    jobs["unseam predict --help"] = ("-m", "unseam", "predict", "--help")
    for name, config in {"default": UNetConfig(first_width=16), "paper": UNetConfig()}.items():
        model = folder / f"{name}.safetensors"
        Model(config.build(), ModelInfo(net=config), "cpu").save(model)
        for engine in ("openvino", "torch") if has_openvino() else ("torch",):
            jobs[f"first image, 512 x 512 px, {name} network, {engine}"] = (
                *("-m", "unseam", "predict", str(model), str(folder / "image.tif")),
                *("--out", str(folder / "out"), "--overwrite", "--engine", engine),
            )
    rows = []
    for what, arguments in jobs.items():
        timed(*arguments)  # so that files are in the page cache, and compiled
        times = [timed(*arguments) for _ in range(repeats)]
        processor, clock = (statistics.median(column) for column in zip(*times, strict=True))
        rows.append({"what": what, "processor_s": processor, "clock_s": clock})
    return rows


def markdown(report: dict) -> str:
    bare = report["rows"][0]
    lines = [
        "# Start-up, each time in a fresh process",
        "",
        f"{heading(report)} · median of {report['repeats']}",
        "",
        f"    {report['command']}",
        "",
        "| what | processor s | clock s | processor s over a bare interpreter |",
        "|---|---:|---:|---:|",
    ]
    for row in report["rows"]:
        over = row["processor_s"] - bare["processor_s"]
        lines.append(f"| {row['what']} | {row['processor_s']:.3f} | {row['clock_s']:.3f} | {over:.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, help="folder for start_up.json and start_up.md")
    options = parser.parse_args()
    about = facts("torch", "openvino", "numpy", "cyclopts")
    with tempfile.TemporaryDirectory() as name:
        rows = measure(options.repeats, Path(name))
    report = {**about, "repeats": options.repeats, "rows": rows}
    print(markdown(report))
    if options.out:
        write_result(options.out, "start_up", report, markdown(report))


if __name__ == "__main__":
    main()
