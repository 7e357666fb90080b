"""Where does the time go? Every layer of a network under the machine's two roofs: memory and arithmetic.

    python benchmarks/roofline.py --out benchmarks/results

A layer that computes much for each byte that it must move can run as fast as the machine multiplies; one that computes
little waits for memory. Each layer's convolution is measured alone, in PyTorch, channels last, in bfloat16 where the
processor has it: forward, and for training the gradients of its input and of its weights.
"""

import argparse
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from ceiling import least_seconds, matrix_rates
from common import facts, heading, write_result
from unseam.engines.precision import has_fast_bfloat16
from unseam.engines.record import Value, Weight, record
from unseam.io import write_bytes_whole
from unseam.nets import UNet, UNetConfig

NETS = {"paper": (UNetConfig(), 572), "default": (UNetConfig(first_width=16), 444)}


@dataclass(frozen=True)
class Point:
    """One layer: what it computes for each byte that it must at least move, and how fast it ran."""

    net: str
    layer: str
    what: str
    flop_per_byte: float
    gflop_per_s: float
    seconds: float


def copy_rate(repeats: int = 5) -> float:
    """GB/s, read and written counted both."""
    source = torch.ones(256 * 2**20, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * source.numel() / least_seconds(lambda: target.copy_(source), repeats) / 1e9


def points_of(name: str, config: UNetConfig, side: int, dtype: torch.dtype, repeats: int) -> list[Point]:
    net = UNet(**asdict(config))
    weights = net.state_dict()
    shapes = {Value(0): (1, config.in_channels, side, side)}
    points = []
    for operation in record(net, shapes[Value(0)]):
        shapes[operation.result] = operation.shape
        if operation.name != "aten.convolution.default":
            continue
        source, weight = operation.arguments[:2]
        assert isinstance(weight, Weight)
        x = _map(shapes[source], dtype)
        w = weights[weight.name].to(dtype).contiguous(memory_format=torch.channels_last)
        points += _measured(name, weight.name.removesuffix(".weight"), x, w, operation.arguments[3:], repeats)
    return points


def _map(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last)


def _measured(net: str, layer: str, x: Tensor, w: Tensor, rest: tuple, repeats: int) -> list[Point]:
    stride, padding, dilation, is_transposed, output_padding, groups = rest
    y = torch.ops.aten.convolution(x, w, None, *rest)
    places = x if is_transposed else y
    gflop = 2 * w.numel() * places.shape[-1] * places.shape[-2] / 1e9
    gigabytes = (x.numel() + w.numel() + y.numel()) * x.element_size() / 1e9
    gradient = torch.randn_like(y)

    def backward(wants_input: bool, wants_weight: bool) -> object:
        more = (stride, padding, dilation, is_transposed, output_padding, groups, [wants_input, wants_weight, False])
        return torch.ops.aten.convolution_backward(gradient, x, w, [w.shape[0]], *more)

    jobs = {
        "forward": lambda: torch.ops.aten.convolution(x, w, None, *rest),
        "gradient of the input": lambda: backward(True, False),
        "gradient of the weights": lambda: backward(False, True),
    }
    if x.shape[1] == 1:
        del jobs["gradient of the input"]  # nobody asks for the gradient of the image
    with torch.no_grad():
        seconds = {what: least_seconds(job, repeats) for what, job in jobs.items()}
    return [Point(net, layer, what, gflop / gigabytes, gflop / s, s) for what, s in seconds.items()]


COLOURS = {"forward": "#0072B2", "gradient of the input": "#009E73", "gradient of the weights": "#D55E00"}
LEFT, TOP, WIDTH, HEIGHT = 70, 20, 640, 380
X_RANGE, Y_RANGE = (1.0, 2000.0), (5.0, 2000.0)


def picture(report: dict) -> str:
    """The roofs and the layers, both axes logarithmic, as SVG: discs are the paper's network, squares the default's."""
    ceiling, memory = report["ceiling_gflop_per_s"], report["copy_gb_per_s"]

    def at(x: float, y: float) -> tuple[float, float]:
        def share(value: float, low: float, high: float) -> float:
            return math.log(min(max(value, low), high) / low) / math.log(high / low)

        return LEFT + WIDTH * share(x, *X_RANGE), TOP + HEIGHT * (1 - share(y, *Y_RANGE))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {TOP + HEIGHT + 100}"',
        ' font-family="sans-serif" font-size="13" fill="#222">',
        "<title>Layers of the networks under the roofs of memory and arithmetic</title>",
        f'<rect width="{LEFT + WIDTH + 20}" height="{TOP + HEIGHT + 100}" fill="white"/>',
    ]
    for tick in (1, 10, 100, 1000):
        x, bottom = at(tick, Y_RANGE[0])
        parts += [
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="#ddd"/>',
            f'<text x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{tick}</text>',
        ]
    for tick in (10, 100, 1000):
        x, y = at(X_RANGE[0], tick)
        parts += [
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>',
            f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{tick}</text>',
        ]
    ridge = ceiling / memory
    roof = [at(X_RANGE[0], memory * X_RANGE[0]), at(ridge, ceiling), at(X_RANGE[1], ceiling)]
    parts.append(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in roof)}" fill="none" stroke="#222" stroke-width="2"/>'
    )
    x, y = at(ridge, ceiling)
    parts.append(f'<text x="{x:.1f}" y="{y - 14:.1f}" text-anchor="middle">matrix product: {ceiling:.0f} GFLOP/s</text>')
    x, y = at(2, memory * 2)
    parts.append(f'<text x="{x + 10:.1f}" y="{y + 14:.1f}">memory: {memory:.0f} GB/s</text>')
    for point in report["points"]:
        x, y = at(point["flop_per_byte"], point["gflop_per_s"])
        colour = COLOURS[point["what"]]
        title = f"<title>{point['net']}: {point['layer']}, {point['what']}, {point['gflop_per_s']:.0f} GFLOP/s</title>"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}" fill-opacity="0.7">{title}</circle>'
            if point["net"] == "paper"
            else f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}" fill-opacity="0.7">{title}</rect>'
        )
    middle, below = LEFT + WIDTH / 2, TOP + HEIGHT
    parts += [
        f'<text x="{middle}" y="{below + 40}" text-anchor="middle">operations for each byte that must move (FLOP/byte)</text>',
        f'<text transform="translate(18 {TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text>',
    ]
    for number, (what, colour) in enumerate(COLOURS.items()):
        x = LEFT + 215 * number
        parts += [
            f'<circle cx="{x + 8}" cy="{below + 62}" r="5" fill="{colour}"/>',
            f'<text x="{x + 20}" y="{below + 66}">{what}</text>',
        ]
    parts.append(
        f'<text x="{LEFT}" y="{below + 90}">discs: the paper\'s network at 572 px; squares: the default one at 444 px</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def markdown(report: dict) -> str:
    lines = [
        "# Layers under the roofs of memory and arithmetic",
        "",
        f"{heading(report)} · {report['dtype']}, {report['threads']} threads",
        "",
        f"    {report['command']}",
        "",
        f"Matrix product {report['ceiling_gflop_per_s']:.0f} GFLOP/s, memory {report['copy_gb_per_s']:.1f} GB/s (a copy, what",
        "is read and what is written together).",
        "",
        "![roofline](roofline.svg)",
        "",
        "| network | layer | what | FLOP/byte | GFLOP/s | ms |",
        "|---|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {p['net']} | `{p['layer']}` | {p['what']} | {p['flop_per_byte']:.0f} | {p['gflop_per_s']:.0f} | "
        f"{1e3 * p['seconds']:.2f} |"
        for p in report["points"]
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--out", type=Path, help="folder for roofline.json, .md and .svg")
    options = parser.parse_args()
    about = facts("torch")
    dtype = torch.bfloat16 if has_fast_bfloat16(torch.device("cpu")) else torch.float32
    name = str(dtype).removeprefix("torch.")
    report = {
        **about,
        "dtype": name,
        "threads": torch.get_num_threads(),
        "ceiling_gflop_per_s": matrix_rates()[name],
        "copy_gb_per_s": copy_rate(),
        "points": [
            asdict(p) for net, (config, side) in NETS.items() for p in points_of(net, config, side, dtype, options.repeats)
        ],
    }
    print(markdown(report))
    if options.out:
        write_result(options.out, "roofline", report, markdown(report))
        write_bytes_whole(options.out / "roofline.svg", picture(report).encode())


if __name__ == "__main__":
    main()
