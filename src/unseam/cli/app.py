"""``unseam``: the verbs, and how errors end the program. Heavy libraries are imported only when a verb runs."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from cyclopts import App, CycloptsError

from unseam._version import __version__
from unseam.cli.signals import ending_like_ctrl_c
from unseam.cli.streams import outlive_readers
from unseam.errors import InUseError, RankError, UnseamError, sentence_of_exit

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
    "annotate",
    "check",
    "train",
    "predict",
    "evaluate",
    "measure",
    "report",
    "networks",
    "info",
    "export",
    "import_",
    "seams",
    "demo",
    "reproduce",
)
"""All verbs, in the order of the help. Verb ``x`` is the function ``x`` in ``cli/x.py``, and its docstring is the help.

An underscore at the end, where the verb is a word of Python's own, is not typed.

A verb returns True if its results are files, so that they outlive the reader of the output.
"""

for verb in VERBS:
    app.command(getattr(import_module(f"unseam.cli.{verb}"), verb), name=verb.removesuffix("_"))

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
UNREAD = 141
"""Exit code if the output was the result and its reader has gone: that of a program that the signal SIGPIPE ends."""


def run(arguments: Sequence[str], lost_output: Callable[[], OSError | None] = lambda: None) -> int:
    """Run one command line and return its exit code.

    ``lost_output`` gives the error by which standard output was lost, as :func:`unseam.cli.streams.outlive_readers` does.
    """
    try:
        is_in_files = app(arguments, exit_on_error=False, print_error=False)
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
    except SystemExit as error:  # its exit code may be 0, and the work is not done
        return _say(f"{sentence_of_exit(error)} What is missing was not done: run the command again.")
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
    return _code_of_output(lost_output(), is_in_files=is_in_files is True)


def _code_of_output(lost: OSError | None, *, is_in_files: bool) -> int:
    """Return the exit code of work that is done, though its output may not have arrived."""
    if lost is None:
        return 0
    if isinstance(lost, BrokenPipeError):
        return 0 if is_in_files else UNREAD
    results = (
        "The results are files and complete; only what is printed was lost." if is_in_files else "Nothing else was written."
    )
    return _say(f"Standard output cannot be written: {lost.strerror}. {results} Free some space, or send the output elsewhere.")


def _say(message: str) -> int:
    line = " ".join(message.splitlines())
    if len(line) > _LONGEST_MESSAGE:  # it may quote an argument of any length
        half = _LONGEST_MESSAGE // 2
        line = f"{line[:half]} ... {line[-half:]}"
    print(f"unseam: {line}", file=sys.stderr)
    return USERS_MISTAKE


def main() -> None:
    """Entry point of the ``unseam`` command."""
    lost_output = outlive_readers()
    with ending_like_ctrl_c() as received:
        code = run(sys.argv[1:], lost_output)
        number = received()
    sys.exit(code if number is None else 128 + number)
