"""``make torture``: each test in a process of its own, one table at the end."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from torture.harness import SEED, Result, Scale, about, measure, names

_HOURS = 3
_SHOWN = ("torch", "numpy", "safetensors", "tifffile", "imagecodecs", "pillow")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("tests", nargs="*", help="parts of names of tests (t01 killed); without it, all")
    parser.add_argument("--share", type=float, default=1.0, help="of the long form; 0 is the short one")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=1, help="tests at once; each has a thread")
    parser.add_argument("--markdown", type=Path, help="file for the table, as it stands in docs/reliability.md")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        folder = Path(asked.tests[0])
        result = measure(asked.one, Scale(folder, asked.share, asked.seed))
        (folder.parent / "result.json").write_text(json.dumps(asdict(result)))
        return 0
    chosen = [name for name in names() if not asked.tests or any(part in name for part in asked.tests)]

    def one(name: str) -> Result:
        return in_process(name, asked.share, asked.seed)

    done: dict[str, Result] = {}
    with ThreadPoolExecutor(asked.jobs) as pool:
        begun = {pool.submit(one, name): name for name in chosen}
        for future in as_completed(begun):
            name, result = begun[future], future.result()
            done[name] = result
            print(f"{name}: {'good' if result.is_good else 'NOT GOOD'}, {result.seconds:.0f} s", flush=True)
            rows = [(name, done[name]) for name in chosen if name in done]
            if asked.markdown:  # after each, so that a run that is broken off leaves what it found
                asked.markdown.write_text(table(rows, asked.share, asked.seed), encoding="utf-8")
    print("\n" + table(rows, asked.share, asked.seed))
    return 0 if rows and all(result.is_good for _, result in rows) else 1


def in_process(name: str, share: float, seed: int) -> Result:
    """One test in a process of its own, so that what it breaks is its own only: if it dies, that is a row too."""
    with tempfile.TemporaryDirectory(prefix="unseam-torture-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / "work"
        folder.mkdir()
        words = ["--one", name, "--share", str(share), "--seed", str(seed), str(folder)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        try:
            command = [sys.executable, "-m", "torture", *words]
            code: object = subprocess.run(command, check=False, env=environment, timeout=3600 * _HOURS).returncode
        except subprocess.TimeoutExpired:
            code = f"none after {_HOURS} hours"
        written = Path(scratch) / "result.json"
        if not written.exists():
            return Result(f"T{int(name[1:3])}", 1, 1, 0, f"the test itself did not end: exit code {code}")
        return Result(**json.loads(written.read_text()))


def table(rows: list[tuple[str, Result]], share: float, seed: int) -> str:
    """Markdown, with the machine and the versions."""
    form = "short form" if not share else f"{share:.0%} of the long form"
    shown = ", ".join(f"{name} {version(name)}" for name in _SHOWN)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {form}, seed {seed}; {_processor()}, {os.cpu_count()} cores, one thread each; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, unseam {version('unseam')}, {shown}.",
        "",
        "| test | what | runs | lost | silent | seconds | note |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for name, r in rows:
        lines.append(f"| {r.test} | {about(name)} | {r.runs:,} | {r.lost:,} | {r.silent:,} | {r.seconds:.0f} | {r.note} |")
    return "\n".join(lines) + "\n"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
