"""What does an exported network give in other programs? Exports small and large ones, and opens them without unseam.

    python benchmarks/export.py --out benchmarks/results
    python benchmarks/export.py DATA --out benchmarks/results --only default

Without DATA the micrographs that come with unseam are taken. The programs of export.txt get an environment of their own, made
on first use in ``--env``. Networks of the default recipe are trained for ``--steps``; the others have drawn weights. The
extra onnx is needed here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from skimage.measure import label

import unseam
from common import facts, heading, write_result
from interop import run
from unseam.io import read_image, write_image
from unseam.model import Model
from unseam.model.model_info import ModelInfo, TrainingRecord
from unseam.nets import FCNConfig, UNetConfig
from unseam.report.overlay import draw_overlay
from unseam.sharing.grey_scale import grey_scale
from unseam.sharing.plain_form import plain_form

HERE = Path(__file__).resolve().parent
SAMPLE = Path(unseam.__file__).parent / "samples" / "axon-sem"
FORMATS = {"onnx": "net.onnx", "torchscript": "script.pt", "state-dict": "weights.pt", "bioimageio": "package.zip"}
SIZES = [(1, 1), (17, 40), (97, 200), (128, 64), (131, 77), (208, 208), (211, 333), (256, 320), (299, 401), (300, 421)]
SIZES += [(416, 432), (512, 640)]


@cache
def trained(data: Path, steps: int) -> Model:
    """The default recipe, as it comes."""
    return unseam.train(data, start="nothing", steps=steps, device="cpu")


def trained_on_objects(data: Path, steps: int) -> Model:
    """The default recipe on the pieces of the last class (of the demo: axons) as objects."""
    folders = [data / name for name in ("images", "masks")]
    images, masks = ([read_image(path).planes()[0] for path in sorted(folder.iterdir())] for folder in folders)
    objects = [label(mask == mask.max(), connectivity=1).astype(np.int32) for mask in masks]
    start, settings = "nothing", ["data.masks=instances"]
    return unseam.train(images, objects, start=start, steps=steps, device="cpu", settings=settings)


def drawn(config: UNetConfig | FCNConfig, **about: object) -> Model:
    torch.manual_seed(0)
    info = ModelInfo(config, **about)  # type: ignore[arg-type]
    return Model(info.build(), info, device="cpu", engine="torch")


def models(data: Path, steps: int) -> dict[str, Callable[[], Model]]:
    half = UNetConfig(first_width=16, depth=3, resolution="half")
    five = (TrainingRecord(),) * 5
    return {
        "default": lambda: trained(data, steps),
        "default one pass": lambda: trained(data, steps).with_average("none"),
        "objects": lambda: trained_on_objects(data, steps),
        "ensemble of 5": lambda: drawn(half, members=five),
        "FCN": lambda: drawn(FCNConfig(first_width=16)),
        "paper": lambda: drawn(UNetConfig()),
    }


def environment(folder: Path) -> Path:
    """Return the interpreter of an environment with the programs and without unseam; make it if it is not there."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        run(sys.executable, "-m", "venv", folder)
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", HERE / "export.txt")
    return python


def cases(model: Model, pixels: np.ndarray, folder: Path) -> Iterator[Path]:
    """Write each size with what the model makes of it: parts of the image from its corner on."""
    for height, width in SIZES:
        part = pixels[:height, :width]
        assert part.shape[:2] == (height, width), "give images of at least 512 x 640 px"
        raw = part[None, None] if part.ndim == 2 else np.moveaxis(part, -1, 0)[None]
        path = folder / f"size_{height}x{width}.npz"
        np.savez(path, raw=raw, normalised=model.normalised(part)[None], maps=model.predict(part).probabilities)
        yield path


def measure(name: str, model: Model, image: Path, python: Path, folder: Path) -> dict:
    """Export in each format, and open all of them."""
    reference = Model(model.net, model.info, device="cpu", engine="torch")
    pixels = read_image(image).planes()[0]
    pixels = pixels if pixels.ndim == 2 or model.info.net.in_channels > 1 else pixels[..., 0]
    rows = []
    for to, file in FORMATS.items():
        started = time.perf_counter()
        made = unseam.export(model, folder / file, to, image=pixels)
        worst = max(one.largest for one in made.differences if one.is_limited)
        seconds, size = time.perf_counter() - started, (folder / file).stat().st_size
        rows.append({"format": to, "seconds": seconds, "bytes": size, "largest": worst})
    form = plain_form(reference, grey_scale(model.info, "image"))
    *_, last = cases(reference, pixels, folder)
    about = {"kind": form.kind, "settings": form.settings, "shortest": form.shortest, "step": form.net.phase, "halo": form.halo}
    (folder / "form.json").write_text(json.dumps({**about, "picture": last.name}), encoding="utf-8")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    words = [str(python), str(HERE / "export_open.py"), str(folder)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=clean, cwd=folder)
    assert done.returncode == 0, done.stderr
    opened = json.loads(done.stdout.splitlines()[-1])
    test = [str(python.with_name("bioimageio")), "test", str(folder / "package.zip")]
    verdict = subprocess.run(test, check=False, capture_output=True, text=True, env=clean, cwd=folder).returncode
    weights = sum(weight.numel() for weight in reference.net.parameters())
    return {"name": name, "weights": weights, "average": model.info.average, "exports": rows, "opened": opened, "test": verdict}


def picture(model: Model, image: Path, folder: Path, out: Path) -> None:
    """The image segmented by the model, and by ONNX Runtime and bioimageio.core without unseam."""
    out.parent.mkdir(parents=True, exist_ok=True)
    pixels = read_image(image).planes()[0][: SIZES[-1][0], : SIZES[-1][1]]
    ours = model.predict(pixels).class_indices
    theirs = [np.load(folder / f"picture_{name}.npy") for name in ("ONNX_Runtime", "bioimageio.core_blocks")]
    write_image(out, np.hstack([draw_overlay(pixels, labels, outlines=False) for labels in (ours, *theirs)]))


def table(result: dict) -> str:
    lines = [
        "# Exported networks in other programs",
        "",
        heading(result),
        "",
        f"Image: {result['image']}. Written by `{result['command']}`. Seconds include reading back and comparing.",
        "",
        "| network | weights | average | format | seconds | MB | largest difference while exporting | `bioimageio test` |",
        "|---|---:|---|---|---:|---:|---:|---|",
    ]
    for one in result["networks"]:
        for row in one["exports"]:
            verdict = f"exit code {one['test']}" if row["format"] == "bioimageio" else ""
            lines.append(
                f"| {one['name']} | {one['weights']:,} | {one['average']} | {row['format']} | {row['seconds']:.1f} | "
                f"{row['bytes'] / 1e6:.2f} | {row['largest']:.1e} | {verdict} |"
            )
    sizes = " to ".join(f"{height} x {width}" for height, width in (SIZES[0], SIZES[-1]))
    lines += [
        "",
        f"Opened without unseam, at up to {len(SIZES)} sizes from {sizes} px, against `Model.predict`. The description asks "
        "for multiples of the step, so bioimageio.core gets fewer sizes, and in blocks only those larger than a block. "
        "`inside`: farther from the border than the halo and one step.",
        "",
        "| network | program | sizes | largest difference | inside | most pixels of another class |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for one in result["networks"]:
        for program, rows in one["opened"].items():
            inner = [row[3] for row in rows if row[3] is not None]
            lines.append(
                f"| {one['name']} | {program} | {len(rows)} | {max(row[2] for row in rows):.1e} | "
                f"{f'{max(inner):.1e}' if inner else ''} | {100 * max(row[4] for row in rows):.3f} % |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--image", type=Path, help="the image to compare on; default: one of the data, held out if it can be")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--env", type=Path, default=Path(tempfile.gettempdir()) / "unseam-export-env")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", action="append", help="a network of the list; repeat for several")
    parser.add_argument("--add", action="store_true", help="with --only: keep the other networks of the result")
    words = parser.parse_args()
    about = facts("torch", "onnx", "onnxscript", "onnxruntime")
    image = words.image or (
        SAMPLE / "held-out/images/rat6.png" if words.data == SAMPLE else sorted(words.data.rglob("images/*"))[0]
    )
    python, before = environment(words.env), words.out / "export.json"
    kept = json.loads(before.read_text(encoding="utf-8"))["networks"] if words.add and before.exists() else []
    networks = [one for one in kept if one["name"] not in words.only]
    for name, make in models(words.data, words.steps).items():
        if words.only and name not in words.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            model = make()
            networks.append(measure(name, model, image, python, Path(folder)))
            result = {**about, "image": image.name, "networks": networks}
            write_result(words.out, "export", result, table(result))  # after each: the later ones take long
            print(table({**result, "networks": networks[-1:]}), flush=True)
            if name == "default one pass":
                picture(model, image, Path(folder), words.out / "pictures" / "export.png")


if __name__ == "__main__":
    main()
