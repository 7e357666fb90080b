"""How much memory does a prediction take, how well is that known beforehand, and what do larger tiles bring?

Each row is a process of its own: the paper's network (or a narrower one) with drawn weights segments an image of two or more
tiles. Before the first tile the process says what it should hold at its worst moment; after the last one Linux says what
it held. Time is that of the fastest tile, from the second on.

    python benchmarks/memory.py --out benchmarks/results

Linux only. With ``--out`` the rows that are there already are kept unless ``--again`` is given.
"""

import argparse
import json
import subprocess
import sys
import time
from itertools import pairwise, product
from pathlib import Path

from common import facts, heading, write_result

WIDTHS, TILES = (16, 64), (572, 1212, 1660, 2060)
ENGINES, PRECISIONS = ("torch", "openvino"), ("float32", "bfloat16")
Row = dict[str, object]
_NAMES = ("width", "engine", "precision", "tile", "tiles")


def measure(width: int, engine: str, precision: str, tile: int, num_tiles: int) -> Row:
    """In this process, which holds nothing else: the peak that is predicted, and the one that came."""
    import numpy as np
    import torch

    from unseam.inference.fitting import bytes_to_come
    from unseam.inference.tiles import plan_tiles
    from unseam.machine.memory import resident_bytes
    from unseam.model import Model
    from unseam.model.model_file import ModelInfo
    from unseam.nets import UNetConfig

    torch.manual_seed(0)
    config = UNetConfig(first_width=width)
    model = Model(config.build(), ModelInfo(net=config), "cpu", precision, engine)  # type: ignore[arg-type]
    geometry = model.engine.geometry
    stride = (tile - 2 * geometry.context) // geometry.phase * geometry.phase
    height, width_px = num_tiles // 2 * stride, 2 * stride
    image = np.random.default_rng(0).integers(0, 256, (height, width_px), np.uint8)
    normalised = model.normalised(image)
    plan = plan_tiles((height, width_px), (geometry, geometry), tile)
    to_come = bytes_to_come(model.engine, plan, 1, 2)  # type: ignore[arg-type]
    before = resident_bytes() or 0  # after counting, which loads code of PyTorch that stays
    predicted = before + to_come
    del normalised
    ends: list[float] = []
    model.predict(image, max_input_tile=tile, on_tile=lambda *_: ends.append(time.perf_counter()), max_memory=2**50)
    seconds = min(end - start for start, end in pairwise(ends))
    return {
        "width": width, "engine": engine, "precision": precision, "tile": tile, "tiles": num_tiles,
        "laid": [len(plan), plan.rows.input_tile, plan.columns.input_tile], "image": [height, width_px],
        "before": before, "predicted": predicted, "peak": peak_bytes(),
        "us_a_pixel": 1e6 * seconds / stride**2,
    }  # fmt: skip


def peak_bytes() -> int:
    """The most that this process held so far (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def in_a_process_of_its_own(*row: object) -> Row:
    done = subprocess.run([sys.executable, __file__, "--row", *map(str, row)], check=True, capture_output=True, text=True)
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def as_markdown(result: dict) -> str:
    text = [
        "# Memory of a prediction, predicted and real; time by size of tile",
        "",
        f"{heading(result)} · peak of the whole process (VmHWM), MB of 10^6 bytes",
        "",
        f"    {result['command']}",
        "",
        "The U-Net with `width` features at its first level. `before`: what the process holds with network and image,",
        "before the first tile. The libraries' own code, about 300 MB, is in all three figures. Time: the fastest tile from",
        "the second on, per pixel of the result; other programs ran on the machine.",
        "",
        "| width | engine | format | tile | tiles | before | predicted | real | predicted / real | us a pixel |",
        "|---:|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in sorted(result["rows"], key=lambda row: [row[name] for name in _NAMES]):
        sizes = " | ".join(f"{row[name] / 1e6:.0f}" for name in ("before", "predicted", "peak"))
        text.append(
            f"| {row['width']} | {row['engine']} | {row['precision']} | {row['tile']} | {row['tiles']} | {sizes} | "
            f"{row['predicted'] / row['peak']:.2f} | {row['us_a_pixel']:.2f} |"
        )
    ratios = [row["predicted"] / row["peak"] for row in result["rows"]]
    return "\n".join([*text, "", f"Predicted over real: {min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} rows.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for memory.json and memory.md; without it, print only")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="features of the first level")
    parser.add_argument("--engines", nargs="+", default=ENGINES)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--tiles", type=int, nargs="+", default=TILES, help="largest input tile, px")
    parser.add_argument("--num-tiles", type=int, default=2, help="tiles of the image, even (default 2)")
    parser.add_argument("--again", action="store_true", help="measure rows that are there already")
    parser.add_argument("--row", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.row:
        width, engine, precision, tile, num_tiles = chosen.row
        print(json.dumps(measure(int(width), engine, precision, int(tile), int(num_tiles))))
        return
    file = chosen.out / "memory.json" if chosen.out else None
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file and file.exists() else []
    for row in product(chosen.widths, chosen.engines, chosen.precisions, chosen.tiles, (chosen.num_tiles,)):
        known = [old for old in rows if tuple(old[name] for name in _NAMES) == row]
        if known and not chosen.again:
            continue
        rows = [old for old in rows if old not in known] + [in_a_process_of_its_own(*row)]
        result = {**facts("numpy", "torch", "openvino"), "rows": rows}
        if chosen.out:
            write_result(chosen.out, "memory", result, as_markdown(result))
    print(as_markdown({**facts("numpy", "torch", "openvino"), "rows": rows}))


if __name__ == "__main__":
    main()
