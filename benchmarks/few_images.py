"""How good is a model from a few annotated images after a few minutes? And without parts of the paper?

    python benchmarks/few_images.py DATA

DATA holds a folder for each data set, and in it the folders images and masks with equal names. A row that is finished
is not run again unless its settings, images or minutes changed, so the command goes on where it was stopped.

- axon-sem: github.com/axondeepseg/data_axondeepseg_sem; masks 0 background, 1 myelin, 2 axon.
- usiigaci-phase: github.com/oist/Usiigaci, its Mask R-CNN sets; masks are instance maps.
- isbi2012-em: the ISBI 2012 training slices, 00.png to 23.png; masks 255 inside cells, 0 on membranes.
- dsb2018: the Data Science Bowl 2018 stage 1, fluorescence as fluo_*; masks are instance maps.
"""

import argparse
import io
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from PIL import Image

import unseam
from common import facts, heading, num_cores, write_json
from few_images_rows import DATA_SETS, DataSet, Row, rows
from unseam.errors import UnseamError
from unseam.io import can_read, read_image, read_labels, write_bytes_whole
from unseam.metrics import RandError, Scores, evaluate_class_maps, evaluate_instance_maps, quick_metrics
from unseam.recipes import recipe_named
from unseam.recipes.run import Run
from unseam.report.overlay import draw_overlay
from unseam.settings import encode, with_overrides

Scored = list[tuple[str, np.ndarray, np.ndarray]]
SIDE, LARGEST_PICTURE = 700, 300_000


def files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise SystemExit(f"{folder}: there is no such folder; see --help for what DATA must hold.")
    return {path.stem: path for path in sorted(folder.iterdir()) if can_read(path)}


def run_of(row: Row, minutes: float) -> Run:
    run = with_overrides(recipe_named("default"), [f"data.masks={row.data.kind}", *row.overrides])
    return replace(run, training=replace(run.training, steps=None, minutes=minutes))


def plan_of(row: Row, folder: Path, minutes: float) -> dict[str, object]:
    """All that the figures follow from, but for the code and the machine: with another plan a row is run again."""
    train, test = row.data.split(list(files(folder / "images")))
    return {
        "name": row.name,
        "data": row.data.name,
        "minutes": minutes,
        "overrides": list(row.overrides),
        "train": train[: row.num_train],
        "test": test,
        "config": encode(run_of(row, minutes)),
    }


def is_finished(file: Path, plan: dict[str, object]) -> bool:
    if not file.exists():
        return False
    found, wanted = json.loads(file.read_text(encoding="utf-8")), json.loads(json.dumps(plan))
    return all(found.get(key) == value for key, value in wanted.items())


def read(folder: Path, stems: Sequence[str], kind: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    image_of, mask_of = files(folder / "images"), files(folder / "masks")
    absent = [stem for stem in stems if stem not in image_of or stem not in mask_of]
    if absent:
        raise SystemExit(f"{folder}: {absent[0]} and {len(absent) - 1} more have no image or no mask.")
    images = [read_image(image_of[stem]).planes()[0] for stem in stems]
    masks = [read_labels(mask_of[stem]).planes()[0] for stem in stems]
    return images, [(mask > 0).astype(np.uint8) for mask in masks] if kind == "binary" else masks


def predicted(model: unseam.Model, images: Sequence[np.ndarray], kind: str) -> Iterator[np.ndarray]:
    for image in images:
        segmentation = model.predict(image)
        yield segmentation.instances if kind == "instances" else segmentation.classes


def score(data: DataSet, pairs: Scored) -> Scores:
    if data.kind == "instances":
        return evaluate_instance_maps(pairs)
    return evaluate_class_maps(pairs, metrics=quick_metrics(RandError(data.cell_class)))


def run_row(row: Row, folder: Path, plan: dict, pictures: Path, interrupted: threading.Event) -> dict[str, object]:
    """Train, predict, score; the result as it is stored."""
    about = facts("torch", "numpy", "scipy", "scikit-image")
    images, masks = read(folder, plan["train"], row.data.kind)
    started = time.perf_counter()
    model = unseam.train(images, masks, recipe=run_of(row, plan["minutes"]))
    trained = time.perf_counter()
    if interrupted.is_set():  # training keeps what it has when it is interrupted; here that would be a false row
        raise KeyboardInterrupt
    images, truths = read(folder, plan["test"], row.data.kind)
    begun = time.perf_counter()
    maps = list(predicted(model, images, row.data.kind))
    ended = time.perf_counter()
    scores = score(row.data, list(zip(plan["test"], maps, truths, strict=True)))
    if row.data.credit:
        write_picture(pictures / f"few_images_{row.name}.png", images[0], maps[0], truths[0])
    training = model.info.training
    return {
        **plan,
        "change": row.change,
        "threads": torch.get_num_threads(),
        "parameters": sum(weight.numel() for weight in model.net.parameters()),
        "steps": training.steps,
        "best_step": training.best_step,
        "held_out": training.held_out,
        "validation": {"name": training.score_name, "score": training.score},
        "scores": scores.to_json(),
        "seconds": {"training": training.seconds, "train_call": trained - started, "predicting": ended - begun},
        "megapixels_predicted": sum(image.shape[0] * image.shape[1] for image in images) / 1e6,
        **about,
    }


def write_picture(path: Path, image: np.ndarray, labels: np.ndarray, truth: np.ndarray) -> None:
    """The middle of an image, prediction on the left and truth on the right, small enough to be looked at on a page."""
    middle = tuple(slice(max(0, (n - SIDE) // 2), (n + SIDE) // 2) for n in truth.shape)
    drawn = [draw_overlay(image[middle], each[middle].astype(np.int32)) for each in (labels, truth)]
    picture, width = Image.fromarray(np.hstack(drawn)), SIDE
    while True:
        size = (width, round(picture.height * width / picture.width))
        stream = io.BytesIO()
        picture.resize(size, Image.Resampling.LANCZOS).quantize(256).save(stream, "PNG", optimize=True)
        if len(stream.getvalue()) <= LARGEST_PICTURE:
            break
        width = width * 4 // 5
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_whole(path, stream.getvalue())


INTRODUCTION = """# A model from a few images, in a few minutes

    python benchmarks/few_images.py DATA

Each row: `unseam.train` on the training images for the minutes named, `predict` with its defaults on images that
training never saw, and the figures of all test images together (each image's own stand in the JSON of the row, with
all settings). The best weights are chosen on a part of the training images. Lower is better for errors, higher for all
else. IoU is pooled over pixels; SEG is the mean over true objects; F1 counts objects matched at an IoU above 0.5.

The rows under the default recipe take one part of the paper away, or all images but one. Compare them where
minutes, threads and load are equal. Each row was run once, with seed 0, and how far a repetition would stray was not
measured here: read nothing into small differences.
"""


def table(results: Sequence[dict]) -> str:
    """All rows so far as Markdown, the data sets in order."""
    text, credits_ = [INTRODUCTION], []
    for data in DATA_SETS:
        own = [result for result in results if result["data"] == data.name]
        if not own:
            continue
        titles = ["row", "what differs", "images", *(title for _, title in data.columns)]
        titles += ["minutes", "steps (best)", "weights", "predicting"]
        text += [f"## {data.name}\n", f"{data.about}\n", f"| {' | '.join(titles)} |"]
        text.append("|---|---|---:|" + "---:|" * (len(titles) - 3))
        text += [f"| {' | '.join(cells(result, data))} |" for result in own]
        text.append("")
        if data.credit:
            text += [f"![{own[0]['name']}: prediction left, truth right](pictures/few_images_{own[0]['name']}.png)\n"]
            credits_.append(data.credit)
    text += ["## How it was measured\n", "| row | when and with what | commit | threads | load | command |"]
    text.append("|---|---|---|---:|---:|---|")
    for result in results:
        where = (heading(result), result["commit"], str(result["threads"]), f"{result['load_at_start'][0]:.1f}")
        text.append(f"| {result['name']} | {' | '.join(where)} | `{result['command']}` |")
    text += ["", f"Pictures: the middle of the first test image, half size; {'; '.join(credits_)}."] if credits_ else []
    return "\n".join(text) + "\n"


def cells(result: dict, data: DataSet) -> list[str]:
    figures, seconds = result["scores"]["all"], result["seconds"]
    shown = ["" if figures[column] is None else f"{figures[column]:.4f}" for column, _ in data.columns]
    speed = f"{seconds['predicting']:.0f} s, {result['megapixels_predicted']:.1f} Mpx"
    budget = [f"{result['minutes']:g}", f"{result['steps']} ({result['best_step']})", f"{result['parameters']:,}"]
    images = f"{len(result['train'])} → {len(result['test'])}"
    return [result["name"], result["change"], images, *shown, *budget, speed]


def write_table(out: Path) -> None:
    found = [out / f"{row.name}.json" for row in rows()]
    results = [json.loads(file.read_text(encoding="utf-8")) for file in found if file.exists()]
    write_bytes_whole(out.with_name(f"{out.name}.md"), table(results).encode())


def run_all(chosen: Sequence[Row], options: argparse.Namespace, interrupted: threading.Event) -> int:
    """Run what is not finished; a row that fails is told and the others go on."""
    failed = 0
    for row in chosen:
        folder, file = options.data / row.data.name, options.out / f"{row.name}.json"
        plan = plan_of(row, folder, options.minutes_part if row.is_part else options.minutes_main)
        if is_finished(file, plan):
            print(f"{row.name}: finished before")
            continue
        print(f"{row.name}: {len(plan['train'])} image(s), {plan['minutes']} min ...", flush=True)  # type: ignore[arg-type]
        try:
            result = run_row(row, folder, plan, options.out.parent / "pictures", interrupted)
        except UnseamError as error:
            failed += 1
            print(f"{row.name}: failed: {error}", file=sys.stderr)
            continue
        write_json(file, result)
        write_table(options.out)
        print(" | ".join(cells(result, row.data)), flush=True)
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", nargs="?", help="folder with the data sets")
    parser.add_argument("--row", nargs="+", choices=[row.name for row in rows()], metavar="NAME", help="only these")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/few_images"), help="for a JSON a row")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--minutes-main", type=float, default=5.0, help="of each data set's first row")
    parser.add_argument("--minutes-part", type=float, default=5.0, help="of the rows that take something away")
    parser.add_argument("--threads", type=int, default=num_cores(), help="all cores unless said otherwise")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{row.name:30} {row.change}" for row in rows()))
        return 0
    if options.data is None:
        parser.error("DATA is missing: the folder with the data sets")
    interrupted = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        return run_all([row for row in rows() if not options.row or row.name in options.row], options, interrupted)
    except KeyboardInterrupt:
        print("stopped; finished rows are kept, and the same command goes on with the others", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
