"""How fast does an image become a segmentation? Ours, plain PyTorch, and the habits of the field, in one run.

    python benchmarks/prediction.py --net paper --out benchmarks/results
    python benchmarks/prediction.py --net default --out benchmarks/results
    python benchmarks/prediction.py --net before --no-peers --out benchmarks/results

Two questions. What share of the machine's own ceiling, its matrix product, does one tile of the network reach? And how
long is it from an image file to a class map file, beside what people write or use today? Networks have random weights:
the time does not depend on them. MONAI is measured where it can be imported; it is no dependency:

    pip install --target peers --no-deps monai==1.6.1
    PYTHONPATH=peers python benchmarks/prediction.py --net paper
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

import numpy as np
import tifffile
import torch
from torch.nn import functional

from ceiling import least_seconds, matrix_rates
from common import facts, heading, write_result
from unseam.api.predict_files import ResultKinds, plan_outputs, predict_file
from unseam.engines import OpenVINOEngine, TorchEngine
from unseam.engines.precision import has_fast_bfloat16
from unseam.io import write_bytes_whole
from unseam.model import Model
from unseam.model.model_file import ModelInfo
from unseam.nets import UNet, UNetConfig

NETS = {
    "paper": UNetConfig(),
    "default": UNetConfig(first_width=16, depth=3, dropout=0.1, resolution="half"),
    "default_full": UNetConfig(first_width=16, depth=3, dropout=0.1),
    "before": UNetConfig(first_width=16, dropout=0.1),
}
"""``default`` where objects are large, ``default_full`` where they are small, ``before`` the default of earlier versions."""
SIDE, PEERS_SIDE, TILE, LARGE_TILE = 2048, 1024, 572, 1212
"""px; of the tiles the nearest that a network admits."""


def admitted(net: UNet, tile: int) -> int:
    return net.geometry.nearest(tile)[0]


@dataclass(frozen=True)
class Row:
    """One way to compute: seconds of it, GFLOP or megapixels of work, and where it cannot run, why."""

    what: str
    seconds: float
    work: float


def gflop_of(net: UNet, side: int) -> float:
    """Multiplications and additions of the convolutions for one square input tile, in 10^9."""
    counted = 0

    def count(layer: torch.nn.Module, inputs: tuple[torch.Tensor], result: torch.Tensor) -> None:
        nonlocal counted
        places = inputs[0] if isinstance(layer, torch.nn.ConvTranspose2d) else result
        counted += 2 * layer.weight.numel() * places.shape[-2] * places.shape[-1]

    meta = UNet(**asdict(net.config)).to("meta")
    for layer in (m for m in meta.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d)):
        layer.register_forward_hook(count)
    with torch.no_grad():
        meta.eval()(torch.empty(1, 1, side, side, device="meta"))
    return counted / 1e9


def one_tile(net: UNet, repeats: int, *, is_compiled: bool) -> list[Row]:
    """The paper's input tile through the network alone, by each engine."""
    side = admitted(net, TILE)
    gflop = gflop_of(net, side)
    tile = np.random.default_rng(0).random((1, side, side), np.float32)
    image = torch.from_numpy(tile)[None]
    plain = UNet(**asdict(net.config)).eval()

    def with_plain() -> object:
        with torch.no_grad():
            return plain(image)

    rows = [Row("plain PyTorch, float32", least_seconds(with_plain, repeats), gflop)]
    engines: list[Callable[[], TorchEngine | OpenVINOEngine]] = [
        lambda: TorchEngine(net),
        lambda: OpenVINOEngine(net),
    ]
    if has_fast_bfloat16(torch.device("cpu")):
        engines += [
            lambda: TorchEngine(net, dtype=torch.bfloat16),
            lambda: OpenVINOEngine(net, torch.bfloat16),
        ]
        if is_compiled:
            engines.append(lambda: TorchEngine(net, dtype=torch.bfloat16, is_compiled=True))
    for make in engines:
        engine = make()
        rows.append(Row(f"unseam: {engine}", least_seconds(lambda: engine(tile), repeats), gflop))  # noqa: B023
    return rows


def plain_file(net: UNet, source: Path, target: Path, tile: int) -> None:
    """From file to file as one writes it from the paper in an afternoon: mirrored border, tile after tile, float32."""
    context = net.context
    output = tile - 2 * context
    image = tifffile.imread(source).astype(np.float32)
    image = (image - image.mean()) / image.std()
    height, width = image.shape
    down, right = (-(-length // output) * output - length for length in (height, width))
    padded = np.pad(image, ((context, context + down), (context, context + right)), mode="reflect")
    probabilities = np.zeros((2, height + down, width + right), np.float32)
    with torch.no_grad():
        for row in range(0, height, output):
            for column in range(0, width, output):
                part = torch.from_numpy(padded[row : row + tile, column : column + tile])[None, None]
                probabilities[:, row : row + output, column : column + output] = functional.softmax(net(part), 1)[0]
    tifffile.imwrite(target, probabilities[:, :height, :width].argmax(axis=0).astype(np.uint8))


def unseam_file(model: Model, source: Path, folder: Path) -> None:
    """The same by ``unseam predict``, all but the start of the program and the reading of the model."""
    wanted = ResultKinds()
    (job,) = plan_outputs([source], folder, wanted, overwrite=True)
    predict_file(model, job, wanted, max_input_tile=LARGE_TILE)


def monai_image(widths: tuple[int, ...], image: np.ndarray, *, mirrors: bool) -> Callable[[], object]:
    """MONAI's network of the same widths, windows with half of them overlapping, Gaussian blend; perhaps four mirrorings."""
    from monai.inferers import sliding_window_inference
    from monai.networks.nets import BasicUNet

    net = BasicUNet(spatial_dims=2, in_channels=1, out_channels=2, features=(*widths, widths[0])).eval()
    batch = torch.from_numpy(image)[None, None]
    flips: tuple[tuple[int, ...], ...] = ((), (2,), (3,), (2, 3)) if mirrors else ((),)

    def job() -> object:
        total = torch.zeros(())
        with torch.no_grad():
            for axes in flips:
                part = sliding_window_inference(batch.flip(axes), (512, 512), 1, net, overlap=0.5, mode="gaussian")
                total = total + functional.softmax(part, 1).flip(axes)
        return total.argmax(1)

    return job


def whole_way(config: UNetConfig, repeats: int, *, peers: bool, flips: bool) -> tuple[list[Row], list[str]]:
    """From an image file to a class map file."""
    net = config.build().eval()
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    rows: list[Row] = []
    missing: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "image.tif"
        tifffile.imwrite(source, pixels)
        megapixels = pixels.size / 1e6

        def add(what: str, job: Callable[[], object], work: float = megapixels) -> None:
            rows.append(Row(what, least_seconds(job, repeats, warm_ups=0), work))

        for precision in ("auto", "float32"):
            for engine in ("openvino", "torch"):
                model = Model(config.build(), ModelInfo(net=config), "cpu", precision, engine)
                out = folder / f"{precision}-{engine}"
                out.mkdir()
                for each in (model, model.with_average("flips")) if flips else (model,):
                    add(f"unseam: {each.engine}, tiles of {LARGE_TILE}", lambda: unseam_file(each, source, out))  # noqa: B023
        for tile in (TILE, LARGE_TILE):
            side = admitted(net, tile)
            add(f"plain PyTorch, float32, tiles of {tile}", lambda: plain_file(net, source, folder / "p.tif", side))  # noqa: B023
        if peers:
            image = pixels[:PEERS_SIDE, :PEERS_SIDE].astype(np.float32) / 255
            widths = tuple(config.first_width * 2**level for level in range(5))
            for what, mirrors in (("", False), (", mean of 4 mirrorings", True)):
                title = f"MONAI: sliding window, overlap 50 %, Gaussian blend{what}, from memory to memory"
                try:
                    add(title, monai_image(widths, image, mirrors=mirrors), image.size / 1e6)
                except ImportError as error:
                    missing.append(f"{title}: not measured ({error})")
    return rows, missing


def markdown(report: dict) -> str:
    rates, rows = report["ceiling_gflop_per_s"], report["one_tile"]
    lines = [
        f"# Prediction: the {report['net']} network ({report['first_width']} features at the first level)",
        "",
        heading(report),
        "",
        f"    {report['command']}",
        "",
        "The machine's ceiling, its matrix product: "
        + ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in rates.items())
        + f". Least of {report['repeats'] + 2} runs for one tile, of {report['repeats']} for a file.",
        "",
        f"## One tile of {report.get('tile', TILE)} px through the network, {rows[0]['work']:.1f} GFLOP",
        "",
        "| what | s | GFLOP/s | share of the ceiling | times plain |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        ceiling = rates["bfloat16" if "bfloat16" in row["what"] else "float32"]
        rate = row["work"] / row["seconds"]
        lines.append(
            f"| {row['what']} | {row['seconds']:.3f} | {rate:.0f} | {rate / ceiling:.0%} | "
            f"{rows[0]['seconds'] / row['seconds']:.2f} |"
        )
    whole = report["whole_way"]
    plain = next(row for row in whole if row["what"].startswith("plain") and row["what"].endswith("572"))
    per_plain = plain["seconds"] / plain["work"]
    lines += [
        "",
        f"## From an image file of {SIDE} x {SIDE} px to a class map file",
        "",
        f"GFLOP/s counts what the tiles of the plain way cost in one pass of {SIDE} px without overlap: useful work only. "
        f"MONAI is measured on {PEERS_SIDE} x {PEERS_SIDE} px; compare seconds per megapixel.",
        "",
        "| what | s | s per megapixel | times faster than plain | useful GFLOP/s | share of the bfloat16 ceiling |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in whole:
        each = row["seconds"] / row["work"]
        useful = report["useful_gflop_per_megapixel"] / each
        lines.append(
            f"| {row['what']} | {row['seconds']:.2f} | {each:.2f} | {per_plain / each:.2f} | {useful:.0f} | "
            f"{useful / rates['bfloat16']:.0%} |"
        )
    lines += ["", f"![seconds per megapixel](prediction_{report['net']}.svg)"]
    return "\n".join([*lines, "", *report["missing"]]).rstrip() + "\n"


def picture(report: dict) -> str:
    """Seconds per megapixel as bars, the shortest first, as SVG."""
    rows = sorted(report["whole_way"], key=lambda row: row["seconds"] / row["work"])
    longest = max(row["seconds"] / row["work"] for row in rows)
    left, width, step = 20, 620, 44
    height = step * len(rows) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {height}" font-family="sans-serif"',
        ' font-size="13" fill="#222">',
        f'<rect width="{left + width + 80}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="24" font-weight="bold">Seconds per megapixel, {report["net"]} network: shorter is better</text>',
    ]
    for number, row in enumerate(rows):
        each, y = row["seconds"] / row["work"], 44 + step * number
        colour = "#0072B2" if row["what"].startswith("unseam") else "#999"
        length = max(1.0, width * each / longest)
        parts += [
            f'<text x="{left}" y="{y + 10}">{escape(row["what"])}</text>',
            f'<rect x="{left}" y="{y + 15}" width="{length:.1f}" height="14" fill="{colour}"/>',
            f'<text x="{left + length + 6:.1f}" y="{y + 27}">{each:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", choices=sorted(NETS), default="default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true", help="leave MONAI out: it takes minutes at the paper's width")
    parser.add_argument("--compiled", action="store_true", help="also PyTorch's compiler: it takes a minute")
    parser.add_argument("--out", type=Path, help="folder for prediction_NET.json and .md")
    options = parser.parse_args()
    about = facts("torch", "openvino", "numpy", "monai")
    config = NETS[options.net]
    net = config.build().eval()
    rates = matrix_rates()
    tiles = one_tile(net, options.repeats + 2, is_compiled=options.compiled)
    whole, missing = whole_way(config, options.repeats, peers=not options.no_peers, flips=options.net.startswith("default"))
    side = net.geometry.input_for_output(SIDE)
    report = {
        **about,
        "net": options.net,
        "first_width": config.first_width,
        "tile": admitted(net, TILE),
        "repeats": options.repeats,
        "threads": torch.get_num_threads(),
        "ceiling_gflop_per_s": rates,
        "useful_gflop_per_megapixel": gflop_of(net, side) / (net.geometry.output_for(side) ** 2 / 1e6),
        "one_tile": [asdict(row) for row in tiles],
        "whole_way": [asdict(row) for row in whole],
        "missing": missing,
    }
    print(markdown(report))
    if options.out:
        write_result(options.out, f"prediction_{options.net}", report, markdown(report))
        write_bytes_whole(options.out / f"prediction_{options.net}.svg", picture(report).encode())


if __name__ == "__main__":
    main()
