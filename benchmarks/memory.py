"""How much memory does a prediction take, and how well is that known beforehand?

Each row is a process of its own: the paper's network (or a narrower one) with drawn weights segments an image. Before the
first tile the process says what it should hold at its worst moment; after the last one Linux says what it held.

    python benchmarks/memory.py --out benchmarks/results

Linux only. With ``--out`` the rows that are there already are kept unless ``--again`` is given.
"""

import argparse
import json
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

from common import facts, heading, write_result

WIDTHS, TILES = (16, 64), (572, 1212, 1660, 2060)
ENGINES, PRECISIONS = ("torch", "openvino"), ("float32", "bfloat16")
Row = dict[str, object]


def measure(width: int, engine: str, precision: str, tile: int, side: int) -> Row:
    """In this process, which holds nothing else: the peak that is predicted, and the one that came."""
    import numpy as np
    import torch

    from unseam.inference.fitting import bytes_to_come
    from unseam.inference.memory import resident_bytes
    from unseam.inference.tiles import plan_tiles
    from unseam.model import Model
    from unseam.model_file import ModelInfo
    from unseam.nets import UNetConfig

    torch.manual_seed(0)
    config = UNetConfig(first_width=width)
    model = Model(config.build(), ModelInfo(net=config), "cpu", precision, engine)  # type: ignore[arg-type]
    image = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    normalised = model.normalised(image)
    plan = plan_tiles(side, side, model.engine.geometry, tile)
    predicted = resident_bytes() + bytes_to_come(model.engine, plan, 1, 2)  # type: ignore[arg-type, operator]
    before = resident_bytes()
    del normalised
    start = time.perf_counter()
    model.predict(image, max_input_tile=tile, max_memory=2**50)
    seconds = time.perf_counter() - start
    return {
        "width": width, "engine": engine, "precision": precision, "tile": tile, "side": side,
        "input_tile": plan.rows.input_tile, "tiles": len(plan),
        "before": before, "predicted": predicted, "peak": peak_bytes(), "seconds": seconds,
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
        "# Memory of a prediction, predicted and real",
        "",
        f"{heading(result)} · peak of the whole process (VmHWM), MB of 10^6 bytes",
        "",
        f"    {result['command']}",
        "",
        "The U-Net with `width` features at its first level, an image of 2048 x 2048 px. `before`: what the process holds with",
        "network and image, before the first tile. The libraries' own code, about 300 to 500 MB, is in all three figures.",
        "",
        "| width | engine | format | largest tile | laid | before | predicted | real | predicted / real |",
        "|---:|---|---|---:|---|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        laid = f"{row['tiles']} of {row['input_tile']} px"
        sizes = " | ".join(f"{row[name] / 1e6:.0f}" for name in ("before", "predicted", "peak"))
        text.append(
            f"| {row['width']} | {row['engine']} | {row['precision']} | {row['tile']} | {laid} | {sizes} | "
            f"{row['predicted'] / row['peak']:.2f} |"
        )
    ratios = [row["predicted"] / row["peak"] for row in result["rows"]]
    return "\n".join([*text, "", f"Predicted over real: {min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} rows.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for memory.json and memory.md; without it, print only")
    parser.add_argument("--side", type=int, default=2048, help="rows and columns of the image (default 2048)")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="features of the first level")
    parser.add_argument("--again", action="store_true", help="measure rows that are there already")
    parser.add_argument("--row", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.row:
        width, engine, precision, tile, side = chosen.row
        print(json.dumps(measure(int(width), engine, precision, int(tile), int(side))))
        return
    file = chosen.out / "memory.json" if chosen.out else None
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file and file.exists() and not chosen.again else []
    names = ("width", "engine", "precision", "tile", "side")
    for row in product(chosen.widths, ENGINES, PRECISIONS, TILES, (chosen.side,)):
        if row not in [tuple(old[name] for name in names) for old in rows]:
            rows.append(in_a_process_of_its_own(*row))
            result = {**facts("numpy", "torch", "openvino"), "rows": rows}
            if chosen.out:
                write_result(chosen.out, "memory", result, as_markdown(result))
    print(as_markdown({**facts("numpy", "torch", "openvino"), "rows": rows}))


if __name__ == "__main__":
    main()
