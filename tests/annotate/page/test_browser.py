"""The page in a real browser, with the real server: it paints, keeps, undoes, and survives kills."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from reference import page_shapes

NONE = 255
GREY, DEEP, FLOAT, COLOUR, ROW = "a-grey.png", "b-deep.tif", "c-float.tif", "d-colour.png", "e-row.png"


def test_every_tool_paints_the_same_here_and_there(tab):
    tab.open(DEEP)
    height, width = 120, 160
    expected = np.full((height, width), NONE)
    tab.drag((20, 20), (60, 20), (60, 60), size=8)
    first = page_shapes.capsule((20, 20), (60, 20), 4, height, width)
    first |= page_shapes.capsule((60, 20), (60, 60), 4, height, width)
    expected[first] = 1
    assert (tab.labels() == expected).all()
    tab.drag((10, 20), (90, 20), value=2, size=20, mode="empty")
    around = page_shapes.capsule((10, 20), (90, 20), 10, height, width)
    expected[around & ~first] = 2
    assert (tab.labels() == expected).all()
    tab.drag((60, 40), (60, 25), value=0, size=30, mode="only")
    inside = page_shapes.capsule((60, 40), (60, 25), 15, height, width)
    expected[inside & (expected == 1)] = 0
    assert (tab.labels() == expected).all()
    tab.drag((80, 20), (85, 22), tool="eraser", size=7)
    expected[page_shapes.capsule((80, 20), (85, 22), 3.5, height, width)] = NONE
    assert (tab.labels() == expected).all()
    corners = [(100.2, 60.1), (140.7, 62.3), (120.4, 100.9)]
    for corner in corners:
        tab.drag(corner, tool="polygon", value=1)
    tab.page.keyboard.press("Enter")
    expected[page_shapes.polygon([list(one) for one in corners], height, width)] = 1
    assert (tab.labels() == expected).all()
    ring = [(20 + 15 * np.cos(a), 85 + 15 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 30)]
    tab.drag(*ring, value=2, size=3)
    for start, end in pairwise(ring):
        expected[page_shapes.capsule(start, end, 1.5, height, width)] = 2
    tab.drag((20, 85), tool="fill", value=2)
    expected[page_shapes.connected(expected == NONE, 20, 85)] = 2
    assert (tab.labels() == expected).all()
    tab.saved()
    assert (tab.server_labels() == expected).all()
    for _ in range(4):
        tab.page.keyboard.press("Control+z")
        tab.saved()
        tab.page.locator("html[data-settled=true]").wait_for()
    assert (tab.labels() == tab.server_labels()).all()


def test_the_prediction_is_accepted_inside_a_line_where_nothing_is_annotated(tab):
    tab.open(COLOUR)
    classes = np.indices((120, 160)).sum(0) // 30 % 3
    tab.ask(
        """const both = new Uint8Array(16 + 2 * given.length);
        both.set(given, 16);
        both.fill(255, 16 + given.length);
        app.scene.guess.next = { image: state.current.value.image, step: 7, row: 0, column: 0, height: 120, width: 160,
          classes: both.subarray(16, 16 + given.length), margins: both.subarray(16 + given.length) };
        app.scene.guess.swap();""",
        classes.ravel().tolist(),
    )
    tab.page.get_by_text("prediction of step 7").wait_for()
    tab.drag((30, 30), (50, 30), value=2, size=5)
    expected = np.full((120, 160), NONE)
    expected[page_shapes.capsule((30, 30), (50, 30), 2.5, 120, 160)] = 2
    line = [(20.3, 20.2), (90.1, 25.4), (80.2, 90.3), (25.6, 80.1)]
    tab.drag(*line, tool="accept")
    inside = page_shapes.polygon([list(one) for one in line], 120, 160)
    expected[inside & (expected == NONE)] = classes[inside & (expected == NONE)]
    assert (tab.labels() == expected).all()
    tab.drag((120, 100), tool="fill", value=1)
    expected[page_shapes.connected(classes == classes[100, 120], 120, 100)] = 1
    assert (tab.labels() == expected).all(), "fill takes the piece of the prediction"
    tab.saved()
    assert (tab.server_labels() == expected).all()


@pytest.mark.parametrize("name", [GREY, DEEP, FLOAT, COLOUR, ROW])
def test_the_picture_is_numpys_to_one_grey_level(tab, images, name):
    tab.open(name)
    image = images[1][name].astype(float)
    height, width = image.shape[:2]
    told = tab.ask(
        """state.showStrokes.value = state.showPrediction.value = false;
        const { camera, canvas, painter: { gl } } = app.scene;
        const { width, height } = state.current.value;
        camera.scale = 1;
        camera.x = camera.y = 0;
        app.scene.draw();
        const out = new Uint8Array(width * height * 4);
        gl.readPixels(0, canvas.height - height, width, height, gl.RGBA, gl.UNSIGNED_BYTE, out);
        state.showStrokes.value = state.showPrediction.value = true;
        return [[...out], state.contrast.value, state.current.value];"""
    )
    shown = np.array(told[0], int).reshape(height, width, 4)[::-1, :, :3]
    windows, facts = np.array(told[1]), told[2]
    if facts["scale"]:  # sent as whole numbers of the image's range
        low, high = facts["scale"]["low"], facts["scale"]["high"]
        windows = low + windows * (high - low) / (65535 if facts["dtype"] == "uint16" else 255)
    planes = image.reshape(height, width, -1)
    expected = np.clip((planes - windows[:, 0]) / (windows[:, 1] - windows[:, 0]), 0, 1) * 255
    assert np.abs(shown - expected).max() <= 1


def test_the_keyboard_alone_paints_undoes_and_goes_on(tab):
    tab.open(FLOAT)
    page = tab.page
    page.locator("#over").focus()
    for key in ("2", "b", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.down(" ")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.up(" ")
    tab.saved()
    assert (tab.labels() == 2).sum() > 100
    page.keyboard.press("Control+z")
    tab.saved()
    page.locator("html[data-settled=true]").wait_for()
    assert (tab.labels() == NONE).all()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys and help").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    here = tab.ask("return state.current.value.image")
    page.keyboard.press("Enter")
    page.locator(".list .status.done").wait_for()
    page.locator(f"html[data-image='{here + 1}']").wait_for()
    unnamed = tab.ask(
        """return [...document.querySelectorAll("button, input, [role]")].filter((one) => !one.textContent.trim()
          && !one.getAttribute("aria-label") && !one.labels?.length).map((one) => one.outerHTML);"""
    )
    assert unnamed == [], "every control has a name"


def test_a_killed_server_costs_no_stroke_and_doubles_none(tab, served):
    tab.open(ROW)
    tab.drag((3.5, 0.5), (9.5, 0.5), size=1)
    tab.saved()
    before = tab.ask("return state.current.value.revision")
    served.kill()
    tab.drag((20.5, 0.5), (29.5, 0.5), value=2, size=1)
    tab.drag((40.5, 0.5), (44.5, 0.5), value=2, size=1)
    tab.page.locator("footer .saved[data-state=away]").wait_for()
    assert "2 not saved" in tab.page.locator("footer .saved").inner_text()
    painted = tab.labels()
    served.start()
    tab.saved()
    tab.page.locator("html[data-link=ready][data-settled=true]").wait_for()
    assert (tab.server_labels() == painted).all()
    assert (tab.labels() == painted).all()
    assert tab.facts()["revision"] == before + 2


def test_a_second_tab_reads_follows_and_takes_over(tab, context, served):

    tab.open(GREY)
    tab.drag((100, 100), (120, 100), value=1)
    tab.saved()
    other = type(tab)(context, served).ready()
    other.open(GREY)
    other.page.get_by_text("Reading only").wait_for()
    other.drag((10, 10), (20, 10), value=1)
    assert (other.labels() == tab.labels()).all(), "it does not paint"
    tab.drag((100, 20), (120, 20), value=2)
    tab.saved()
    revision = tab.ask("return state.current.value.revision")
    other.page.locator(f"html[data-revision='{revision}'][data-settled=true]").wait_for()
    assert (other.labels() == tab.labels()).all(), "it follows"
    other.page.get_by_role("button", name="Paint here instead").click()
    other.page.get_by_text("Reading only").wait_for(state="detached")
    tab.page.get_by_text("Reading only").wait_for()
    assert not other.faults
    other.page.close()


def test_without_the_token_nothing_is_shown(context, served):
    page = context.new_page()
    page.goto(served.address.partition("#")[0])
    page.get_by_text("Open the printed address").wait_for()
    page.goto(served.address[:-4] + "0000")
    page.reload()
    page.get_by_text("Open the printed address").wait_for()
    assert page.locator(".list li").count() == 0


def test_it_is_light_in_the_light_and_dark_in_the_dark(tab, tmp_path):
    tab.page.set_viewport_size({"width": 1280, "height": 800})
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        picture = tmp_path / "page.png"
        tab.page.screenshot(path=picture)
        side = np.array(Image.open(picture).convert("L"))[60:760, 1020:1270]
        assert (np.median(side) > 230) if scheme == "light" else (np.median(side) < 60)
    assert tab.ask("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert tab.ask("return document.getElementById('side').scrollHeight - document.getElementById('side').clientHeight") <= 0


def test_after_the_end_the_masks_are_what_was_on_the_canvas(tab, served, images):
    tab.open(ROW)
    tab.drag((50.5, 0.5), (54.5, 0.5), value=1, size=1)
    tab.drag((56.5, 0.5), (60.5, 0.5), value=2, size=1)
    tab.saved()
    shown = tab.labels()
    assert served.end() == 0
    mask = np.array(Image.open(images[0] / "masks" / "e-row.png"))
    assert (mask == shown).all()
    assert {1, 2, NONE} <= set(np.unique(mask))
