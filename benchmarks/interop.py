"""How does each kind of result open in other people's programs? Writes one of each, opens it in each, and tells what they see.

    python benchmarks/interop.py --out benchmarks/results

The programs (interop.txt) get an environment of their own, made on first use in ``--env``; one that cannot be installed is
reported as such. ImageJ is that of Debian (``apt-get install imagej``), or any with ``--ij-jar``; it needs a JDK.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile

import unseam
from common import facts, heading, write_result
from unseam.io import read_image, write_label_map
from unseam.io.calibration import Calibration
from unseam.io.result import ImageLayout, create_image, link_series, mark_complete, open_level

HERE = Path(__file__).resolve().parent
PINNED = HERE / "interop.txt"
IJ_JAR = Path("/usr/share/java/ij.jar")
SAMPLE = Path(unseam.__file__).parent / "samples" / "axon-sem"
UM = Calibration((0.13, 0.13), 0.5, 30.0, (5.0, 1000.0, 2000.0), 60.0)
BOTH = ("--save", "both", "--objects-of", "class 1")
SMALL = ("--set", "net.unet.first_width=4", "--set", "training.output_size=132")


def run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def environment(folder: Path) -> Path:
    """Return the interpreter of an environment with the pinned programs; make it if it is not there."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "complete").exists():
        run(sys.executable, "-m", "venv", folder)
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        try:
            run(*pip, "-r", PINNED)
        except subprocess.CalledProcessError:  # one after the other, so that one that is not to be had costs only itself
            for line in PINNED.read_text().splitlines():
                if line and not line.startswith("#"):
                    subprocess.run([*map(str, pip), line], check=False, stdout=subprocess.DEVNULL)
        (folder / "complete").touch()
    return python


def write_source(path: Path, pixels: np.ndarray, axes: str, known: Calibration = UM) -> None:
    """Write an OME-Zarr image of one chunk, with our own writer: what it states is what results must state."""
    layout = ImageLayout(axes, pixels.shape, pixels.dtype, 4096, calibration=known, kind="classes", name=path.name)
    create_image(path, layout)
    array = open_level(path, 0)
    for leading in np.ndindex(*pixels.shape[:-2]):
        array.write(leading, (0, 0), pixels[leading])
    mark_complete(path, {})


def write_inputs(folder: Path) -> None:
    grey = next(read_image(path).pixels for path in sorted((SAMPLE / "images").iterdir()))
    grey = (grey if grey.ndim == 2 else grey[..., 0]).astype(np.uint8)[:300, :400]
    stack = np.stack([grey, grey[::-1], grey[:, ::-1]])
    imagej = {"imagej": True, "resolution": (1 / 0.13, 1 / 0.13)}
    tifffile.imwrite(folder / "plane.tif", grey, metadata={"unit": "um"}, **imagej)
    tifffile.imwrite(folder / "stack.tif", stack, metadata={"axes": "ZYX", "unit": "um", "spacing": 0.5}, **imagej)
    tifffile.imwrite(folder / "movie.tif", stack, metadata={"axes": "TYX", "unit": "um", "finterval": 30.0}, **imagej)
    write_source(folder / "slide.ome.zarr", np.tile(grey, (5, 4)), "YX")
    write_source(folder / "volume.ome.zarr", np.stack([stack, stack]), "TZYX")
    layouts = {
        name: ImageLayout("YX", grey.shape, grey.dtype, 4096, calibration=UM, kind="classes", name=f"position {name}")
        for name in ("0", "1")
    }
    link_series(folder / "series.ome.zarr", layouts)
    for name in layouts:
        write_source(folder / "series.ome.zarr" / name, grey, "YX")


def write_results(folder: Path, steps: int) -> Path:
    """Write one result of each kind, by the command line; return their folder."""
    inputs, results = folder / "inputs", folder / "results"
    for one in (inputs, results):
        one.mkdir()
    write_inputs(inputs)
    unseam_ = (sys.executable, "-m", "unseam")
    run(*unseam_, "train", SAMPLE, "--out", folder / "model", "--steps", steps, *SMALL)
    predict = (*unseam_, "predict", folder / "model")
    small = [inputs / f"{name}.tif" for name in ("plane", "stack", "movie")]
    run(*predict, *small, "--out", results, *BOTH, "--probabilities")
    for name, kind in (("slide", "uint8"), ("volume", "float16"), ("series", "uint8")):
        out = results / f"{name}-seg.ome.zarr"
        run(*predict, inputs / f"{name}.ome.zarr", "--out", out, *BOTH, "--probabilities-as", kind)
    for save in (("--save", "classes"), ("--save", "instances", *BOTH[2:])):
        run(*predict, inputs / "slide.ome.zarr", "--out", results / f"slide-{save[1]}.ome.tif", *save)
    many = np.arange(300 * 400, dtype=np.uint32).reshape(300, 400)
    write_label_map(results / "many_masks.tif", many, UM.pixel_um)
    return results


def markdown(report: dict) -> str:
    lines = [
        "# Results in other people's programs",
        "",
        heading(report),
        "",
        f"    {report['command']}",
        "",
        f"Programs: {', '.join(report['programs'])}; {report['imagej']}. The model was trained for {report['steps']} steps "
        "only: the pictures are bad, and the files are real.",
        "",
        "What went in: ImageJ TIFFs of 0.13 um a pixel (a plane; a stack, planes 0.5 um apart; a movie, 30 s a frame), and "
        "OME-Zarr with 0.13 um, 0.5 um, 30 s, at z 5, y 1000, x 2000 um and t 60 s.",
    ]
    for name, answers in report["results"].items():
        lines += [
            "",
            f"## {name}",
            "",
            "| program | part | axes | shape | spacing | range | names |",
            "|---|---|---|---|---|---|---|",
        ]
        for program, found in answers:
            rows = [{"part": found}] if isinstance(found, str) else found
            for one in rows:
                cells = [
                    str(one.get(column, "")).replace("|", "/")
                    for column in ("part", "axes", "shape", "spacing", "range", "names")
                ]
                lines.append(f"| {program} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    key = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:12]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--env", type=Path, default=Path.home() / ".cache" / f"unseam-interop-{key}")
    parser.add_argument("--ij-jar", type=Path, default=IJ_JAR)
    parser.add_argument("--steps", type=int, default=150)
    options = parser.parse_args()
    report = facts("tifffile", "zarr")
    python = environment(options.env)
    has_imagej = options.ij_jar.exists()
    with tempfile.TemporaryDirectory() as folder:
        results = write_results(Path(folder), options.steps)
        words = [python, HERE / "interop_open.py", results, *([options.ij_jar] if has_imagej else [])]
        said = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    report |= {
        "steps": options.steps,
        "programs": [line for line in PINNED.read_text().splitlines() if line and not line.startswith("#")],
        "imagej": f"ImageJ ({options.ij_jar.resolve().name})" if has_imagej else "ImageJ is not installed",
        "results": json.loads(said.stdout),
    }
    write_result(options.out, "interop", report, markdown(report))
    print(markdown(report))


if __name__ == "__main__":
    main()
