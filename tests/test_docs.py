"""The documents keep their word: their code runs, their commands and options exist, their links lead somewhere."""

import ast
import inspect
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import unseam
from reference.large import write_zarr
from reference.shipped import bright_info, ship
from test_house import FLOOR
from unseam import networks
from unseam.api import training as api
from unseam.cli.app import app, run
from unseam.io import write_image
from unseam.metrics import ImagePair, evaluate_class_maps, evaluate_instance_maps, every_metric
from unseam.nets import UNetConfig
from unseam.recipes import recipe_named
from unseam.settings import with_overrides

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = {verb: {n for a in app[verb].assemble_argument_collection() for n in a.names} for verb in app if verb[0] != "-"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SMALL = ("net.unet.first_width=2", "net.unet.depth=2", "training.output_size=32")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def fences(page: Path, *languages: str) -> list[str]:
    return [code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def section(page: Path, heading: str) -> str:
    return page.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]


def shell_words(page: Path) -> list[str]:
    """Everything on a page that a reader may type at a terminal."""
    lines = [line.split("  #")[0] for code in fences(page, "sh", "bat") for line in code.splitlines()]
    return [*lines, *spans(page.read_text(encoding="utf-8"))]


@pytest.fixture
def at_the_users(tmp_path, monkeypatch, rng):
    """The folders that the README names, with small images, and a training of two steps by a tiny network."""
    mask = np.zeros((72, 72), np.uint8)
    mask[8:30, 8:30] = mask[8:30, 40:62] = mask[40:62, 24:46] = 255

    def image() -> np.ndarray:
        return (mask // 2 + rng.integers(0, 60, mask.shape)).astype(np.uint8)

    for folder in ("my_cells/images", "my_cells/masks", "new_images", "new_masks"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("dish1", "dish2"):
        tifffile.imwrite(tmp_path / f"my_cells/images/{name}.tif", image())
        write_image(tmp_path / f"my_cells/masks/{name}.png", mask)
        tifffile.imwrite(tmp_path / f"new_images/{name}.tif", image())
        write_image(tmp_path / f"new_masks/{name}.png", mask)
    tifffile.imwrite(tmp_path / "big.tif", image())
    write_zarr(tmp_path / "slide.ome.zarr", image())
    tifffile.imwrite(tmp_path / "big_mask.tif", mask)

    def quick(*args: object, **kwargs: object) -> object:
        given = inspect.signature(train).bind(*args, **kwargs).arguments
        given |= {"settings": (*given.get("settings", ()), *SMALL), "minutes": None, "device": "cpu"}
        given["steps"] = 4 if given.get("resume") else 2
        return train(given.pop("data"), given.pop("masks", None), **given)

    train = api.train
    monkeypatch.setattr(api, "train", quick)
    (tmp_path / "shipped").mkdir()  # tiny networks in place of those that ship
    for name in ("nuclei", "cells", "general"):
        ship(tmp_path / "shipped", name, bright_info(net=UNetConfig(first_width=2, depth=2)))
    monkeypatch.setattr(networks, "files", lambda _: tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(page: Path) -> list[list[str]]:
    """The commands of a page, without those that need a cluster."""
    lines = [line.split("  #")[0] for code in fences(page, "sh") for line in code.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("unseam ") and not re.search("--(workers|scheduler)", line)]


def run_all(commands: list[list[str]]) -> None:
    for command in commands:
        assert run(command[1:]) == 0, shlex.join(command)


def test_the_four_commands_run_on_the_images_of_a_fresh_clone(at_the_users):
    for folder in ("my_cells", "new_images", "new_masks"):
        shutil.rmtree(at_the_users / folder)
    (at_the_users / "src").symlink_to(ROOT / "src")
    lines = [line for code in fences(README, "sh") for line in code.splitlines() if line.startswith("cp ")]
    assert len(lines) == 3
    for line in lines:
        subprocess.run(shlex.split(line), check=True)
    four = commands(README)
    assert [command[1] for command in four] == ["check", "train", "predict", "evaluate"]
    run_all(four)
    made = {path.name for path in (at_the_users / "results").iterdir()}
    assert made == {"rat6_classes.tif", "rat6_overlay.png", "report.html"}


def test_the_commands_of_the_pages_run_in_order(at_the_users):
    run_all(commands(README))
    for page in ("scores.md", "options.md", "doctor.md", "scale.md", "networks.md"):
        some = commands(ROOT / "docs" / page)
        assert some, page
        run_all(some)
    made = {path.name for folder in ("results", "cells", "cells_new") for path in (at_the_users / folder).iterdir()}
    made |= {re.sub(r"^(dish\d|big)_", "x_", name) for name in made}
    promised = spans(section(ROOT / "docs/data-formats.md", "What comes out"))
    wanted = {span for span in promised if re.fullmatch(r"\w+\.[a-z]+", span)} - {"x.tif"}
    assert len(wanted) >= 10
    assert wanted <= made, "the page promises these files"


def test_the_readme_is_short():
    assert 1200 <= len(README.read_text(encoding="utf-8").split()) <= 1700


def test_the_readme_leads_to_each_page_once():
    links = re.findall(r"\]\(docs/([\w-]+\.md)[^)]*\)", README.read_text(encoding="utf-8"))
    assert sorted(links) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


@each_page
def test_python_code_runs(page, at_the_users):
    document = Sybil([PythonCodeBlockParser()]).parse(page)
    for example in document.examples():
        example.evaluate()


@each_page
def test_commands_and_their_options_exist(page):
    verbs = "|".join(FLAGS)
    for words in shell_words(page):
        command = re.search(rf"(?:^|[\s/\\])unseam +([a-z]+)\b(.*)|^({verbs})( --.*)", words)
        if command is None:
            continue
        verb, rest = (part for part in command.groups() if part is not None)
        assert verb in FLAGS, words
        assert set(re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", rest)) <= FLAGS[verb] | {"--help"}, words


@each_page
def test_options_named_alone_exist(page):
    every = {"--help", "--version"}.union(*FLAGS.values())
    for span in spans(page.read_text(encoding="utf-8")):
        if span.startswith("--"):
            assert span.split()[0] in every, span


@each_page
def test_settings_named_exist(page):
    for words in shell_words(page):
        for setting in re.findall(r"--set ([\w.]+=\S+)", words):
            if setting != "path.to.setting=value":
                with_overrides(recipe_named("default"), [setting])


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_and_pictures_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} leads to {link}, and nothing is there"
        if anchor:
            assert anchor in anchors(there), f"{page.name} leads to {link}: no such heading"


def messages() -> list[str]:
    """Every text in the source, with a gap where a value is put in."""
    found = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(p.value) if isinstance(p, ast.Constant) else "\0" for p in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_messages_that_the_documents_explain_exist():
    table = section(ROOT / "docs/troubleshooting.md", "Messages")
    rows = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    assert len(rows) >= 8
    said = messages()
    for fragment in (span for row in rows for span in spans(row)):
        assert any(fragment in text for text in said), f"no message says {fragment!r}"


def test_the_page_of_scores_names_every_score():
    truth = np.pad(np.array([[1, 2]]), 2)
    cells = np.minimum(truth, 1)
    pair, two_classes = ImagePair("a", truth, truth, probabilities=np.full((3, 5, 6), 1 / 3)), ImagePair("a", cells, cells)
    columns = {
        *evaluate_class_maps([pair], metrics=every_metric()).columns,
        *evaluate_class_maps([two_classes], metrics=every_metric()).columns,
        *evaluate_instance_maps([pair], metrics=every_metric()).columns,
    }
    named = set(spans((ROOT / "docs/scores.md").read_text(encoding="utf-8")))
    assert {re.sub(r"_class_\d+$|_\d5$|_[6-9]0$", "", column) for column in columns} - named == set()


def test_the_floors_are_those_of_the_house():
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", section(ROOT / "docs/architecture.md", "Floors"), re.MULTILINE)
    assert {room: int(floor) for floor, room in rows} == FLOOR
    assert len(rows) == len(FLOOR), "a room stands there twice"


def test_files_that_the_architecture_names_exist():
    example = {"metrics/boundary.py", "losses/dice.py", "nets/other.py", "augment/shading.py", "io/other.py"}
    example |= {"recipes/other.py", "engines/other_engine.py", "cli/other.py", "io/large/other.py", "scale/stages/other.py"}
    example |= {"training/other.py", "data/other.py", "heads/other.py"}
    for name in spans((ROOT / "docs/architecture.md").read_text(encoding="utf-8")):
        if re.fullmatch(r"[\w/]+\.py", name) and name not in example:
            assert (ROOT / name).exists() or (ROOT / "src/unseam" / name).exists(), name


def test_the_table_of_inputs_names_tests_that_exist():
    rows = [line for line in (ROOT / "docs/formats.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith("| kind of input")]
    assert len(rows) > 90
    for row in rows:
        file = ""
        kind, _, tests = row.strip("| ").split(" | ")
        names = re.findall(r"`([\w/.]*)::(\w+)`", tests)
        assert len(names) == tests.count("`") // 2, f"{kind}: the last column holds tests only"
        for path, name in names:
            file = path or file
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{kind}: there is no {file}::{name}"


@pytest.mark.parametrize("heading", ["At run time", "Extras", "For the tests"])
def test_each_dependency_has_its_row(heading):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = dict(project["optional-dependencies"])
    lines_of = {"At run time": project["dependencies"], "For the tests": extras.pop("test")}
    lines_of["Extras"] = [line for lines in extras.values() for line in lines]
    lines = [line for line in lines_of[heading] if not line.startswith("unseam[")]  # an extra of ours, listed there
    wanted = {tuple(re.fullmatch(r"([\w-]+)(.+)", line).groups()) for line in lines}
    rows = re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \|", section(ROOT / "docs/dependencies.md", heading), re.MULTILINE)
    assert set(rows) == wanted


def test_the_citation_is_the_papers_and_the_version_ours():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {unseam.__version__}\n" in citation
    assert citation.startswith("cff-version: 1.2.0\n")
    for page in (citation, README.read_text(encoding="utf-8")):
        assert "10.1007/978-3-319-24574-4_28" in page
    names = re.findall(r"family-names: (\w+)", citation)
    assert names == ["Ronneberger", "Fischer", "Brox"]
    assert f"## [{unseam.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
