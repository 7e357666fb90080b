"""``unseam``: the verbs, and how errors end the program. Heavy libraries are imported only when a verb runs."""

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from cyclopts import App, CycloptsError

from unseam._version import __version__
from unseam.cli.signals import ending_like_ctrl_c
from unseam.errors import InUseError, RankError, UnseamError

HELP = """A few annotated images in, a seamless segmentation of an image of any size out.

The U-Net of Ronneberger, Fischer and Brox (2015).

Example: unseam train DATA --out cells/ && unseam predict cells/ IMAGES --out OUT/
"""

app = App(
    name="unseam",
    help=HELP,
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # run() handles Ctrl-C
)
VERBS = (
    "check",
    "train",
    "predict",
    "evaluate",
    "report",
    "info",
    "seams",
    "demo",
    "reproduce",
)
"""All verbs, in the order of the help. Verb ``x`` is the function ``x`` in ``cli/x.py``, and its docstring is the help."""

for verb in VERBS:
    app.command(getattr(import_module(f"unseam.cli.{verb}"), verb))

_NO_MEMORY = (
    "There is not enough memory. Predict with smaller tiles (--tile 572), train on smaller crops "
    "(--set training.output_size=132), or close other programs."
)
_MOST_BRACKETS = 50
_LONGEST_MESSAGE = 4000
USERS_MISTAKE = 2
IN_USE = 75
"""Exit code if another process writes into the folder: the same command may succeed later (EX_TEMPFAIL)."""
STOPPED = 130


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _say(f"{error} See unseam {' '.join(error.command_chain or ())} --help.".replace("  ", " "))
    except InUseError as error:
        _say(str(error))
        return IN_USE
    except RankError as error:
        return USERS_MISTAKE if error.is_told else _say(str(error))
    except UnseamError as error:
        return _say(str(error))
    except KeyboardInterrupt as error:
        print(f"stopped by {error}" if str(error) else "stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # the reader of our output has ended (head, less); Python would fail again when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # the disk or the rights, outside our functions for files, which raise UnseamError
        return _say(f"{error.filename or 'Operating system'}: {error.strerror or error}. Check the name and the rights.")
    except RecursionError:
        if not any(word.count("[") + word.count("{") > _MOST_BRACKETS for word in arguments):
            raise
        return _say("A word of the command line has too many nested brackets. Leave them out.")
    except (MemoryError, RuntimeError) as error:
        from unseam.api.memory import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        return _say(_NO_MEMORY)
    return 0


def _say(message: str) -> int:
    line = " ".join(message.splitlines())
    if len(line) > _LONGEST_MESSAGE:  # it may quote an argument of any length
        half = _LONGEST_MESSAGE // 2
        line = f"{line[:half]} ... {line[-half:]}"
    print(f"unseam: {line}", file=sys.stderr)
    return USERS_MISTAKE


def main() -> None:
    """Entry point of the ``unseam`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be valid text
    with ending_like_ctrl_c() as received:
        code = run(sys.argv[1:])
        number = received()
    sys.exit(code if number is None else 128 + number)
