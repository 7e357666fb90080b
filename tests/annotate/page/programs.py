"""Where node and TypeScript's compiler are, if they are anywhere."""

import shutil
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "src/unseam/annotate/page"


def node() -> str | None:
    """The machine's own, or the one that Playwright brings along."""
    if found := shutil.which("node"):
        return found
    if find_spec("playwright") is None:
        return None
    from playwright._impl._driver import compute_driver_executable

    return compute_driver_executable()[0]


def tsc() -> str | None:
    """From the folder into which `.ci/run` installs it, or the machine's own."""
    ours = ROOT / ".venv/typescript/node_modules/.bin/tsc"
    return str(ours) if ours.exists() else shutil.which("tsc")


def browser() -> str | None:
    return next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
