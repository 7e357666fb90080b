"""What every benchmark writes beside its numbers: when, where, with what and by which command they were measured."""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import unseam


def facts(*packages: str) -> dict[str, object]:
    """All that a number needs to be believed; taken when called, so call it before the work."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": processor(),
        "cores": num_cores(),
        "load_at_start": [round(load, 2) for load in os.getloadavg()],
        "versions": versions(*packages),
        "commit": commit(),
        "command": command(sys.argv),
    }


def heading(result: dict) -> str:
    """The same in one line, for the top of a table."""
    listed = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return f"{result['date']} · {result['cpu']} · {listed}"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions(*packages: str) -> dict[str, str]:
    """Of the packages that are installed; one that is not is left out."""
    found = {"unseam": unseam.__version__, "python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit, and whether the package differs from it."""
    try:
        return _git("rev-parse", "--short=12", "HEAD") + (" with changes in src" if _git(*_CHANGES) else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"


_CHANGES = ("status", "--porcelain", "--", "src")


def _git(*arguments: str) -> str:
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def command(arguments: list[str]) -> str:
    """The command as anyone could repeat it: of a place outside the current folder only the last name is told."""
    return " ".join(["python", *(_shown(argument) for argument in arguments)])


def _shown(argument: str) -> str:
    option, sign, value = argument.rpartition("=")
    place, here = Path(value).resolve(), Path.cwd()
    if not place.is_relative_to(here):
        return f"{option}{sign}.../{place.name}"
    return f"{option}{sign}{place.relative_to(here)}" if Path(value).is_absolute() else argument


def write_result(folder: Path, name: str, result: dict[str, object], text: str) -> None:
    """Write ``name.json`` and ``name.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", result)
    _write(folder / f"{name}.md", text)


def write_json(path: Path, result: dict[str, object]) -> None:
    _write(path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    try:
        from unseam.io import write_bytes_whole
    except ModuleNotFoundError:  # an image with torch alone cannot read pictures; results it can write
        path.write_bytes(text.encode())
    else:
        write_bytes_whole(path, text.encode())
