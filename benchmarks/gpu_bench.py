"""What the GPU benchmark stands on: its sizes, how a job is timed or recorded, and the table of the results."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from common import heading
from unseam.nets import UNetConfig

Job = Callable[[], object]


@dataclass(frozen=True)
class Sizes:
    """What is measured; the small ones only show that the script works."""

    matrix: int = 8192
    width: int = 64
    depth: int = 4
    tile: int = 572
    batches: tuple[int, ...] = (1, 8)
    image: int = 512
    many: int = 250
    many_size: int = 500
    repeats: int = 30


SMALL = Sizes(matrix=128, width=4, depth=2, tile=60, batches=(1, 2), image=64, many=3, many_size=50, repeats=2)


class Bench:
    """A device, its sizes, and the rows measured so far."""

    def __init__(self, device: torch.device, sizes: Sizes) -> None:
        self.device, self.sizes = device, sizes
        self.rows: list[dict[str, object]] = []
        self.missing: list[str] = []
        self.ceiling = float("nan")

    def net(self) -> torch.nn.Module:
        torch.manual_seed(0)
        return UNetConfig(first_width=self.sizes.width, depth=self.sizes.depth).build().to(self.device)

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds(self, job: Job, repeats: int, *, by_events: bool) -> list[float]:
        """Time of each run, after three to warm up."""
        for _ in range(3):
            job()
        taken = []
        for _ in range(repeats):
            self.wait()
            if by_events and self.device.type == "cuda":
                start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                start.record()
                job()
                end.record()
                self.wait()
                taken.append(start.elapsed_time(end) / 1e3)
            else:
                started = time.perf_counter()
                job()
                self.wait()
                taken.append(time.perf_counter() - started)
        return taken

    def measure(
        self, what: str, how: str, prepare: Callable[[], Job], *, flops: float = 0.0, parts: int = 1, by_events: bool = True
    ) -> None:
        """Prepare a job and time it; a job that does ``parts`` things is divided by them. What fails is named."""
        try:
            taken = self.seconds(prepare(), self.sizes.repeats, by_events=by_events)
        except Exception as error:  # a compiler or a package that is not there must not stop the other rows
            first = (str(error).strip().splitlines() or [""])[0][:160]
            self.missing.append(f"{what}, {how}: not measured ({type(error).__name__}: {first})")
            return
        median = statistics.median(taken) / parts
        rate = flops / median / 1e12 if flops else None
        share = rate / self.ceiling if rate and what != "matrix product" else None
        row = {"what": what, "how": how, "median_ms": median * 1e3, "least_ms": min(taken) / parts * 1e3}
        self.rows.append({**row, "repeats": len(taken), "tflop_per_s": rate, "share_of_matrix_rate": share})
        print(f"{what}, {how}: {median * 1e3:.3f} ms", flush=True)


def recorded(job: Job, device: torch.device) -> Job:
    """The job as one CUDA graph."""
    if device.type != "cuda":
        raise RuntimeError("CUDA graphs need a CUDA device")
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):
            job()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        job()
    return graph.replay


def markdown(report: dict) -> str:
    lines = [
        "# Close to the limit of a GPU?",
        "",
        f"{report['device']} · {heading(report)} · medians",
        "",
        f"    {report['command']}",
        "",
        "| what | how | median ms | least ms | TFLOP/s | share of the matrix rate |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in report["rows"]:
        rate = f"{row['tflop_per_s']:.4g}" if row["tflop_per_s"] else ""
        share = f"{row['share_of_matrix_rate']:.0%}" if row["share_of_matrix_rate"] else ""
        lines.append(f"| {row['what']} | {row['how']} | {row['median_ms']:.3f} | {row['least_ms']:.3f} | {rate} | {share} |")
    goals = "; ".join(f"{what}: {goal}" for what, goal in report["goals"].items())
    return "\n".join([*lines, "", f"Goals: {goals}.", "", *report["missing"]]).rstrip() + "\n"
