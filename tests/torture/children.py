"""Processes to be killed: each begins with all imported, so that a run of half a second can be killed a thousand times.

A server that has imported the package, and has computed nothing yet, forks for each of them (not on Windows). What they print
goes nowhere.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

TESTS = str(Path(__file__).parents[1])


def child(work: Callable[..., None], *words: object) -> BaseProcess:
    """A process that does some work, begun; the function stands at the top of a module."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torture.trainee", "torture.warm"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = TESTS if before is None else os.pathsep.join((TESTS, before))
    try:
        process = context.Process(target=_quietly, args=(work, *words))
        process.start()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return process


def _quietly(work: Callable[..., None], *words: object) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    work(*words)


def command(*words: object) -> list[str]:
    """A command line of the package in a process that begins from nothing."""
    return [sys.executable, "-m", "unseam", *map(str, words)]


def ended(process: BaseProcess, seconds: float = 600.0) -> int | None:
    """The exit code; a process that has not ended by then is killed, and gives None."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode
