"""Images of 10^8 to 10^10 px: how fast, in how much memory, and how much dearer than the network alone?

The picture is a mosaic of real micrographs: crops of the images of a folder are laid over each other with soft edges on a
torus of 4096 px, and the torus is repeated. It is an OME-Zarr 0.5 of chunks of 1024 px; equal chunks are one file with many
names, so that 10^10 px take 20 MB, and every one of them is read and decoded all the same.

Each row is a process of its own. ``stub`` is an engine that computes next to nothing, to see what all the rest costs and
holds; ``net`` is a model of the default recipe, ``small`` one of half its width. ``bare`` is the engine alone on the same
tiles, without reading, writing or anything else.

    python benchmarks/huge.py IMAGES --net cells/ --small narrow/ --scratch BIG_FOLDER --out benchmarks/results

Linux only. With ``--out`` the rows that are there already are kept unless ``--again`` is given.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from common import facts, heading, write_result
from huge_stub import stub_model

PERIOD, CHUNK = 4096, 1024
_NAMES = ("engine", "pixels", "saves", "workers")
Row = dict[str, object]
ROWS = [
    ("stub", 10**8, "classes", 0),
    ("stub", 10**9, "classes", 0),
    ("stub", 10**10, "classes", 0),
    ("stub", 10**9, "classes", 1),
    ("stub", 10**9, "classes", 2),
    ("stub", 10**8, "objects", 0),
    ("stub", 10**9, "objects", 0),
    ("net", 10**8, "classes", 0),
    ("net", 10**8, "objects", 0),
    ("small", 10**9, "classes", 0),
    ("small", 10**9, "classes", 1),
    ("small", 10**9, "classes", 2),
]


def mosaic(folder: Path, rng: np.random.Generator) -> np.ndarray:
    """PERIOD x PERIOD px, 8 bits, without an edge anywhere: what leaves it on one side comes in on the other."""
    from unseam.io import can_read, read_image

    images = [read_image(path).planes()[0] for path in sorted(folder.iterdir()) if can_read(path)]
    images = [image if image.ndim == 2 else image[..., 0] for image in images]
    side = min(512, *(min(image.shape) for image in images))
    soft = np.hanning(side + 2)[1:-1]
    soft = np.outer(soft, soft).astype(np.float32)
    total, weight = np.full((2, PERIOD, PERIOD), 1e-6, np.float32)
    steps = np.linspace(0, PERIOD, 2 * PERIOD // side + 1, dtype=int)[:-1]
    for top in steps:
        for left in steps:
            image = images[rng.integers(len(images))]
            row, column = (int(rng.integers(length - side + 1)) for length in image.shape)
            crop = image[row : row + side, column : column + side].astype(np.float32)
            crop = (crop - crop.mean()) / max(1.0, crop.std())
            place = np.ix_(np.arange(top, top + side) % PERIOD, np.arange(left, left + side) % PERIOD)
            total[place] += soft * crop
            weight[place] += soft
    blended = total / weight
    low, high = np.percentile(blended, [0.5, 99.5])
    return np.rint((blended - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)


def picture(folder: Path, images: Path, pixels: int) -> Path:
    """An OME-Zarr of about so many pixels, square; made once."""
    import zarr

    path = folder / f"mosaic-{pixels:.0e}.ome.zarr".replace("+", "")
    if (path / "done").exists():
        return path / "image.ome.zarr"
    shutil.rmtree(path, ignore_errors=True)
    period = mosaic(images, np.random.default_rng(0))
    side = round(pixels**0.5 / CHUNK) * CHUNK
    group = zarr.open_group(path / "image.ome.zarr", mode="w", zarr_format=3)
    array = group.create_array(
        "0", shape=(side, side), chunks=(CHUNK, CHUNK), dtype=np.uint8, compressors=zarr.codecs.ZstdCodec(level=1)
    )
    scale = {"type": "scale", "scale": [0.1, 0.1]}
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    datasets = [{"path": "0", "coordinateTransformations": [scale]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    edge = min(PERIOD, side)
    array[:edge, :edge] = period[:edge, :edge]
    chunks, once = path / "image.ome.zarr/0/c", PERIOD // CHUNK
    for row in range(side // CHUNK):
        (chunks / str(row)).mkdir(exist_ok=True)
        for column in range(side // CHUNK):
            if row >= once or column >= once:
                os.link(chunks / str(row % once) / str(column % once), chunks / str(row) / str(column))
    (path / "done").touch()
    return path / "image.ome.zarr"


def measure(row: Row, images: Path, scratch: Path, models: dict[str, str]) -> Row:
    """In this process, which does nothing else."""
    from memory import peak_bytes
    from unseam.machine.memory import resident_bytes
    from unseam.model import Model
    from unseam.scale.cluster import Cluster
    from unseam.scale.executors import LocalExecutor
    from unseam.scale.predict_large import Progress, predict_large
    from unseam.scale.prediction import LargePrediction, SavedResults

    source = picture(scratch, images, int(row["pixels"]))  # type: ignore[call-overload]
    is_stub, workers = row["engine"] == "stub", int(row["workers"])  # type: ignore[call-overload]
    model = stub_model() if is_stub else Model.load(models[str(row["engine"])], "cpu")
    work = LargePrediction("", "", SavedResults(objects=row["saves"] == "objects"), device="cpu", max_bytes=2**40)
    seen: dict[str, list[float]] = {}
    held: list[int] = []
    peaks: list[int] = []

    def on_chunk(what: str, done: int, total: int) -> None:
        seen.setdefault(what, []).append(time.perf_counter())
        if what == "network" and (done in (100, total) or done % 1000 == 0):
            held.append(resident_bytes() or 0)

    class Watched(Cluster):
        def close(self) -> None:
            peaks.extend(self._client.run(peak_bytes).values())
            super().close()

    def executor(worker):
        return Watched(worker.work, None, workers, stub_model if is_stub else None) if workers else LocalExecutor(worker)

    bare = bare_seconds(model.engine)
    out = scratch / "result.ome.zarr"
    shutil.rmtree(out, ignore_errors=True)
    began = time.perf_counter()
    found = predict_large(model, source, out, work, executor, progress=Progress(on_chunk=on_chunk), overwrite=True)
    seconds = time.perf_counter() - began
    pixels = sum(found.num_pixels)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return row | {
        "real_pixels": pixels, "chunks": found.num_chunks, "seconds": seconds, "mpx_a_second": pixels / seconds / 1e6,
        "bare_seconds": bare * found.num_chunks, "overhead": seconds / (bare * found.num_chunks) - 1,
        "stages": {what: times[-1] - times[0] for what, times in seen.items()}, "peak": peak_bytes(), "worker_peaks": peaks,
        "held": held, "bytes_written": size, "foreground": found.foreground, "objects": found.num_objects,
    }  # fmt: skip


def bare_seconds(engine, tries: int = 8) -> float:
    """Of the engine alone for the input tile of one chunk: the median."""
    size = engine.geometry.input_for_output(CHUNK)
    tile = np.random.default_rng(0).random((1, size, size), np.float32)
    engine(tile)
    taken = []
    for _ in range(tries):
        began = time.perf_counter()
        engine(tile)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def in_a_process_of_its_own(row: Row, chosen: argparse.Namespace) -> Row:
    words = [
        str(chosen.images),
        "--scratch",
        str(chosen.scratch),
        "--net",
        chosen.net,
        "--small",
        chosen.small,
        "--row",
        json.dumps(row),
    ]
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def as_markdown(result: dict) -> str:
    text = [
        "# Images larger than memory: speed, memory, and what it costs beside the network",
        "",
        f"{heading(result)} · MB of 10^6 bytes; peak of the whole process (VmHWM), libraries and all",
        "",
        f"    {result['command']}",
        "",
        "From OME-Zarr to OME-Zarr with its pyramid, a mosaic of real micrographs, 8 bits, chunks of 1024 px. `stub`: an",
        "engine that computes next to nothing. `net`: a model of the default recipe in float32, `small`: one of half its",
        "width. Workers 0: this process alone; otherwise Dask workers, whose peak is that of the largest. `bare`: the engine",
        "alone on as many tiles, on all cores; the overhead is what all the rest adds to that. For a stub it says nothing.",
        "",
        "| engine | pixels | saved | workers | s | Mpx/s | bare s | overhead | peak MB | workers' peak MB | written MB |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        over = "" if row["engine"] == "stub" else f"{row['overhead']:.1%}"
        bare = "" if row["engine"] == "stub" else f"{row['bare_seconds']:.0f}"
        peaks = f"{max(row['worker_peaks']) / 1e6:.0f}" if row["worker_peaks"] else ""
        text.append(
            f"| {row['engine']} | {row['real_pixels']:.2e} | {row['saves']} | {row['workers']} | {row['seconds']:.0f} | "
            f"{row['mpx_a_second']:.1f} | {bare} | {over} | {row['peak'] / 1e6:.0f} | {peaks} | "
            f"{row['bytes_written'] / 1e6:.0f} |"
        )
    text += ["", "Seconds of each pass:", ""]
    for row in result["rows"]:
        passes = ", ".join(f"{what} {seconds:.1f}" for what, seconds in row["stages"].items())
        text.append(f"- {row['engine']}, {row['real_pixels']:.0e} px, {row['saves']}, {row['workers']} workers: {passes}")
    text += ["", "Memory held (MB) after 100 chunks of the network, every thousandth, and the last:", ""]
    for row in result["rows"]:
        if len(row["held"]) > 1 and not row["workers"]:
            held = ", ".join(f"{size / 1e6:.0f}" for size in row["held"])
            text.append(f"- {row['engine']}, {row['real_pixels']:.0e} px, {row['saves']}: {held}")
    return "\n".join([*text, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of micrographs")
    parser.add_argument("--net", required=True, help="run folder of the default recipe")
    parser.add_argument("--small", required=True, help="one trained with --set net.unet.first_width=8")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for pictures and results, with room for them")
    parser.add_argument("--out", type=Path, help="folder for huge.json and huge.md; without it, print only")
    parser.add_argument("--only", nargs="+", help="parts of rows: stub, net, 1e+08, objects, ...")
    parser.add_argument("--again", action="store_true", help="measure rows that are there already")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.row:
        print(
            json.dumps(
                measure(json.loads(chosen.row), chosen.images, chosen.scratch, {"net": chosen.net, "small": chosen.small})
            )
        )
        return
    chosen.scratch.mkdir(parents=True, exist_ok=True)
    file = chosen.out / "huge.json" if chosen.out else None
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file and file.exists() else []
    about = facts("numpy", "torch", "openvino", "zarr", "distributed")
    for one in ROWS:
        row: Row = dict(zip(_NAMES, one, strict=True))
        name = " ".join(f"{value:.0e}" if key == "pixels" else str(value) for key, value in row.items())
        known = [old for old in rows if all(old[key] == row[key] for key in _NAMES)]
        if (known and not chosen.again) or (chosen.only and not all(part in name for part in chosen.only)):
            continue
        picture(chosen.scratch, chosen.images, int(row["pixels"]))  # type: ignore[call-overload]
        rows = [old for old in rows if old not in known] + [in_a_process_of_its_own(row, chosen)]
        rows.sort(key=lambda row: ROWS.index(tuple(row[name] for name in _NAMES)))
        if chosen.out:
            write_result(chosen.out, "huge", {**about, "rows": rows}, as_markdown({**about, "rows": rows}))
    print(as_markdown({**about, "rows": rows}))


if __name__ == "__main__":
    main()
