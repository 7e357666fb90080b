"""How close to the limit of a GPU do we come? One script that needs this repository, torch and numpy, and a CUDA GPU.

    PYTHONPATH=src python benchmarks/gpu.py --out benchmarks/results

- the ceiling: a bf16 matrix product, measured on this GPU
- the paper's network, 572 -> 388: forward and training step, as anyone writes it and as fast as we can
- 512 x 512 px from an array to its class map; 250 images of 500 x 500 px
- one augmented 572 x 572 px crop with its labels, made on the GPU

"fp32 as it comes" is PyTorch's default, in which cuDNN may round the factors of convolutions to TF32.

What cannot be measured (a package that is not there, a compiler that does not work) is named, and the rest goes on.
Without a GPU the script runs to its end as well, to show that it works: ``--device cpu --small``. Augmentation needs
SciPy. All times are medians; on a GPU, of CUDA events or of a clock read when the result has arrived.
"""

import argparse
import importlib.util
import sys
import types
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode


def stand_in_for_jaxtyping() -> None:
    """Shapes in signatures only speak to readers here: without the package ``Float[Tensor, "h w"]`` is a Tensor."""
    module = types.ModuleType("jaxtyping")
    for name in ["Bool", "Float", "Float32", "Float64", "Int", "Int32", "Int64", "Integer", "Shaped", "UInt", "UInt8"]:
        setattr(module, name, type(name, (), {"__class_getitem__": classmethod(lambda cls, item: item[0])}))
    sys.modules["jaxtyping"] = module
    print("jaxtyping is not installed: shapes in signatures are not checked")


if importlib.util.find_spec("jaxtyping") is None:
    stand_in_for_jaxtyping()

from common import facts, write_result  # noqa: E402
from gpu_bench import SMALL, Bench, Job, Sizes, markdown, recorded  # noqa: E402
from unseam.engines.torch_engine import TorchEngine  # noqa: E402
from unseam.geometry import Geometry  # noqa: E402
from unseam.inference.predict import Predictor  # noqa: E402
from unseam.losses import WeightedCrossEntropy  # noqa: E402
from unseam.nets import UNetConfig  # noqa: E402
from unseam.training.optim import SGD  # noqa: E402

GOALS = {
    "forward": "50 % of the matrix rate",
    "training step": "40 % of the matrix rate",
    "one image": "5 ms",
    "many images": "5 s",
    "augmented crop": "0.3 ms",
}


def matrix_product(bench: Bench) -> None:
    side = bench.sizes.matrix
    left, right = (torch.randn(side, side, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    bench.measure("matrix product", f"bf16, {side}", lambda: lambda: left @ right, flops=2.0 * side**3)
    if bench.rows:
        bench.ceiling = float(bench.rows[-1]["tflop_per_s"])  # type: ignore[arg-type]


def forward(bench: Bench, batch: int) -> None:
    """Logits of tiles that lie on the device: as anyone writes it, and ours."""
    plain, ours = bench.net().eval(), bench.net().to(torch.bfloat16).to(memory_format=torch.channels_last).eval()
    images = torch.randn(batch, 1, bench.sizes.tile, bench.sizes.tile, device=bench.device)
    fast = images.to(torch.bfloat16).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            plain(images)
        flops, what = float(counter.get_total_flops()), f"forward, {batch} x {bench.sizes.tile}"
        bench.measure(what, "plain PyTorch, fp32 as it comes", lambda: lambda: plain(images), flops=flops)
        bench.measure(what, "bf16, channels last", lambda: lambda: ours(fast), flops=flops)
        bench.measure(what, "the same, CUDA graph", lambda: recorded(lambda: ours(fast), bench.device), flops=flops)
        if bench.device.type == "cuda":
            compiled = torch.compile(ours, dynamic=False)
            bench.measure(what, "the same, compiled", lambda: lambda: compiled(fast), flops=flops)
            bench.measure(
                what, "the same, compiled, CUDA graph", lambda: recorded(lambda: compiled(fast), bench.device), flops=flops
            )


def step_of(bench: Bench, batch: int, *, is_ours: bool, is_compiled: bool = False) -> Job:
    """One training step on a batch that lies on the device: forward, Eq. 1, backward, momentum 0.99."""
    net = bench.net().train()
    net = net.to(memory_format=torch.channels_last) if is_ours else net
    optimiser = SGD().build(net) if is_ours else torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.99)
    size = net.geometry.output_for(bench.sizes.tile)
    images = torch.randn(batch, 1, bench.sizes.tile, bench.sizes.tile, device=bench.device)
    images = images.to(memory_format=torch.channels_last) if is_ours else images
    classes = torch.randint(0, 2, (batch, size, size), device=bench.device, dtype=torch.uint8)
    weights, energy_of = torch.rand(batch, size, size, device=bench.device) + 1, WeightedCrossEntropy()
    run = torch.compile(net, dynamic=False) if is_compiled else net

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        # In a CUDA graph nothing may be kept from one autocast to the next.
        with torch.autocast(bench.device.type, torch.bfloat16, enabled=is_ours, cache_enabled=False):
            logits = run(images)
        energy_of(logits.float(), classes, weights).backward()
        optimiser.step()

    return step


def training(bench: Bench, batch: int) -> None:
    net = UNetConfig(first_width=bench.sizes.width, depth=bench.sizes.depth).build().to("meta")
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(batch, 1, bench.sizes.tile, bench.sizes.tile, device="meta")).sum().backward()
    flops, what = float(counter.get_total_flops()), f"training step, {batch} x {bench.sizes.tile}"
    bench.measure(what, "plain PyTorch, fp32 as it comes", lambda: step_of(bench, batch, is_ours=False), flops=flops)
    bench.measure(what, "bf16, channels last", lambda: step_of(bench, batch, is_ours=True), flops=flops)

    def in_graph(*, is_compiled: bool) -> Job:
        return recorded(step_of(bench, batch, is_ours=True, is_compiled=is_compiled), bench.device)

    bench.measure(what, "the same, CUDA graph", lambda: in_graph(is_compiled=False), flops=flops)
    if bench.device.type == "cuda":
        compiled = {"is_ours": True, "is_compiled": True}
        bench.measure(what, "the same, compiled", lambda: step_of(bench, batch, **compiled), flops=flops)
        bench.measure(what, "the same, compiled, CUDA graph", lambda: in_graph(is_compiled=True), flops=flops)


class PlainEngine:
    """The network as anyone runs it."""

    def __init__(self, net: torch.nn.Module, device: torch.device) -> None:
        self.net, self.device, self.num_classes = net.eval(), device, 2
        self.geometry: Geometry = net.geometry  # type: ignore[assignment]

    def __call__(self, tile: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self.net(torch.from_numpy(tile)[None].to(self.device))[0].cpu().numpy()


def end_to_end(bench: Bench) -> None:
    """From a normalised array to its class map: mirroring, tiles, soft-max, and the way to the GPU and back."""
    sizes, rng = bench.sizes, np.random.default_rng(0)
    one = rng.random((1, sizes.image, sizes.image), np.float32)
    many = rng.random((sizes.many, 1, sizes.many_size, sizes.many_size), np.float32)

    def engines() -> dict[str, Callable[[], object]]:
        def ours() -> TorchEngine:
            return TorchEngine(bench.net(), str(bench.device), torch.bfloat16)

        return {
            "plain PyTorch, fp32 as it comes": lambda: PlainEngine(bench.net(), bench.device),
            "TorchEngine, bf16": ours,
        }

    def class_map(predictor: Predictor, image: np.ndarray) -> np.ndarray:
        return predictor.probabilities(image).argmax(axis=0)

    def job(make: Callable[[], object], images: np.ndarray) -> Job:
        predictor = Predictor(make())  # type: ignore[arg-type]
        return lambda: [class_map(predictor, image) for image in images]

    for name, make in engines().items():
        what = f"one image, {sizes.image} px"
        bench.measure(what, name, lambda make=make: job(make, one[None]), by_events=False)
    for name, make in engines().items():
        few = Bench(bench.device, Sizes(**{**asdict(sizes), "repeats": 3}))
        what = f"many images, {sizes.many} of {sizes.many_size} px"
        few.measure(what, name, lambda make=make: job(make, many), by_events=False)
        bench.rows += few.rows
        bench.missing += few.missing


def augmentation(bench: Bench) -> None:
    """Crops of the paper's recipe with class and weight map, of an image that lies on the device; 20 in a row."""
    size, num_crops = bench.sizes.tile, 20
    output = bench.net().geometry.output_for(size)
    rng = np.random.default_rng(0)
    arrays = rng.random((1, 2 * size, 2 * size), np.float32), rng.integers(0, 2, (2 * size, 2 * size)).astype(np.uint8)
    arrays = (*arrays, rng.random((2 * size, 2 * size), np.float32))

    def prepare(planes: tuple) -> Job:
        from unseam.augment import Augment

        augment, draws = Augment(), np.random.default_rng(1)
        place = {"centre": (size - 0.3, size + 0.2), "input_size": size, "output_size": output}
        return lambda: [augment(*planes, **place, rng=draws) for _ in range(num_crops)]

    what = f"augmented crop, {size} px"
    bench.measure(what, "CPU", lambda: prepare(arrays), parts=num_crops, by_events=False)
    on_device = tuple(torch.from_numpy(part).to(bench.device) for part in arrays)
    bench.measure(what, f"tensors on {bench.device.type}", lambda: prepare(on_device), parts=num_crops, by_events=False)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for gpu.json and gpu.md; without it, print only")
    parser.add_argument("--device", default="cuda", help="cuda (default), cuda:1, ..., or cpu with --small")
    parser.add_argument("--small", action="store_true", help="tiny sizes: shows that the script works, measures nothing")
    chosen = parser.parse_args(arguments)
    device = torch.device(chosen.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA GPU here; to try the script without one: --device cpu --small")
    about = facts("torch", "numpy", "scipy", "triton")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.backends.cudnn.benchmark = True  # let cuDNN try its algorithms; the warm-up pays for it
    bench = Bench(device, SMALL if chosen.small else Sizes())
    matrix_product(bench)
    for batch in bench.sizes.batches:
        forward(bench, batch)
        training(bench, batch)
    end_to_end(bench)
    augmentation(bench)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"no GPU ({device.type})"
    sizes = "small, only to show that the script works" if chosen.small else "full"
    report = {**about, "device": name, "sizes": sizes, "goals": GOALS, "rows": bench.rows, "missing": bench.missing}
    print(markdown(report))
    if chosen.out:
        write_result(chosen.out, "gpu", report, markdown(report))


if __name__ == "__main__":
    main()
