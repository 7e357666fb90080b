"""Where the page is, and its secret: kept for a day, so that a command that is started again serves the tabs that are open.

Both lie in the user's state folder, which no other user may enter, and not in the project, which may be shared.
"""

import hashlib
import json
import os
import secrets
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path

from unseam.annotate.project.mask_files import remove_if_there
from unseam.errors import OutputError
from unseam.io import write_bytes_whole
from unseam.io.write import make_own_folder

KEPT_SECONDS = 24 * 3600
HOST = "127.0.0.1"

_REDIRECT = """<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={url}"><title>unseam annotate</title><a href="{url}">unseam annotate</a>
"""


@dataclass(frozen=True)
class Address:
    """A port on this computer, and the token that opens it."""

    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/#token={self.token}"


def state_folder() -> Path:
    """Return the folder in which programs of this user keep their state, as the system has it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return base / "unseam" / "annotate"


def bind(folder: Path, port: int | None) -> tuple[socket.socket, Address]:
    """Open a port on this computer only, if possible the one that the folder had within the last day.

    Parameters
    ----------
    port
        The port that the user wants; None: any.

    Raises
    ------
    OutputError
        If the wanted port is taken, or the address cannot be kept.
    """
    kept = _read(folder)
    listener = _listen(port if port is not None else kept.port if kept else 0)
    if listener is None and port is not None:
        raise OutputError(
            f"Port {port} cannot be opened: it is taken by another program, or not allowed. Give another --port "
            "from 1024 to 65535, or none."
        )
    if listener is None:
        listener = _listen(0)
    assert listener is not None
    address = Address(listener.getsockname()[1], kept.token if kept else secrets.token_hex(32))
    write_bytes_whole(_path(folder), json.dumps({**vars(address), "time": time.time()}).encode())
    return listener, address


def write_redirect(folder: Path, address: Address) -> Path:
    """Write the file with which the browser is opened: a token on a command line could be seen by other users."""
    path = _path(folder).with_suffix(".html")
    write_bytes_whole(path, _REDIRECT.format(url=escape(address.url)).encode())
    return path


def remove_redirect(folder: Path) -> None:
    """Remove that file."""
    with suppress(OutputError):
        remove_if_there(_path(folder).with_suffix(".html"))


def _path(folder: Path) -> Path:
    make_own_folder(state_folder())
    return state_folder() / f"{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]}.json"


def _read(folder: Path) -> Address | None:
    try:
        kept = json.loads(_path(folder).read_bytes())
        address, age = Address(int(kept["port"]), str(kept["token"])), time.time() - float(kept["time"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, OutputError):
            raise
        return None
    is_sound = len(address.token) == 64 and set(address.token) <= set("0123456789abcdef") and 1024 <= address.port < 65536
    return address if is_sound and 0 <= age < KEPT_SECONDS else None


def _listen(port: int) -> socket.socket | None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(64)
    except (OSError, OverflowError):
        listener.close()
        return None
    return listener
