"""The 1st, 2nd, 3rd, ... call to the disk fails (ENOSPC, EIO, EROFS) until one passes, for every kind of result

Checkpoint, model, settings, history, card, label map, probabilities, picture, a result in chunks, its TIFF, a journal, a
checkpoint to go on from, and a prediction at the terminal. Lost: what was there before is no longer usable, the error is not
one clear line of ours, or something is left beside.
"""

import contextlib
import errno
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from torture.a_state import is_whole, state_of
from torture.disk_calls import failing, watched
from torture.harness import Result, Scale
from unseam.cli.app import USERS_MISTAKE
from unseam.cli.app import run as at_the_terminal
from unseam.errors import OutputError, UnseamError
from unseam.io import read_image, read_labels, remove_unfinished, write_image, write_label_map, write_probabilities
from unseam.io.append_journal import AppendJournal
from unseam.io.result import ArrayLayout, ChunkFiles, ImageLayout, create_array, create_image, open_level, write_tiff
from unseam.model.model_file import ModelInfo, load_model, save_model
from unseam.nets import UNetConfig
from unseam.recipes.run import Run
from unseam.runs.checkpoints import Checkpoints
from unseam.runs.run_folder import RunFolder
from unseam.training.observers import Record, Validate

_SMALL = UNetConfig(first_width=2, depth=1)
_REASONS = (errno.ENOSPC, errno.EIO, errno.EROFS)
_MOST_CALLS = 200
Work = tuple[Callable[[int], None], Callable[[], bool]]


def run(scale: Scale) -> Result:
    runs = lost = 0
    for index, kind in enumerate(_KINDS):
        for reason in _REASONS if scale.share else _REASONS[index % 3 :][:1]:
            out = scale.folder / f"{kind.__name__}-{reason}"
            out.mkdir()
            tried, failed = _every_call(out, kind(out), reason)
            runs, lost = runs + tried, lost + failed
    return Result("T6", runs, lost, 0, f"{len(_KINDS)} kinds of results")


def _every_call(out: Path, work: Work, reason: int) -> tuple[int, int]:
    """How many calls were made to fail, one a run, and how often that lost something."""
    write, is_usable = work
    write(0)
    lost = 0
    for call in range(1, _MOST_CALLS):
        error: Exception | None = None
        with watched(failing(call, reason)) as calls:
            try:
                write(call)
            except (UnseamError, OSError) as raised:
                error = raised
        if error is not None:
            lost += not (isinstance(error, UnseamError) and "\n" not in str(error) and len(str(error)) < 1000)
        if len(calls) >= call and calls[call - 1][0] in ("remove_file", "remove_folder", "list_folder"):
            for folder in (out, *(path for path in out.rglob("*") if path.is_dir())):
                remove_unfinished(folder)  # what could not be removed goes at the next start
        is_tidy = not any(path.name.startswith(".unseam") for path in out.rglob("*"))
        lost += not (is_tidy and is_usable())
        if len(calls) < call:
            return call - 1, lost
    return _MOST_CALLS, lost + 1


def _checkpoint(out: Path) -> Work:
    """The step rises from run to run; the newest that was finished is there, or a later one."""
    store, finished = Checkpoints(out), [0]

    def write(call: int) -> None:
        store.save(state_of(call + 1), Validate(None, 1))
        finished[0] = call + 1

    def is_usable() -> bool:
        state = state_of(0)
        return store.load(state, Validate(None, 1)) and state.step >= finished[0] and is_whole(state)

    return write, is_usable


def _going_on(out: Path) -> Work:
    """Nothing that cannot be read is taken for sound; a checkpoint is loaded whole, or there is an error."""
    store = Checkpoints(out)
    for step in (1, 2):
        store.save(state_of(step), Validate(None, 1))

    def read(call: int) -> None:
        state, told = state_of(0), []
        assert store.load(state, Validate(None, 1), tell=told.append)
        assert is_whole(state)
        assert state.step == 2 or (state.step == 1 and len(told) == 1)

    return read, lambda: len(list(out.iterdir())) == 2


def _model(out: Path) -> Work:
    path = out / "model.safetensors"
    return lambda call: save_model(path, _SMALL.build(), ModelInfo(net=_SMALL)), lambda: load_model(path) is not None


def _run_folder(out: Path) -> Work:
    folder = RunFolder(out / "run" / "below")
    record = Record(1, 1.0, 0.5, 0.5, 0.5)

    def write(call: int) -> None:
        folder.begin(Run())
        folder.write_history([record], "IoU")
        folder.write_card(ModelInfo(net=_SMALL))

    def is_usable() -> bool:
        return folder.read_config() == Run() and len((folder.path / "history.csv").read_text().splitlines()) == 2

    return write, is_usable


def _new_folder(out: Path) -> Work:
    """Folders that are not there yet, one in another."""
    return lambda call: RunFolder(out / f"{call}" / "below").make(), lambda: True


def _label_map(out: Path) -> Work:
    labels = np.arange(64, dtype=np.int32).reshape(8, 8)
    path = out / "a.tif"
    return lambda call: write_label_map(path, labels), lambda: bool((read_labels(path).pixels == labels).all())


def _probabilities(out: Path) -> Work:
    values = np.full((2, 8, 8), 0.5, np.float32)
    path = out / "a.tif"
    return lambda call: write_probabilities(path, values), lambda: bool((read_image(path).pixels == values).all())


def _picture(out: Path) -> Work:
    path, grey = out / "a.png", np.full((8, 8), 7, np.uint8)
    return lambda call: write_image(path, grey), lambda: bool((read_image(path).pixels == grey).all())


def _chunks(out: Path) -> Work:
    """Half of the runs sync each chunk, half all of them at the end."""
    pixels, whole = np.full((8, 8), 7, np.uint8), (slice(0, 8), slice(0, 16))
    array = create_array(out / "a", ArrayLayout((8, 16), pixels.dtype, 8))

    def write(call: int) -> None:
        array_now = replace(array, files=ChunkFiles(is_synced=call % 2 == 0))
        for column in (0, 1):
            array_now.write((), (0, column), pixels)
        array_now.files.settle()

    return write, lambda: bool((array.read((), whole) == 7).all())


def _tiff_of_chunks(out: Path) -> Work:
    path, layout = out / "a.tif", ImageLayout("YX", (8, 8), np.dtype(np.uint8), 16)
    create_image(out / "a", layout)
    open_level(out / "a", 0).write((), (0, 0), np.full((8, 8), 7, np.uint8))
    return lambda call: write_tiff(path, out / "a", layout), lambda: bool((read_image(path).pixels == 7).all())


def _journal(out: Path) -> Work:
    """Every record that was taken is there, and none twice."""
    taken = []

    def write(call: int) -> None:
        with AppendJournal(out / "journal") as journal:
            journal.append([{"call": call}])
            taken.append(call)

    def is_usable() -> bool:
        with AppendJournal(out / "journal") as journal:
            return [record["call"] for record in journal.records()] == taken and journal.note is None

    return write, is_usable


def _prediction(out: Path) -> Work:
    """At the terminal: exit code 2 and one line, and the result that was there is whole."""
    image, model, results = out / "a.png", out / "model.safetensors", out / "out"
    write_image(image, np.full((20, 20), 7, np.uint8))
    save_model(model, _SMALL.build(), ModelInfo(net=_SMALL))
    words = [str(word) for word in ("predict", model, image, "--out", results, "--overwrite", "--device", "cpu")]

    def write(call: int) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
            code = at_the_terminal(words)
        last = said.getvalue().strip().splitlines()[-1:]
        if code:
            ours = code == USERS_MISTAKE and "Traceback" not in said.getvalue()
            raise OutputError(last[0]) if ours else AssertionError(said.getvalue())

    return write, lambda: read_labels(results / "a_classes.tif").pixels.shape == (20, 20)


_KINDS = (
    *(_checkpoint, _going_on, _model, _run_folder, _new_folder, _label_map, _probabilities, _picture),
    *(_chunks, _tiff_of_chunks, _journal, _prediction),
)
