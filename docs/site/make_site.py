"""Build the documentation: ``python docs/site/make_site.py [OUT]``, or ``make docs``. Any warning ends it with exit code 1."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

sys.path.insert(0, str(Path(__file__).parent))

from generate import MissingDocstringError, generate
from stage import HERE, ROOT, BrokenLinkError, stage


def build(out: Path, root: Path = ROOT, *, from_code: bool = True) -> int:
    """Build the site into ``out`` and return the exit code: 0 if every link leads somewhere and every name is explained.

    ``root`` is the repository whose pages are shown; without ``from_code`` the pages that are made from the code are left out.
    """
    with tempfile.TemporaryDirectory(prefix="unseam-docs-") as work:
        source = Path(work) / "source"
        try:
            stage(source, root)
            if from_code:
                generate(source / "reference")
        except (BrokenLinkError, MissingDocstringError) as error:
            print(f"docs: {error}", file=sys.stderr)
            return 1
        shutil.copytree(HERE / "_static", source / "_static")
        shutil.rmtree(out, ignore_errors=True)
        strict = ["--fail-on-warning", "--keep-going", "--quiet"]
        kept = ["-c", str(HERE), "-d", str(Path(work) / "doctrees")]
        code = build_main([*strict, *kept, "-b", "html", str(source), str(out)])
    return int(code)


def main() -> int:
    """Build, and say where the first page is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "site", help="folder to write; what is there is replaced")
    out = parser.parse_args().out
    code = build(out)
    if code == 0:
        print(f"docs: open {out / 'index.html'}")
    return code


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    sys.exit(main())
