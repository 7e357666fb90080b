"""Networks that ship with the package: one model file each in this folder, named as users call it.

A file that is put here is listed by ``unseam networks`` and found by its name, and no line of code knows it. Its card lies in
the file itself (:class:`unseam.model.release.Release`).
"""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from unseam.errors import ModelFileError

_ENDING = ".safetensors"
_IN_RUN_FOLDER = "model.safetensors"


def shipped_networks() -> dict[str, Path]:
    """Return the file of each network that ships, by its name, in alphabetical order."""
    found = [Path(str(file)) for file in files(__name__).iterdir() if file.name.endswith(_ENDING)]
    return {path.name.removesuffix(_ENDING): path for path in sorted(found)}


def find_model(given: str | Path) -> Path:
    """Return the model file that a user means: a file, the one in a run folder, or a network that ships.

    A file of that name wins over a network that ships, and so does a folder if it holds a model; a folder of images does not.

    Raises `ModelFileError` for a single word that is none of them.
    """
    path, name = Path(given), str(given)
    in_folder = path / _IN_RUN_FOLDER
    if in_folder.is_file():
        return in_folder
    shipped = shipped_networks()
    if path.is_dir():
        return shipped.get(name, in_folder)
    if path.exists() or path.name != name or path.suffix:
        return path
    if name in shipped:
        return shipped[name]
    close = difflib.get_close_matches(name, shipped, n=1, cutoff=0.5)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    known = f"or the name of a network that ships: {', '.join(shipped)}" if shipped else "no network ships with this package"
    raise ModelFileError(
        f"{name}: not a model file, and nothing of that name is here. Give model.safetensors or the run folder that `unseam "
        f"train` wrote, {known}.{meant}"
    )


@contextmanager
def reading_shipped(given: str | Path) -> Iterator[None]:
    """Add to a `ModelFileError` about a network that ships what mends it: its file came with the package, not from the user."""
    try:
        yield
    except ModelFileError as error:
        if name_if_shipped(find_model(given)) is None:
            raise
        raise ModelFileError(f"{error} It ships with unseam: install unseam again.") from error


def name_if_shipped(file: Path) -> str | None:
    """Return the name of a network that ships, given its file; None for any other file.

    >>> name_if_shipped(Path("cells/model.safetensors"))
    """
    return next((name for name, path in shipped_networks().items() if path == file), None)
