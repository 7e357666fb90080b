"""Annotate images in the browser of this computer, and learn while one paints."""

import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from unseam.annotate.project import open_project
from unseam.errors import OutputError, SettingsError

_TRAINER = "unseam.api.annotate_trainer"
_NEEDED = ("starlette", "uvicorn")


def annotate(
    folder: Path | str,
    *,
    port: int | None = None,
    is_learning: bool = True,
    opens_browser: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the page on which the images of a folder are annotated, until the process gets Ctrl-C or SIGTERM.

    Parameters
    ----------
    folder
        The images, or a folder ``images`` with them. The masks are written into ``masks`` in it.
    port
        The port on 127.0.0.1; None: a free one, the same within a day.
    is_learning
        Whether a second process learns from what is painted, and shows what it predicts.
    opens_browser
        Whether the browser is opened.
    tell
        Is called with sentences for the user; one of them is the address, which is a secret.

    Raises
    ------
    SettingsError
        If Starlette or uvicorn is not installed.
    InUseError
        If another process annotates the folder.
    DataError
        If there is no image.
    OutputError
        If the folder cannot be written to, or the port is taken.
    """
    if not all(find_spec(name) for name in _NEEDED):
        raise SettingsError("The page needs Starlette and uvicorn. Install them: pip install 'unseam[annotate]'")
    from unseam.annotate.server import Address, remove_redirect, run_server, write_redirect

    folder = Path(folder)
    command = (sys.executable, "-m", _TRAINER) if is_learning and find_spec(_TRAINER) else ()

    def ready(address: Address) -> None:
        tell(f"open {address.url}")
        if opens_browser:
            with suppress(webbrowser.Error, OutputError):
                webbrowser.open_new_tab(write_redirect(folder, address).as_uri())

    with open_project(folder) as project:
        if project.ledger.note:
            tell(project.ledger.note)
        tell(f"{len(project.images)} image(s) in {folder}; masks are written into {project.masks}; end with Ctrl-C")
        try:
            run_server(project, command, ready, port=port)
        finally:
            remove_redirect(folder)
    tell("all masks are written")
