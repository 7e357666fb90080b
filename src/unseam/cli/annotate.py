"""``unseam annotate``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def annotate(
    folder: Path,
    /,
    *,
    port: int | None = None,
    learn: bool = True,
    browser: Annotated[bool, Parameter(name="--browser")] = True,
) -> bool:
    """Paint masks in the browser, see what a network makes of them within seconds, and correct it.

    The page runs on this computer alone; nothing is sent anywhere. Every stroke is on the disk before the page calls it saved.
    The masks are ordinary files: unseam check, train and predict go on with the same folder.

    To annotate on another computer, forward a port: ssh -L 8765:127.0.0.1:8765 NAME unseam annotate FOLDER --port 8765
    --no-browser, and open the address that it prints.

    Parameters
    ----------
    folder
        Your images, or a folder that has them in a folder images. Masks are written into a folder masks there.
    port
        Port on 127.0.0.1. Default: a free one.
    learn
        Learn from the strokes and show predictions, in a second process.
    browser
        Open the browser.
    """
    from unseam.api.annotate import annotate as serve

    serve(folder, port=port, is_learning=learn, opens_browser=browser, tell=lambda sentence: print(sentence, flush=True))
    return True
