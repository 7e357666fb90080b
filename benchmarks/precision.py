"""Does a smaller number format change the result? Class maps in bfloat16 beside float32, and seams in both, by each engine.

    python benchmarks/precision.py MODEL IMAGES --out benchmarks/results --name axon-sem

The share of pixels that get another class, on images that the model was not trained on; and the same image by small tiles
and by large ones in the same format.
"""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from common import facts, heading, write_result
from unseam.data.cases import find_cases
from unseam.data.read_pair import read_case
from unseam.engines import Engine, choose_engine
from unseam.engines.precision import has_fast_bfloat16
from unseam.inference.predict import Predictor
from unseam.model import Model

LARGE, SMALL = 1212, 316


@dataclass(frozen=True)
class Row:
    """An engine in a number format, against PyTorch in float32."""

    engine: str
    num_images: int
    num_pixels: int
    changed: float
    worst_image: float
    largest_difference: float
    seam_difference: float
    seam_pixels: int


def compared(engine: Engine, reference: Engine, images: list[np.ndarray]) -> Row:
    changed, sizes, largest, seam, seam_pixels = [], [], 0.0, 0.0, 0
    for image in images:
        expected = Predictor(reference, LARGE).probabilities(image)
        found = Predictor(engine, LARGE).probabilities(image)
        tiled = Predictor(engine, SMALL).probabilities(image)
        changed.append(int(np.count_nonzero(expected.argmax(0) != found.argmax(0))))
        sizes.append(found[0].size)
        largest = max(largest, float(np.abs(expected - found).max()))
        seam = max(seam, float(np.abs(found - tiled).max()))
        seam_pixels += int(np.count_nonzero(found.argmax(0) != tiled.argmax(0)))
    shares = np.array(changed) / np.array(sizes)
    return Row(str(engine), len(images), sum(sizes), sum(changed) / sum(sizes), float(shares.max()), largest, seam, seam_pixels)


def markdown(report: dict) -> str:
    lines = [
        f"# Number formats: {report['name']}",
        "",
        heading(report),
        "",
        f"    {report['command']}",
        "",
        f"Against PyTorch in float32. Model: {report['model']}. Seams: tiles of {LARGE} px against tiles of {SMALL} px.",
        "",
        "| engine | images | pixels of another class | worst image | largest difference of a probability | "
        "at seams | pixels at seams |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['engine']} | {row['num_images']} | {row['changed']:.3%} | {row['worst_image']:.3%} | "
        f"{row['largest_difference']:.2g} | {row['seam_difference']:.2g} | {row['seam_pixels']} |"
        for row in report["rows"]
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=8, help="images, the first ones by name")
    parser.add_argument("--name", default="precision")
    parser.add_argument("--out", type=Path, help="folder for precision_NAME.json and .md")
    options = parser.parse_args()
    about = facts("torch", "openvino", "numpy")
    model = Model.load(options.model, "cpu")
    trained_on = set(model.info.training.images)
    cases = [case for case in find_cases(options.images) if case.name not in trained_on][: options.most]
    images = [model.normalised(read_case(case.images).planes()[0]) for case in cases]
    formats = ["float32", "bfloat16"] if has_fast_bfloat16(torch.device("cpu")) else ["float32"]
    reference = choose_engine(model.net, "torch")
    rows = [
        compared(choose_engine(model.net, name, precision=precision), reference, images)
        for precision in formats
        for name in ("torch", "openvino")
    ]
    record = model.info.training
    report = {
        **about,
        "name": options.name,
        "model": f"{record.recipe}; {record.steps} steps in {record.seconds / 60:.1f} minutes on {len(record.images)} image(s)",
        "rows": [asdict(row) for row in rows],
    }
    print(markdown(report))
    if options.out:
        write_result(options.out, f"precision_{options.name}", report, markdown(report))


if __name__ == "__main__":
    main()
