"""What reaches the disk, and in which order: data, sync, rename, sync of the folder, for every writer

Recorded where the package calls the operating system, and by strace where that is installed. In another order a power cut can
leave an empty file under a good name. Silent: a writer that does otherwise.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from torture.a_state import state_of
from torture.disk_calls import watched
from torture.harness import Result, Scale
from unseam.io import write_bytes_whole, write_image, write_label_map, write_probabilities, write_text_whole
from unseam.io.append_journal import AppendJournal
from unseam.io.result import ArrayLayout, ChunkedArray, ChunkFiles, ImageLayout, create_array, create_image, write_tiff
from unseam.model.model_file import ModelInfo, save_model
from unseam.nets import UNetConfig
from unseam.runs.checkpoints import Checkpoints
from unseam.training.observers import Validate

_SMALL = UNetConfig(first_width=2, depth=1)
_FILE = r"create (write )+sync rename close open_folder sync close "
_FOLDER = r"make_folder open_folder (create (write )+sync close )+sync rename open_folder sync close close "
_UNSYNCED = r"create (write )+rename close "
_SETTLED = r"(open_again sync close ){2}(open_folder sync close ){2}"
_TRACED = """
import sys
from pathlib import Path
import numpy as np
from unseam.io import write_bytes_whole, write_label_map
from unseam.io.manifest import write_with_manifest
out = Path(sys.argv[1])
write_bytes_whole(out / "a.bin", b"data")
write_label_map(out / "a.tif", np.ones((40, 40), np.uint8))
write_with_manifest(out / "step", {}, [("a", b"data"), ("b", b"more")])
"""


def run(scale: Scale) -> Result:
    out = scale.folder / "out"
    out.mkdir()
    Checkpoints(out / "checkpoints").save(state_of(1), Validate(None, 1))
    journal, chunks = AppendJournal(out / "journal"), _chunks(out / "array")
    image = ImageLayout("YX", (9, 9), np.dtype("u1"), 16)
    create_image(out / "image", image)
    _write(ChunkedArray(out / "image" / "0", chunks.layout, ChunkFiles()))
    writers: tuple[tuple[str, Callable[[], None]], ...] = (
        (_FILE, lambda: write_bytes_whole(out / "a.bin", b"data")),
        (_FILE, lambda: write_text_whole(out / "a.txt", "text")),
        (_FILE, lambda: write_label_map(out / "a.tif", np.ones((9, 9), np.uint8))),
        (_FILE, lambda: write_probabilities(out / "p.tif", np.ones((2, 9, 9), np.float32))),
        (_FILE, lambda: write_image(out / "a.png", np.ones((9, 9), np.uint8))),
        (_FILE, lambda: save_model(out / "model.safetensors", _SMALL.build(), ModelInfo(net=_SMALL))),
        (_FOLDER, lambda: Checkpoints(out / "checkpoints").save(state_of(2), Validate(None, 1))),
        (_FILE, lambda: _write(ChunkedArray(chunks.path, chunks.layout, ChunkFiles()))),
        (_UNSYNCED, lambda: _write(chunks)),
        (_SETTLED, lambda: chunks.files.settle() and None),
        (r"(read )+" + _FILE, lambda: write_tiff(out / "image.tif", out / "image", image)),
        (r"(write )+sync ", lambda: journal.append([{"chunk": 0}])),
        (r"write close ", lambda: journal.append([{"chunk": 0}], is_synced=False) or journal.close()),
    )
    silent = 0
    for order, write in writers:
        with watched() as calls:
            write()
        silent += not re.fullmatch(order, "".join(f"{name} " for name, _ in calls))
    if shutil.which("strace") is None:
        return Result("T5", len(writers), 0, silent, "strace is not installed")
    traced = scale.folder / "traced"
    traced.mkdir()
    names = "openat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2"
    words = ["strace", "-f", "-y", "-e", f"trace={names}", "-o", str(scale.folder / "log")]
    done = subprocess.run([*words, sys.executable, "-c", _TRACED, str(traced)], check=False, capture_output=True, text=True)
    if done.returncode:
        return Result("T5", len(writers), 0, silent, "strace may not trace here")
    silent += not _is_ordered((scale.folder / "log").read_text(errors="replace").splitlines(), traced)
    return Result("T5", len(writers) + 3, 0, silent, "three writers under strace as well")


def _chunks(path: Path) -> ChunkedArray:
    """An array of one chunk, the folder of it made, whose files wait to be synced together."""
    array = create_array(path, ArrayLayout((9, 9), np.dtype("u1"), 16), ChunkFiles(is_synced=False))
    _write(array)
    return array


def _write(array: ChunkedArray) -> None:
    array.write((), (0, 0), np.ones((9, 9), np.uint8))


def _is_ordered(lines: Iterable[str], out: Path) -> bool:
    """Whether three things were renamed to their names: all in them synced after the last write, their folder synced after."""
    unsynced: set[str] = set()
    renamed: list[str] = []
    waits = False
    for line in lines:
        if str(out) not in line:
            continue
        if found := re.search(r"(?:write|pwrite64|writev)\(\d+<([^>]+)>", line):
            unsynced.add(found[1])
        elif found := re.search(r"f(?:data)?sync\(\d+<([^>]+)>", line):
            unsynced.discard(found[1])
            waits = waits and found[1] != str(out)
        elif found := re.search(r'rename(?:at2?)?\([^"]*"([^"]+)"[^"]*"([^"]+)"', line):
            if waits or any(path.startswith(found[1]) for path in unsynced):
                return False
            renamed.append(Path(found[2]).name)
            waits = True
    return renamed == ["a.bin", "a.tif", "step"] and not waits and not unsynced
