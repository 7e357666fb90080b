"""Lay the pages of the site out for Sphinx: the Markdown files of the repository, each in its section, with links turned along.

The files stay where a reader of the repository looks for them. Here each gets its place in the site, and every relative link is
turned to the place of what it leads to. A link to a file that is no page (source code, a list of results) becomes its text and
the path. A link that leads nowhere ends the build.
"""

import os
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = "benchmarks/results"

_FENCE = re.compile(r"^(?: {0,3})(```|~~~).*?^(?: {0,3})\1[ \t]*$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?P<mark>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^)\s]+)\)")
_FROM_README = re.compile(r"<!-- from README\.md: (.+?) -->")
_ELSEWHERE = ("https://", "http://", "mailto:")


class BrokenLinkError(Exception):
    """A link that leads nowhere; says which, and on which page."""


@dataclass(frozen=True)
class Section:
    """One entry of the bar at the top: its pages as (path in the repository or of a generated page, path in the site)."""

    name: str
    title: str
    lead: str
    pages: tuple[tuple[str, str], ...]


def sections(root: Path = ROOT) -> tuple[Section, ...]:
    """Read ``nav.toml`` and add what it does not name: further pages of ``docs`` to "How to", results to "Explanation"."""
    table = tomllib.loads((root / "docs/site/nav.toml").read_text(encoding="utf-8"))["section"]
    named = {page for section in table for page in section["pages"]}
    more = {
        "howto": [page for page in _markdown(root, "docs") if page not in named],
        "explanation": _markdown(root, RESULTS),
    }
    made = []
    for section in table:
        pages = [*section["pages"], *more.get(section["name"], [])]
        made.append(
            Section(section["name"], section["title"], section["lead"], tuple((p, _place(section["name"], p)) for p in pages))
        )
    return tuple(made)


def _markdown(root: Path, folder: str) -> list[str]:
    return [path.relative_to(root).as_posix() for path in sorted((root / folder).glob("*.md"))]


def _place(section: str, page: str) -> str:
    """Return where a page stands in the site: its section and its name, in lower case as addresses are.

    >>> _place("howto", "docs/scale.md"), _place("explanation", "benchmarks/results/huge.md")
    ('howto/scale.md', 'explanation/results/huge.md')
    """
    path = PurePosixPath(page)
    name = path.name.lower()
    if page.startswith("generated/"):
        return f"{section}/{path.relative_to('generated')}"
    if page.startswith(RESULTS):
        return f"{section}/results/{name}"
    return f"{section}/{'bundled-images.md' if name == 'source.md' else name}"


def turned(text: str, page: str, place: str, places: dict[str, str], need: Callable[[str], str], root: Path = ROOT) -> str:
    """Return the text of a page with its relative links turned to the places in the site.

    Parameters
    ----------
    page, place
        The path of the page in the repository, and in the site.
    places
        The place in the site of each page in the repository.
    need
        Called with the path of a picture or another file to show or to save; returns its place in the site.

    Raises
    ------
    BrokenLinkError
        If a link leads to nothing.
    """

    def new(match: re.Match[str]) -> str:
        to, words = match["to"], match["text"]
        if to.startswith((*_ELSEWHERE, "#")):
            return match[0]
        path, _, anchor = to.partition("#")
        there = PurePosixPath(os.path.normpath(PurePosixPath(page).parent / path)).as_posix()
        if not (root / there).exists():
            raise BrokenLinkError(f"{page} leads to {to}, and nothing is there")
        if there in places:
            target = places[there]
        elif there == "README.md":
            target = "index.md"
        elif match["mark"] or (root / there).suffix in (".ipynb", ".png", ".svg", ".csv"):
            target = need(there)
        else:
            return f"{words} (`{there}`)" if words.strip("`") != there else f"`{there}`"
        link = PurePosixPath(os.path.relpath(target, PurePosixPath(place).parent)).as_posix()
        return f"{match['mark']}[{words}]({link}{'#' + anchor if anchor else ''})"

    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"

    text = _LINK.sub(new, _FENCE.sub(keep, text))
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)


def stage(folder: Path, root: Path = ROOT) -> tuple[Section, ...]:
    """Write every page into ``folder``, with what it shows; generated pages are the caller's. Return the sections."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    laid = sections(root)
    places = {page: place for section in laid for page, place in section.pages}

    def need(file: str) -> str:
        place = f"files/{file}"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, folder / place)
        return place

    for page, place in [("docs/site/index.md", "index.md"), *places.items()]:
        if page.startswith("generated/"):
            continue
        if not (root / page).is_file():
            raise BrokenLinkError(f"docs/site/nav.toml names {page}, and there is no such file")
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        text = turned((root / page).read_text(encoding="utf-8"), page, place, places, need, root)
        for heading in _FROM_README.findall(text):
            words = turned(_section(root, heading), "README.md", place, places, need, root)
            text = text.replace(f"<!-- from README.md: {heading} -->", words)
        target.write_text(text, encoding="utf-8")
    for section in laid:
        (folder / section.name).mkdir(exist_ok=True)
        (folder / section.name / "index.md").write_text(_contents(section), encoding="utf-8")
    return laid


def _section(root: Path, heading: str) -> str:
    """Return what the README says below a heading, so that the start page says the same."""
    parts = (root / "README.md").read_text(encoding="utf-8").split(f"\n## {heading}\n")
    if len(parts) != 2:
        raise BrokenLinkError(f"docs/site/index.md shows the section {heading!r} of README.md, which has none of that name")
    return parts[1].split("\n## ")[0].strip()


def _contents(section: Section) -> str:
    """Return the first page of a section: a line about it, and its pages; results of measurements come apart."""
    own = [PurePosixPath(place).relative_to(section.name) for _, place in section.pages]
    tree = "```{{toctree}}\n:maxdepth: 1\n{options}\n{pages}\n```\n"
    pages = tree.format(options="", pages="\n".join(str(path) for path in own if path.parts[0] != "results"))
    results = [str(path) for path in own if path.parts[0] == "results"]
    apart = tree.format(options=":caption: Measured\n", pages="\n".join(results)) if results else ""
    return f"# {section.title}\n\n{section.lead}\n\n{pages}\n{apart}"
