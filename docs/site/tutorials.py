"""Run the tutorials, and put what they print and draw into their pages: ``python docs/site/tutorials.py [NAME ...]``.

A tutorial is a Markdown file in ``docs/tutorials``. Its blocks of ``sh`` and ``python`` run from top to bottom in one folder.
What a block prints replaces the block of ``text`` below it, and each picture of the page is the file of that name in that
folder. The first tutorial also becomes a notebook, with the same outputs. The tests run the blocks in the same way with a
training of a few steps, and change no page.
"""

import argparse
import ast
import base64
import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TUTORIALS = ROOT / "docs/tutorials"
AS_NOTEBOOK = "first-table"

_PART = re.compile(r"^```(sh|python|text)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
_PICTURE = re.compile(r"!\[([^\]]*)\]\((pictures/[\w/.-]+)\)")
_WIDEST = 1200  # px of a picture in a page
_OWN_LIMIT = 4000  # characters of an output


@dataclass
class Folder:
    """Where a tutorial runs, and what its Python blocks have defined so far."""

    path: Path
    names: dict[str, object] = field(default_factory=dict)


def pages() -> list[Path]:
    """Return the tutorials, by name."""
    return sorted(TUTORIALS.glob("*.md"))


@contextlib.contextmanager
def working_in(path: Path, source: Path = ROOT / "src") -> Iterator[Folder]:
    """Work in a folder that, like a fresh clone, has the source in ``src``, and in it the micrographs of the examples."""
    before = Path.cwd()
    (path / "src").symlink_to(source)
    os.chdir(path)
    try:
        yield Folder(path)
    finally:
        os.chdir(before)


def run_block(language: str, code: str, folder: Folder) -> str:
    """Run one block and return what it printed; raise AssertionError or what the block raises if it fails."""
    return run_python(code, folder) if language == "python" else "".join(run_line(line) for line in code.splitlines())


def run_line(line: str) -> str:
    """Run one line of a shell block: ``unseam`` in this process, any other command by itself."""
    words = shlex.split(line, comments=True)
    if not words:
        return ""
    if words[0] != "unseam":
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout
    from unseam.cli.app import run

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = run(words[1:])
    assert code == 0, f"{line} ended with {code}"
    return printed.getvalue()


def run_python(code: str, folder: Folder) -> str:
    """Run a block of Python; like a notebook, it shows the value of a last line that is an expression."""
    *body, last = ast.parse(code).body
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), "tutorial", "exec"), folder.names)
            value = eval(compile(ast.Expression(last.value), "tutorial", "eval"), folder.names)
            if value is not None:
                print(value if isinstance(value, str) else repr(value))
        else:
            exec(compile(ast.parse(code), "tutorial", "exec"), folder.names)
    return printed.getvalue()


def run_page(text: str, folder: Folder, say: Callable[[str], None] = lambda _: None) -> str:
    """Run all blocks of a page and return the page with what they print."""
    printed = ""

    def run_one(match: re.Match[str]) -> str:
        nonlocal printed
        language, code = match[1], match[2]
        if language == "text":
            return f"```text\n{_tidy(printed)}```\n"
        say(code)
        printed = run_block(language, code, folder).replace(f"{folder.path.resolve()}{os.sep}", "")
        return match[0]

    return _PART.sub(run_one, text)


def _tidy(printed: str) -> str:
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    text = "\n".join(lines) + "\n"
    return text if len(text) <= _OWN_LIMIT else text[:_OWN_LIMIT] + "...\n"


def pictures(text: str) -> list[str]:
    """Return the pictures of a page, relative to it."""
    return [match[2] for match in _PICTURE.finditer(text)]


def made_by_run(picture: str, folder: Path) -> Path:
    """Return the file in the run's folder that a picture of a page shows: that of its name, in whatever format it was drawn."""
    found = [
        path
        for path in folder.rglob(f"{Path(picture).stem}.*")
        if path.suffix in (".png", ".svg", ".jpg") and "src" not in path.parts
    ]
    assert len(found) == 1, f"{picture}: the run made {len(found)} files of that name"
    return found[0]


def keep_picture(drawn: Path, target: Path) -> None:
    """Store a picture for the page: SVG as it is, others as JPEG, at most 1200 px wide."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if drawn.suffix == ".svg":
        shutil.copyfile(drawn, target)
        return
    with Image.open(drawn) as image:
        image.thumbnail((_WIDEST, 4 * _WIDEST))
        image.convert("RGB").save(target, quality=85, optimize=True)


def notebook(text: str, folder: Path) -> str:
    """Return a page that was run as a Jupyter notebook: its blocks are cells, what they printed and drew are their outputs."""
    cells: list[dict[str, object]] = []
    at = 0
    for match in _PART.finditer(text):
        _add_words(cells, text[at : match.start()], folder)
        at = match.end()
        if match[1] == "text":
            cells[-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": match[2]}]
            continue
        lines = match[2].rstrip("\n").splitlines()
        source = lines if match[1] == "python" else [f"!{line}" for line in lines if line.strip()]
        cells.append(_cell("code", "\n".join(source)))
    _add_words(cells, text[at:], folder)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    about = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return (
        json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False) + "\n"
    )


def _add_words(cells: list[dict[str, object]], text: str, folder: Path) -> None:
    """Add the words between two blocks; a picture becomes a cell that shows the file."""
    at = 0
    for match in _PICTURE.finditer(text):
        _add_markdown(cells, text[at : match.start()])
        at = match.end()
        drawn = made_by_run(match[2], folder)
        kind, name = ("SVG", "image/svg+xml") if drawn.suffix == ".svg" else ("Image", "image/jpeg")
        shown = TUTORIALS / match[2]
        data = shown.read_text(encoding="utf-8") if kind == "SVG" else base64.b64encode(shown.read_bytes()).decode()
        cell = _cell("code", f'from IPython.display import {kind}\n\n{kind}("{drawn.relative_to(folder).as_posix()}")')
        cell["outputs"] = [{"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {name: data}}]
        cells.append(cell)
    _add_markdown(cells, text[at:])


def _add_markdown(cells: list[dict[str, object]], text: str) -> None:
    words = re.sub(r"\]\(\.\./(\w[\w/-]*)\.md(#[\w-]+)?\)", "]", text).strip()
    if words:
        cells.append({"cell_type": "markdown", "metadata": {}, "source": words})


def _cell(kind: str, source: str) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, "source": source, "outputs": [], "execution_count": 1}


def draw_result(folder: Path) -> None:
    """Draw the picture at the top of the README: the micrograph of the first tutorial, by hand and by its network."""
    from unseam.api.demo import SAMPLES, side_by_side
    from unseam.io import read_image, read_labels

    image, truth = (SAMPLES / "held-out" / kind / "rat6.png" for kind in ("images", "masks"))
    predicted = read_labels(folder / "results/rat6_classes.tif").pixels
    drawn = Image.fromarray(side_by_side(read_image(image).pixels, read_labels(truth).pixels, predicted))
    half = drawn.resize((drawn.width // 2, drawn.height // 2), Image.Resampling.LANCZOS)
    half.quantize(256).save(ROOT / "docs/pictures/demo.png", optimize=True)


def remake(page: Path) -> None:
    """Run a tutorial as its reader would, and put what it prints and draws into the page."""
    with tempfile.TemporaryDirectory() as temporary, working_in(Path(temporary)) as folder:
        text = run_page(page.read_text(encoding="utf-8"), folder, lambda code: print(code, file=sys.stderr))
        for picture in pictures(text):
            keep_picture(made_by_run(picture, folder.path), page.parent / picture)
        page.write_text(text, encoding="utf-8")
        if page.stem == AS_NOTEBOOK:
            draw_result(folder.path)
            page.with_suffix(".ipynb").write_text(notebook(text, folder.path), encoding="utf-8")


def main() -> int:
    """Run the tutorials that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="tutorials to run; default: all")
    names = parser.parse_args().names
    for page in pages():
        if not names or page.stem in names:
            remake(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
