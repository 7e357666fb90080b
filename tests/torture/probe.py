"""Reads mutated files one after the other in a process of its own and says of each what came of it.

``python -m torture.probe READER SEED FIRST LAST FOLDER``: one JSON line before and after each file on standard output. The
parent (:func:`watch`) ends a probe that computes for ten seconds and says nothing, and starts another behind the file at which
it stopped.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from torture.harness import Result, Scale

MOST_SECONDS = 10.0
MOST_BYTES = 300e6
_START_SECONDS = 120.0  # to import everything on a busy machine
_SILENCE = 60  # times the seconds, by the clock
_PROBE_MEMORY = 4 * 2**30


@dataclass(frozen=True)
class Outcome:
    """What came of one file: ``same``, ``changed``, ``silent`` (of another size) or ``refused``; and the harm that it did."""

    index: int
    family: str
    verdict: str
    harm: str
    seconds: float = 0.0
    num_bytes: int = 0


def watch(reader: str, seed: int, num: int, folder: Path) -> Iterator[Outcome]:
    """Read ``num`` mutations in probes; one that dies or hangs is an outcome like others."""
    first = 0
    while first < num:
        words = [sys.executable, "-m", "torture.probe", reader, str(seed), str(first), str(num), str(folder)]
        here = Path(__file__).parents[1]
        with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=here, text=True) as probe:
            assert probe.stdout is not None
            at = None
            while line := _line(probe, _START_SECONDS if at is None else MOST_SECONDS):
                told = json.loads(line)
                if "verdict" in told:
                    first = told["index"] + 1
                    yield Outcome(**told)
                else:
                    at = told
            probe.kill()
            probe.wait()
        if first >= num:
            return
        assert at is not None, "the probe did not start"
        harm = f"hung or died (exit code {probe.returncode})"
        yield Outcome(at["index"], at["family"], "none", harm)
        first = at["index"] + 1


def _line(probe: "subprocess.Popen[str]", seconds: float) -> str:
    """The next line; none from a probe that computed for so long, or was silent for much longer. (It may have been stopped.)"""
    assert probe.stdout is not None
    answered = threading.Event()
    before, began = _cpu_seconds(probe.pid), time.monotonic()

    def guard() -> None:
        while not answered.wait(0.5 * seconds):
            if _cpu_seconds(probe.pid) - before > seconds or time.monotonic() - began > _SILENCE * seconds:
                probe.kill()

    watchdog = threading.Thread(target=guard, daemon=True)
    watchdog.start()
    try:
        return probe.stdout.readline()
    finally:
        answered.set()


def _cpu_seconds(pid: int) -> float:
    """Processor time of a process (Linux); elsewhere the clock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count(test: str, reader: str, scale: Scale, num: int) -> Result:
    """Read ``num`` mutations; a process that dies, hangs, takes too much or throws anything but a refusal is lost."""
    verdicts: Counter[str] = Counter()
    harms = []
    most_seconds, most_bytes = 0.0, 0
    for outcome in watch(reader, scale.seed, num, scale.folder):
        verdicts[outcome.verdict] += 1
        most_seconds, most_bytes = max(most_seconds, outcome.seconds), max(most_bytes, outcome.num_bytes)
        if outcome.harm or outcome.verdict == "silent":
            harms.append(outcome)
            print(f"{test}: {reader} mutation {outcome.index} of seed {scale.seed}, {outcome.family}: "
                  f"{outcome.harm or 'read as an image of another size'}", file=sys.stderr)  # fmt: skip
    note = f"{verdicts['refused']:,} refused, {verdicts['same']:,} read the same, {verdicts['changed']:,} with other values; "
    note += f"at most {most_seconds:.2f} s, {most_bytes / 1e6:.0f} MB"
    return Result(test, num, sum(bool(h.harm) for h in harms), verdicts["silent"], note)


def main() -> None:
    """The probe itself; a reader may have limits of its own."""
    from torture.readers import READERS

    logging.disable()
    reader, (seed, first, last) = READERS[sys.argv[1]](), map(int, sys.argv[2:5])
    folder = Path(sys.argv[5])
    _limit_memory()
    for index in range(first, last):
        path, family = reader.make(seed, index, folder)
        print(json.dumps({"index": index, "family": family}), flush=True)
        before, began = _reset_peak(), time.process_time()
        verdict, harm = _judge(partial(reader.verdict, path, family), reader.refusals)
        seconds, num_bytes = time.process_time() - began, _peak() - before
        most_seconds = getattr(reader, "most_seconds", MOST_SECONDS)
        for _ in range(2):  # once, it may have been the collector of garbage, or a neighbour
            if most_seconds < seconds < MOST_SECONDS:
                began = time.process_time()
                _judge(partial(reader.verdict, path, family), reader.refusals)
                seconds = min(seconds, time.process_time() - began)
        if not harm and seconds > most_seconds:
            harm = f"{seconds:.1f} s"
        if not harm and num_bytes > getattr(reader, "most_bytes", MOST_BYTES):
            harm = f"{num_bytes / 1e6:.0f} MB"
        told = {"index": index, "family": family, "verdict": verdict, "harm": harm}
        print(json.dumps({**told, "seconds": seconds, "num_bytes": num_bytes}), flush=True)
        path.unlink(missing_ok=True)


def _judge(read: Callable[[], str], refusals: tuple[type[Exception], ...]) -> tuple[str, str]:
    try:
        return read(), ""
    except refusals as error:
        return "refused", "" if len(str(error)) < 1000 else "a message of over 1,000 letters"
    except Exception as error:  # any other class is a bug of ours
        return "none", f"{type(error).__name__}: {error}"[:200]


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # Windows; macOS
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_PROBE_MEMORY, resource.RLIM_INFINITY))


def _reset_peak() -> int:
    """Let the system measure the peak anew (Linux); what is held now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = [line for line in text.splitlines() if line.startswith(name)]
    return int(found[0].split()[1]) * 1024 if found else 0


def rng_of(seed: int, index: int) -> np.random.Generator:
    """The generator of one mutation: any file can be made again from (seed, index)."""
    return np.random.default_rng([seed, index])


if __name__ == "__main__":
    main()
