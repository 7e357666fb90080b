"""The tools of the arena: their environments, made on first use, and one run of one of them.

A new tool is a folder in ``peers`` with ``requirements.txt`` (pinned) and ``run.py`` (see ``contract.py``), and a line here.
The product has no requirements: it runs from this checkout, in the interpreter that runs the arena.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"
SHARED = ("contract.py", "borders.py")
LIBRARIES = ("torch", "numpy", "scipy", "scikit-image")
"""Of the product: those whose versions can change a figure."""
GRACE_S = 3600
"""Time for all but training: import, prediction."""

BIND = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Binds a tool to so many cores, where the system can, before it starts: none gets more by a process of its own."""


class PeerFailed(Exception):
    """A tool that cannot be run; the message is for the user."""


class NotInstalled(PeerFailed):
    """A tool that cannot be installed: no other run of it is tried."""


@dataclass(frozen=True)
class Peer:
    name: str
    folder: str = ""
    plan: str = ""
    kinds: tuple[str, ...] = ("objects", "classes")

    @property
    def place(self) -> Path:
        return HERE / "peers" / (self.folder or self.name)

    @property
    def requirements(self) -> Path:
        return self.place / "requirements.txt"

    @property
    def is_product(self) -> bool:
        return not self.requirements.exists()

    @property
    def digest(self) -> str:
        """Of all that decides the result: the product's source and libraries, or a peer's versions and script."""
        files = [*sorted(self.place.iterdir()), *(HERE / name for name in SHARED)]
        if self.is_product:
            files += sorted(SOURCE.rglob("*.py"))
        libraries = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES] if self.is_product else []
        found = hashlib.sha256(" ".join([platform.python_version(), *libraries]).encode())
        for file in files:
            if file.is_file():
                found.update(file.name.encode() + file.read_bytes())
        return found.hexdigest()[:16]


PEERS = (
    Peer("unseam"),
    Peer("monai"),
    Peer("cellpose", kinds=("objects",)),
    Peer("stardist", kinds=("objects",)),
    Peer("nnunet", plan="own"),
    Peer("nnunet-1gb", folder="nnunet", plan="1gb"),
)


def environment(peer: Peer, cache: Path) -> Path:
    """Return the interpreter of a tool. Its environment belongs to the pinned versions and to this Python."""
    if peer.is_product:
        return Path(sys.executable)
    key = hashlib.sha256(peer.requirements.read_bytes() + platform.python_version().encode()).hexdigest()[:12]
    folder = cache / "environments" / f"{peer.folder or peer.name}-{key}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "complete").exists():
        print(f"{peer.name}: installing its environment ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", peer.requirements)
        for words in ((sys.executable, "-m", "venv", folder), pip):
            done = subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True)
            if done.returncode:
                shutil.rmtree(folder, ignore_errors=True)
                raise NotInstalled(f"cannot be installed: {last_line(done.stderr)}")
        (folder / "complete").touch()
    return python


def run_peer(peer: Peer, python: Path, folders: tuple[Path, Path], out: Path, options: dict[str, object]) -> dict:
    """Run a tool, return its ``run.json`` with the seconds of the whole process; its label maps stay in ``out``."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    words = [python, peer.place / "run.py", "--train", folders[0], "--test", folders[1], "--out", out]
    words += [word for name, value in options.items() for word in (f"--{name}", value)]
    words += ["--plan", peer.plan] if peer.plan else []
    threads = int(str(options["threads"]))
    limit = float(str(options["minutes"])) * 60 * 2 + GRACE_S
    log = out / "log.txt"
    bound = [sys.executable, "-c", BIND, threads, *words]
    with log.open("w", encoding="utf-8") as stream:
        child = subprocess.Popen(
            [str(word) for word in bound],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=out,
            env=surroundings(peer, threads),
            start_new_session=True,
        )
        try:
            status = child.wait(limit)
        except BaseException as stopped:
            os.killpg(child.pid, signal.SIGKILL) if hasattr(os, "killpg") else child.kill()
            child.wait()
            if isinstance(stopped, subprocess.TimeoutExpired):
                raise PeerFailed(f"did not end within {limit / 60:.0f} minutes; see {log}") from None
            raise
    if status:
        raise PeerFailed(f"failed: {last_line(log.read_text(encoding='utf-8', errors='replace'))}; see {log}")
    shutil.rmtree(out / "work", ignore_errors=True)
    return json.loads((out / "run.json").read_text(encoding="utf-8"))


def surroundings(peer: Peer, threads: int) -> dict[str, str]:
    """The environment of a tool: no GPU, so many threads in every library, our own code only where it is the product."""
    libraries = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")
    paths = [HERE, SOURCE] if peer.is_product else [HERE]
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": str(threads) for name in libraries},
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONUNBUFFERED": "1",
    }


def read_maps(out: Path, truths: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Read a tool's label maps, in the order of the truths."""
    maps = []
    for stem, truth in truths.items():
        path = out / f"{stem}.tif"
        if not path.exists():
            raise PeerFailed(f"wrote no label map for {stem}")
        found = tifffile.imread(path)
        if found.shape != truth.shape:
            raise PeerFailed(f"{stem}: its label map has the shape {found.shape}, the image {truth.shape}")
        maps.append(found)
    return maps


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
