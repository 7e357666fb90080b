"""One server and one browser for all tests of the page."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from annotate.page.programs import browser as find_browser

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP evil.test 127.0.0.1",
)


def write_images(folder: Path) -> dict[str, np.ndarray]:
    """One small image of each kind that the canvas draws in its own way."""
    rng = np.random.default_rng(3)
    row, column = np.mgrid[:120, :160]
    wave = 0.5 + 0.4 * np.sin(row / 9) * np.cos(column / 13) + rng.normal(0, 0.02, (120, 160))
    images = {
        "a-grey.png": np.clip(wave * 255, 0, 255).astype(np.uint8),
        "b-deep.tif": (900 + wave * 3000).astype(np.uint16),
        "c-float.tif": wave.astype(np.float32),
        "d-colour.png": np.clip(np.stack([wave, wave**2, 1 - wave], -1) * 255, 0, 255).astype(np.uint8),
        "e-row.png": np.linspace(0, 255, 64).astype(np.uint8)[None, :],
    }
    folder.mkdir(parents=True)
    for name, image in images.items():
        path = folder / name
        if path.suffix == ".tif":
            tifffile.imwrite(path, image)
        else:
            Image.fromarray(image).save(path)
    return images


@dataclass
class Served:
    """`unseam annotate` in a process of its own."""

    folder: Path
    environment: dict[str, str]
    options: tuple[str, ...] = ("--no-learn",)
    address: str = ""
    said: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "unseam", "annotate", str(self.folder), "--no-browser", *self.options]
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, env=self.environment, **out)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/#token=[0-9a-f]{64}", line):
                self.address = found[0]
                return
        raise AssertionError(f"it did not start: {self.said}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def end(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.said += self.process.communicate(timeout=30)[0].splitlines(keepends=True)
        return self.process.returncode


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> tuple[Path, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("page") / "project"
    return folder, write_images(folder / "images")


@pytest.fixture(scope="module")
def served(images, tmp_path_factory) -> Iterator[Served]:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state")), "OMP_NUM_THREADS": "1"}
    one = Served(images[0], environment)
    one.start()
    yield one
    if one.process is not None and one.process.poll() is None:
        one.end()


@pytest.fixture(scope="module")
def chromium():
    program = find_browser()
    if program is None:
        pytest.skip("needs a browser: install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="needs a browser driver: install playwright")
    with api.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        yield one
        one.close()


@pytest.fixture(scope="module")
def context(chromium):
    one = chromium.new_context(viewport={"width": 1000, "height": 700})
    one.set_default_timeout(90_000)
    yield one
    one.close()


class Tab:
    """A tab with the page, and short ways to ask it things."""

    def __init__(self, context, served: Served):
        self.page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.goto(served.address)

    def ready(self) -> "Tab":
        self.page.locator("html[data-link=ready]").wait_for()
        self.page.locator("html[data-image]").wait_for()
        return self

    def ask(self, code: str, given=None):
        return self.page.evaluate(f"(given) => {{ const {{ app, state }} = unseam; {code} }}", given)

    def open(self, name: str) -> None:
        self.ask("const one = state.images.value.find((one) => given.startsWith(one.name)); return app.open(one.image)", name)
        self.page.locator("html[data-settled=true]").wait_for()

    def saved(self) -> None:
        self.page.locator("footer .saved[data-state=saved]").wait_for()

    def drag(self, *points: tuple[float, float], tool: str = "brush", value: int = 1, size: int = 9, mode: str = "all") -> None:
        """A whole gesture with a tool, in pixels of the image, without the mouse of the browser."""
        self.ask(
            """state.tool.value = given.tool; state.activeClass.value = given.value; state.size.value.value = given.size;
            state.mode.value = given.mode; const points = given.points.map(([x, y]) => ({ x, y }));
            app.tools.down(points[0]); points.slice(1).forEach((point) => app.tools.move(point));
            app.tools.up(points.at(-1));""",
            {"points": [list(point) for point in points], "tool": tool, "value": value, "size": size, "mode": mode},
        )

    def labels(self) -> np.ndarray:
        """The page's own copy."""
        told = self.ask(
            """const { width, height } = state.current.value; const out = [];
            for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) out.push(app.scene.labels.at(x, y));
            return [height, width, out];"""
        )
        return np.array(told[2]).reshape(told[:2])

    def get(self, path: str):
        """What the server has at an address, as bytes and facts of the reply."""
        return self.ask(
            """return fetch(`/api/images/${state.current.value.image}${given}`, {
              headers: { Authorization: `Bearer ${sessionStorage.token}` } }).then(async (reply) => [
                reply.status, [...new Uint8Array(await reply.arrayBuffer())]]);""",
            path,
        )

    def facts(self) -> dict:
        return json.loads(bytes(self.get("")[1]))

    def server_labels(self) -> np.ndarray:
        """What the server has; images of these tests are one tile."""
        facts = self.facts()
        status, content = self.get("/labels/0/0/0")
        area = facts["height"] * facts["width"]
        return np.array([255] * area if status == 204 else content).reshape(facts["height"], facts["width"])


@pytest.fixture(scope="module")
def first_tab(context, served) -> Tab:
    return Tab(context, served)


@pytest.fixture
def tab(first_tab, served) -> Iterator[Tab]:
    """The same tab for all tests of a module, in any order: a page takes a second to load. The classes are declared."""
    if served.process.poll() is not None:  # a test ended it
        served.start()
    first_tab.page.locator("html[data-link=ready]").wait_for()
    first_tab.ask(
        """return app.load().then(() => state.isDeclared.value || fetch("/api/project", { method: "POST",
          headers: { Authorization: `Bearer ${sessionStorage.token}`, "Content-Type": "application/json" },
          body: JSON.stringify({ kind: "classes",
            classes: ["ground", "cell", "Kern, 2 \u00b5m"].map((name, value) => ({ value, name })) }),
        }).then(() => app.load()));"""
    )
    first_tab.ready()
    yield first_tab
    assert not first_tab.faults
