"""How long does one step of training take on this CPU? Plain PyTorch and ours, beside what the machine can multiply.

The paper's network with a 572 px input tile, and those of the default recipe, now and before 2026-11-30, with an output of
260 px; batch of one, no peer needed:

    python benchmarks/training_step.py --out benchmarks/results

"Plain" is what one writes without thinking of speed: float32, channels first, PyTorch's own gradients and its default
optimiser. Ours is the training loop of this package. Both do all of a step: forward, energy, backward, update.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import starmap
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.profiler import ProfilerActivity, profile

from ceiling import matrix_rates
from common import facts, heading, write_result
from unseam.data.crops import Crops, make_ahead
from unseam.data.sample import Sample
from unseam.engines import settle_precision
from unseam.engines.bfloat16 import bfloat16_speed
from unseam.heads import Classes
from unseam.machine.kept_memory import keep_freed_memory
from unseam.nets import UNetConfig, fast_on_cpu
from unseam.recipes.default import default
from unseam.recipes.paper import paper
from unseam.recipes.run import Run
from unseam.training import AdamW, Batch, Budget, Plan, TrainState, train_network

Row = dict[str, object]
CPU = torch.device("cpu")
CLASSES_OF = Classes().likeliest


def double(channels: int, width: int, *, normalised: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (channels, width):
        layers += [nn.Conv2d(before, width, 3), *([nn.BatchNorm2d(width)] if normalised else []), nn.ReLU()]
    return nn.Sequential(*layers)


class PlainUNet(nn.Module):
    """The same network as it is commonly written."""

    def __init__(self, of: UNetConfig) -> None:
        super().__init__()
        widths = [of.first_width * 2**level for level in range(of.depth + 1)]
        self.side, self.depth = 2 if of.resolution == "half" else 1, of.depth
        block = partial(double, normalised=of.normalisation == "batch")
        self.down = nn.ModuleList(block(a, b) for a, b in itertools.pairwise([self.side**2, *widths]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in widths[-2::-1])
        self.merge = nn.ModuleList(block(2 * w, w) for w in widths[-2::-1])
        self.drop, self.last = nn.Dropout(of.dropout), nn.Conv2d(of.first_width, 2 * self.side**2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        copied = []
        x = F.pixel_unshuffle(x, self.side)
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            x = self.drop(x) if level >= self.depth - 1 else x
            copied.append(x)
        copied.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x, across = up(x), copied.pop()
            lost = (across.shape[-1] - x.shape[-1]) // 2
            x = merge(torch.cat([x, across[..., lost:-lost, lost:-lost]], 1))
        return F.pixel_shuffle(self.last(x), self.side)


def gflop_of_step(run: Run, side: int) -> float:
    """Three times the convolutions of a forward pass: each has two gradients, of its input and of its weights."""
    flop = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        nonlocal flop
        map_ = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else out
        flop += 2 * layer.weight.numel() * map_.shape[-2] * map_.shape[-1]  # type: ignore[operator, union-attr]

    with torch.device("meta"):
        net = PlainUNet(run.net)  # type: ignore[arg-type]
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(count)
        net(torch.empty(1, 1, side, side))
    return 3 * flop / 1e9


def samples() -> list[Sample]:
    """Images of 1000 px, of blobs and noise; what the values are makes no difference to the time."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:1000, :1000]
    classes = ((np.sin(rows / 15) * np.sin(columns / 15)) > 0).astype(np.uint8)
    images = [(classes * 0.5 + rng.random(classes.shape) * 0.5).astype(np.float32)[None] for _ in range(4)]
    weights = np.ones(classes.shape, dtype=np.float32)
    return [Sample(f"image {n}", image, classes, weights) for n, image in enumerate(images)]


def plain_seconds(run: Run, batch: Batch, repeats: int, *, autocast: bool) -> list[float]:
    torch.manual_seed(0)
    net = PlainUNet(run.net).train()  # type: ignore[arg-type]
    if run.training.clip_norm is None:
        optimiser: torch.optim.Optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.99)
    else:
        optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    classes = batch.classes.long()

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            logits = net(batch.images)
        energy = (F.cross_entropy(logits.float(), classes, reduction="none") * batch.weights).mean()
        optimiser.zero_grad()
        energy.backward()
        if run.training.clip_norm is not None:
            nn.utils.clip_grad_norm_(net.parameters(), run.training.clip_norm)
        optimiser.step()

    return seconds_of(step, repeats)


def seconds_of(step: Callable[[], object], repeats: int) -> list[float]:
    taken = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return taken[1:]


def fresh(run: Run) -> TrainState:
    torch.manual_seed(0)
    net = run.net.build().to(memory_format=torch.channels_last)
    return TrainState(net, run.optimiser.build(net))


def our_seconds(
    run: Run, state: TrainState, batches: Iterator[Batch], repeats: int, dtype: torch.dtype, warm: int = 2
) -> list[float]:
    """Of each step of the training loop but the first ones."""
    budget = Budget(state.step + repeats + warm, None)
    plan = Plan(budget, run.schedule, run.optimiser.learning_rate, run.training.clip_norm, CPU, 0, CLASSES_OF)
    state.precision = str(dtype).removeprefix("torch.")
    times = []
    with fast_on_cpu(state.net):
        train_network(state, batches, run.energy, plan, [lambda *_: times.append(time.perf_counter())])
    return [b - a for a, b in itertools.pairwise(times[warm - 1 :])]


def breakdown(run: Run, state: TrainState, batch: Batch) -> list[Row]:
    """Time of one step by PyTorch's operations, the longest first."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        our_seconds(run, state, itertools.repeat(batch), 0, torch.bfloat16, warm=1)
    events = [e for e in seen.key_averages() if e.key.startswith("aten::")]
    whole = sum(e.self_cpu_time_total for e in seen.key_averages())
    events.sort(key=lambda e: -e.self_cpu_time_total)
    return [{"operation": e.key, "calls": e.count, "share": e.self_cpu_time_total / whole} for e in events[:12]]


@dataclass(frozen=True)
class Case:
    """A recipe, and what all rows of its table share."""

    name: str
    run: Run
    crops: Crops
    batch: Batch
    gflop: float
    ceiling: dict[str, float]
    repeats: int

    def row(self, what: str, taken: list[float], dtype: str) -> Row:
        rate = self.gflop / min(taken)
        median = 1e3 * statistics.median(taken)
        return {"what": what, "ms": 1e3 * min(taken), "median_ms": median, "gflops": rate, "share": rate / self.ceiling[dtype]}


def case(name: str, run: Run, ceiling: dict[str, float], repeats: int) -> Case:
    crops = Crops(samples(), run.augment, run.net.build().geometry, run.training.output_size, 1, seed=0)
    return Case(name, run, crops, Batch(*crops.batch(0)), gflop_of_step(run, crops.input_size), ceiling, repeats)


def plain_rows(it: Case) -> list[Row]:
    few = max(2, it.repeats // 2)
    in_float32 = plain_seconds(it.run, it.batch, few, autocast=False)
    in_bfloat16 = plain_seconds(it.run, it.batch, few, autocast=True)
    return [
        it.row("plain PyTorch, float32", in_float32, "float32"),
        it.row("plain PyTorch, bfloat16 by autocast", in_bfloat16, "bfloat16"),
    ]


def our_rows(it: Case) -> list[Row]:
    few, many, same = max(2, it.repeats // 2), 2 * it.repeats, itertools.repeat(it.batch)
    in_float32 = our_seconds(it.run, fresh(it.run), same, few, torch.float32)
    state = fresh(it.run)
    in_bfloat16 = our_seconds(it.run, state, same, many, torch.bfloat16)
    with_data = starmap(Batch, make_ahead(it.crops.batch, 0))
    beside = our_seconds(it.run, state, with_data, many, torch.bfloat16)
    chosen = settle_precision("auto", CPU)
    in_auto = our_seconds(it.run, fresh(it.run), same, few, getattr(torch, chosen))
    return [
        it.row(f"ours, auto: {chosen}", in_auto, chosen),
        it.row("ours, float32", in_float32, "float32"),
        it.row("ours, bfloat16", in_bfloat16, "bfloat16"),
        it.row("ours, bfloat16, crops made beside it", beside, "bfloat16"),
    ]


def measure(it: Case, plain: list[Row]) -> dict[str, object]:
    rows = plain + our_rows(it)
    for row in rows:
        row["ratio"] = rows[0]["ms"] / row["ms"]  # type: ignore[operator]
    start = time.perf_counter()
    for step in range(10):
        it.crops.batch(step)
    one_crop = (time.perf_counter() - start) / 10
    return {
        "name": it.name,
        "input": it.crops.input_size,
        "gflop": it.gflop,
        "rows": rows,
        "crop_ms": 1e3 * one_crop,
        "data_cost": rows[-1]["median_ms"] / rows[-2]["median_ms"] - 1,  # type: ignore[operator]
        "breakdown": breakdown(it.run, fresh(it.run), it.batch),
    }


def markdown(report: dict) -> str:
    lines = ["# One step of training on a CPU", "", heading(report), "", f"    {report['command']}", ""]
    products = "; ".join(
        f"{side}: {rates['float32']:.0f} in float32, {rates['bfloat16']:.0f} in bfloat16"
        for side, rates in report["matrix_rates"].items()
    )
    lines += [f"Square matrix products of this machine, GFLOP/s, by side: {products}. The better is the ceiling."]
    kept = "kept" if report["memory_kept"] else "given back to the system"
    lines += [f"Auto measured bfloat16 at {report['bfloat16_speed']:.2f} times the speed of float32."]
    lines += [f"Memory that a step frees is {kept} in our rows, and given back in the plain ones.", ""]
    for net in report["nets"]:
        lines += [
            f"## {net['name']}, input {net['input']} px: {net['gflop']:.1f} GFLOP a step",
            "",
            "| what | least ms | median ms | times plain float32 | GFLOP/s | share of the ceiling |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {r['what']} | {r['ms']:.1f} | {r['median_ms']:.1f} | {r['ratio']:.2f} | {r['gflops']:.0f} | {r['share']:.0%} |"
            for r in net["rows"]
        ]
        lines += [
            "",
            f"A crop takes {net['crop_ms']:.1f} ms by itself; made beside it, crops add {net['data_cost']:.1%} to a step.",
            "",
            "| operation, ours in bfloat16 | calls | share of the step |",
            "|---|---:|---:|",
        ]
        lines += [f"| `{r['operation']}` | {r['calls']} | {r['share']:.1%} |" for r in net["breakdown"]]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for training_step.json and training_step.md")
    parser.add_argument("--repeats", type=int, default=4, help="of the paper's network; ten times as many of the other")
    options = parser.parse_args()
    about = facts("torch", "numpy")
    rates = {side: matrix_rates((side,)) for side in (2048, 4096)}
    ceiling = {dtype: max(rate[dtype] for rate in rates.values()) for dtype in rates[2048]}
    new = default()
    half, full = (replace(new, net=replace(new.net, resolution=name)) for name in ("half", "full"))
    before = replace(new, net=UNetConfig(first_width=16, depth=4, dropout=0.1), optimiser=AdamW())
    many = 10 * options.repeats
    cases = [
        case("The default recipe at half resolution, with Muon", half, ceiling, many),
        case("The default recipe at full resolution, with Muon", full, ceiling, many),
        case("The default network before: depth 4, no normalisation, AdamW", before, ceiling, many),
        case("The paper's network", paper(), ceiling, options.repeats),
    ]
    plain = [plain_rows(it) for it in cases]
    is_kept = keep_freed_memory()  # cannot be undone, so after all plain rows
    nets = [measure(it, rows) for it, rows in zip(cases, plain, strict=True)]
    about |= {"threads": torch.get_num_threads(), "memory_kept": is_kept, "bfloat16_speed": bfloat16_speed()}
    report = {**about, "matrix_rates": rates, "nets": nets}
    print(markdown(report))
    if options.out:
        write_result(options.out, "training_step", report, markdown(report))


if __name__ == "__main__":
    main()
