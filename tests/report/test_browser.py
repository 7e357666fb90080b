"""The page in a real browser: its controls work, it fits a phone, it is dark in the dark, it asks for nothing."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unseam.report.page import ReportPage, render

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs a browser: install chromium")

QUESTIONS = """<script>
const told = {}, figure = document.querySelector("figure.images"), views = [...figure.querySelectorAll(".view svg")];
const boxes = () => views.map((view) => view.getAttribute("viewBox"));
const shown = () => views.map((view) => getComputedStyle(view.parentElement).display !== "none");
told.wide = document.documentElement.scrollWidth - window.innerWidth;
told.zoomHidden = figure.querySelector(".zoom").hidden;
told.before = boxes();
const size = views[1].getBoundingClientRect();
const where = { bubbles: true, clientX: size.left + size.width / 2, clientY: size.top + size.height / 2 };
views[1].dispatchEvent(new MouseEvent("click", where));
told.clicked = boxes();
views[1].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
told.moved = boxes();
views[1].dispatchEvent(new KeyboardEvent("keydown", { key: "0", bubbles: true }));
told.reset = boxes();
const wheel = new WheelEvent("wheel", { ...where, deltaY: -1, cancelable: true });
views[0].dispatchEvent(wheel);
told.wheelAlone = boxes();
views[0].dispatchEvent(new WheelEvent("wheel", { ...where, deltaY: -1, ctrlKey: true, cancelable: true }));
told.wheel = boxes();
told.allShown = shown();
figure.querySelector("[value=truth]").click();
told.truthShown = shown();
const slider = figure.querySelector("input[type=range]");
slider.value = 30;
slider.dispatchEvent(new Event("input"));
told.opacity = getComputedStyle(figure.querySelector(".over")).opacity;
told.asked = performance.getEntriesByType("resource").filter((one) => !one.name.startsWith("data:")).length;
told.drawn = [...document.images].every((image) => image.complete && image.naturalWidth > 0);
document.body.insertAdjacentHTML("beforeend", `<pre id="told">${JSON.stringify(told)}</pre>`);
</script>"""


def browser(page: Path, folder: Path, *options: str) -> str:
    command = [
        *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--hide-scrollbars", f"--user-data-dir={folder}", *options),
    ]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, timeout=120, check=True)
    return done.stdout.decode()


@pytest.fixture
def page(of_objects, tmp_path) -> Path:
    text = render(ReportPage("A run", "A lead.", of_objects, None, "unseam report R"))
    path = tmp_path / "report.html"
    path.write_text(text.replace("</body>", QUESTIONS + "</body>"), encoding="utf-8")
    return path


def test_its_controls_work_and_it_asks_for_nothing(page, tmp_path):
    dom = browser(page, tmp_path / "profile", "--window-size=500,900", "--dump-dom")
    found = re.findall(r'<pre id="told">({.*?})</pre>', dom)
    assert found, "the script of the page stopped"
    told = json.loads(found[-1])
    assert told["wide"] <= 0, "the page is wider than a phone"
    assert told["zoomHidden"] is False
    assert told["before"] == told["reset"] == told["wheelAlone"] == ["0 0 80 60"] * 4
    for event, place in (("clicked", [20, 15, 40, 30]), ("moved", [25, 15, 40, 30]), ("wheel", [16, 6, 64, 48])):
        assert len(set(told[event])) == 1, "the views zoom together"
        np.testing.assert_allclose([float(number) for number in told[event][0].split()], place, atol=0.2)
    assert told["allShown"] == [True] * 4
    assert told["truthShown"] == [False, True, False, False]
    assert told["opacity"] == "0.3"
    assert told["asked"] == 0
    assert told["drawn"] is True


def test_it_is_light_in_the_light_and_dark_in_the_dark(page, tmp_path):
    shades = []
    for name, options in (("light", []), ("dark", ["--blink-settings=preferredColorScheme=0"])):
        picture = tmp_path / f"{name}.png"
        browser(page, tmp_path / name, "--window-size=800,600", f"--screenshot={picture}", *options)
        shades.append(float(np.median(np.array(Image.open(picture).convert("L")))))
    assert shades[0] > 240
    assert shades[1] < 60
