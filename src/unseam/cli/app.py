"""``unseam``: the verbs, and what becomes of errors. Nothing heavy is imported before a verb runs."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from unseam import __version__
from unseam.cli.demo import demo
from unseam.cli.evaluate import evaluate
from unseam.cli.info import info
from unseam.cli.predict import predict
from unseam.cli.seams import seams
from unseam.cli.train import train
from unseam.errors import UnseamError

HELP = """A few annotated images in, a seamless segmentation of an image of any size out.

The U-Net of Ronneberger, Fischer and Brox (2015).

Example: unseam train DATA --out cells/ && unseam predict cells/ IMAGES --out OUT/
"""

app = App(name="unseam", help=HELP, version=__version__, result_action="return_value")
for verb in (train, predict, evaluate, info, seams, demo):
    app.command(verb)

USERS_MISTAKE = 2
STOPPED = 130


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        app(arguments, exit_on_error=False, print_error=True)
    except CycloptsError:
        return USERS_MISTAKE  # cyclopts has said it, with the nearest option
    except UnseamError as error:
        return _say(str(error))
    except MemoryError:
        return _say("There is not enough memory. Give smaller tiles (--tile 572), or a smaller image.")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # the reader of our output has gone (head, less)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(message: str) -> int:
    print(f"unseam: {message}", file=sys.stderr)
    return USERS_MISTAKE


def main() -> None:
    """Entry point of the ``unseam`` command."""
    sys.exit(run(sys.argv[1:]))
