"""The site of the documentation: built strictly and without network, it opens from disk, and its search works there."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import generate
import unseam
from make_site import build
from stage import ROOT, BrokenLinkError, sections, stage, turned

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The whole site, built once, in a process that has no proxy to reach a network by."""
    out = tmp_path_factory.mktemp("site")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, str(ROOT / "docs/site/make_site.py"), str(out)]
    source = {"PYTHONPATH": str(Path(unseam.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | nowhere | source, check=False)
    assert done.returncode == 0, done.stderr
    return out


class Links(HTMLParser):
    """Collects what a page names: its anchors, what it leads to, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors, self.leads, self.loads = {""}, set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.anchors |= {known[name] for name in ("id", "name") if known.get(name)}
        if tag == "a" and known.get("href"):
            self.leads.add(known["href"])
        elif known.get("src") or (tag == "link" and known.get("href")):
            self.loads.add(known.get("src") or known["href"])


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Links]:
    return {path: Links(path) for path in site.rglob("*.html") if "_static" not in path.parts}  # there: a template of the theme


def test_every_link_in_the_site_leads_somewhere(pages):
    assert len(pages) > 50
    for page, links in pages.items():
        for link in links.leads | links.loads:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("#"):
                continue
            there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            there = there / "index.html" if there.is_dir() else there
            assert there.exists(), f"{page} leads to {link}"
            if parts.fragment and there in pages:
                assert unquote(parts.fragment) in pages[there].anchors, f"{page} leads to {link}: no such place"


def test_no_page_loads_anything_from_a_network(site, pages):
    for page, links in pages.items():
        assert not [link for link in links.loads if urlsplit(link).scheme not in ("", "data")], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import\s+['\"]?https?:", style.read_text(encoding="utf-8")), style


@pytest.mark.skipif(BROWSER is None, reason="needs a browser: install chromium")
def test_the_search_works_from_disk(site, tmp_path):
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ]
    flags += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path}", "--virtual-time-budget=8000"]
    page = (site / "search.html").as_uri() + "?q=mirrored"
    done = subprocess.run([str(BROWSER), *flags, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<ul[^>]*class="search">(.*?)</ul>', done.stdout, re.DOTALL)
    assert found
    assert "paper.html" in found[1]


def test_the_site_names_every_public_name_and_every_command(site):
    reference = "".join(path.read_text(encoding="utf-8") for path in (site / "reference").rglob("*.html"))
    for name in set(unseam.__all__) - {"plot"}:
        assert f'id="unseam.{name}"' in reference or f'id="unseam.errors.{name}"' in reference, name
    for verb in generate.VERBS:
        assert f"unseam {verb.removesuffix('_')}" in reference
    assert "training.logit_adjustment" in reference


def test_every_page_of_the_documentation_has_its_place_once():
    shown = [page for section in sections() for page, _ in section.pages]
    assert len(shown) == len(set(shown))
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")} <= set(shown)
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/tutorials").glob("*.md")} <= set(shown)


def test_links_are_turned_to_the_places_in_the_site(tmp_path):
    for name in ("docs/a.md", "docs/b.md", "docs/p.png", "src/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    places = {"docs/a.md": "howto/a.md", "docs/b.md": "reference/b.md"}

    def turn(text: str) -> str:
        return turned(text, "docs/a.md", "howto/a.md", places, lambda file: f"files/{file}", tmp_path)

    assert turn("[b](b.md#part)") == "[b](../reference/b.md#part)"
    assert turn("![p](p.png)") == "![p](../files/docs/p.png)"
    assert turn("[the code](../src/x.py)") == "the code (`src/x.py`)"
    assert turn("[w](https://w.org) [here](#part)") == "[w](https://w.org) [here](#part)"
    assert turn("```\n[b](nothing.md)\n```\n") == "```\n[b](nothing.md)\n```\n"
    with pytest.raises(BrokenLinkError, match=r"docs/a\.md leads to nothing\.md"):
        turn("[b](nothing.md)")


@pytest.fixture
def small(tmp_path) -> Path:
    """A repository of two pages."""
    (tmp_path / "docs/site").mkdir(parents=True)
    nav = '[[section]]\nname = "howto"\ntitle = "How to"\nlead = "Words."\npages = ["docs/a.md"]\n'
    (tmp_path / "docs/site/nav.toml").write_text(nav, encoding="utf-8")
    (tmp_path / "docs/site/index.md").write_text(
        "# Start\n\n[a](../a.md)\n\n```{toctree}\nhowto/index\n```\n", encoding="utf-8"
    )
    (tmp_path / "docs/a.md").write_text("# A\n\nWords.\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", ""),
        ("[b](b.md)", "nothing is there"),
        ("[a](#no-such-heading)", "no-such-heading"),
        ("```{eval-rst}\n.. autoclass:: unseam.Table\n\n   :meth:`unseam.Table.no_such_method`\n```", "no_such_method"),
        ("```{eval-rst}\n.. automodule:: without_docstring\n   :members:\n   :undoc-members:\n```", "GL08"),
    ],
    ids=["whole", "broken link", "broken anchor", "unknown name", "no docstring"],
)
@pytest.mark.filterwarnings("ignore:::")  # of Sphinx and its extensions about each other
def test_a_fault_ends_the_build(line, said, small, tmp_path, monkeypatch, capfd):
    (tmp_path / "without_docstring.py").write_text('"""A module."""\n\n\ndef f():\n    return 1\n', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with (small / "docs/a.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{line}\n")
    assert build(tmp_path / "out", small, from_code=False) == (1 if line else 0)
    assert said in capfd.readouterr().err


def test_a_public_name_without_a_page_ends_the_build(monkeypatch):
    monkeypatch.setattr(unseam, "__all__", [*unseam.__all__, "Brand_new"])
    with pytest.raises(generate.MissingDocstringError, match="Brand_new"):
        generate.python()


def test_a_page_that_nothing_names_is_shown_under_how_to(small, tmp_path):
    (small / "docs/networks.md").write_text("# Networks\n", encoding="utf-8")
    (section,) = stage(tmp_path / "staged", small)
    assert section.pages[-1] == ("docs/networks.md", "howto/networks.md")
