"""unseam annotate is killed (SIGKILL) while strokes are sent; each acknowledged one is there, none twice

One page sends strokes to a server of its own; the server is killed after a random number of them, and what is in the folder is
compared with what was acknowledged. Every second time the server also writes masks all the while. The next server goes on in
the same folder, and the page sends the stroke again of which it does not know. Lost: an acknowledged stroke. Silent: one that
counts twice, or a mask that is not that of the label map.
"""

import json
import os
import random
import struct
import time
from http.client import HTTPConnection, HTTPException
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Timer

import numpy as np
from PIL import Image

from torture.children import child, ended
from torture.harness import Result, Scale
from unseam.annotate.ops import join_runs
from unseam.annotate.project import open_project
from unseam.annotate.server import Address, run_server
from unseam.data.declaration import DeclaredClass

_SIDE, _LENGTH = 400, 3
_PER_FOLDER = 50
_MOST_STROKES = 30
_LONGEST = 0.02  # seconds after the last of them: about two requests


def run(scale: Scale) -> Result:
    num, chance = scale.of(6, 1000), random.Random(scale.seed)
    os.environ["XDG_STATE_HOME"] = str(scale.folder / "state")
    lost = silent = sent = 0
    page = _Page(chance, scale.folder / "0")
    for index in range(num):
        if index and index % _PER_FOLDER == 0:
            sent += len(page.acknowledged)
            page = _Page(chance, scale.folder / str(index))
        address = page.folder / "address.json"
        address.unlink(missing_ok=True)
        server = child(serve, page.folder, address, 0.01 if index % 2 else 60.0)
        while not address.exists() and server.is_alive():
            time.sleep(0.002)
        page.send(server, json.loads(address.read_text()), chance.randint(0, _MOST_STROKES), chance.uniform(0, _LONGEST))
        ended(server)
        is_lost, is_wrong = page.look()
        lost, silent = lost + is_lost, silent + is_wrong
    return Result("T29", num, lost, silent, f"{sent + len(page.acknowledged):,} acknowledged strokes")


def serve(folder: Path, address: Path, quiet_seconds: float) -> None:
    """Serve until somebody kills this process."""

    def ready(found: Address) -> None:
        place = address.with_suffix(".tmp")
        place.write_text(json.dumps(vars(found)))
        place.rename(address)

    with open_project(folder) as project:
        if project.said is None:
            names = ("background", "cell")
            project.declare("classes", [DeclaredClass(value, name, "#000000") for value, name in enumerate(names)])
        run_server(project, (), ready, quiet_seconds=quiet_seconds)


class _Page:
    """A page that sends strokes one after another, each until it is acknowledged."""

    def __init__(self, chance: random.Random, folder: Path) -> None:
        self.folder, self._chance = folder, chance
        self.acknowledged: list[int] = []
        (folder / "images").mkdir(parents=True)
        Image.fromarray(np.zeros((_SIDE, _SIDE), np.uint8)).save(folder / "images" / "a.png")

    def send(self, server: BaseProcess, address: dict[str, object], num: int, seconds: float) -> None:
        """Send strokes; a moment after some of them kill the server, in the middle of a request if that is how it falls."""
        killer, last = Timer(seconds, server.kill), len(self.acknowledged) + num
        connection = HTTPConnection("127.0.0.1", int(str(address["port"])), timeout=20)
        try:
            while True:
                number = len(self.acknowledged)
                if number == last:
                    killer.start()
                name = f"{number:032x}"
                header = json.dumps({"id": name, "stroke": name, "tab": "0" * 32, "tool": "brush"}).encode()
                pixels = np.arange(_LENGTH) + number * (_LENGTH + 1)
                runs = join_runs(pixels, np.ones(_LENGTH, int), _SIDE)
                body = struct.pack("<I", len(header)) + header + runs.tobytes()
                connection.request("POST", "/api/images/0/ops", body, {"Authorization": f"Bearer {address['token']}"})
                reply = connection.getresponse()
                answer = reply.read()
                assert reply.status == 200, answer
                self.acknowledged.append(number)
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
            killer.join()

    def look(self) -> tuple[bool, bool]:
        """Whether an acknowledged stroke is lost, and whether something is there that should not be."""
        with open_project(self.folder) as project:
            project.open_unwritten()
            image = project.opened(0)
            labels = image.labels.read(0, 0, _SIDE, _SIDE).ravel()
            num = image.state.num_strokes
            painted = np.zeros(_SIDE * _SIDE, bool)
            for number in range(num):
                painted[number * (_LENGTH + 1) : number * (_LENGTH + 1) + _LENGTH] = True
            is_wrong = not np.array_equal(labels == 1, painted) or image.state.revision != num or project.is_changed(0)
            is_wrong |= not len(self.acknowledged) <= num <= len(self.acknowledged) + 1
            if self._chance.random() < 0.5:
                list(project.write_masks(is_end=True))
                mask = np.asarray(Image.open(self.folder / "masks" / "a.png")).ravel() if num else labels
                is_wrong |= not np.array_equal(mask, labels)
            return num < len(self.acknowledged), bool(is_wrong)
