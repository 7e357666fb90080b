"""Pens, fingers, and eyes that see no colours, in a real browser."""

import numpy as np
import pytest

from reference import page_shapes

NONE = 255


@pytest.fixture
def devtools(tab, context):
    """The browser's own protocol: its events are trusted, as those of a real pen or finger are."""
    session = context.new_cdp_session(tab.page)
    yield session
    session.detach()


def on_screen(tab, *points: tuple[float, float]) -> list[tuple[float, float]]:
    """Where points of the image lie in the window, CSS pixels."""
    return tab.ask(
        """const box = app.pointers.over.getBoundingClientRect();
        return given.map(([x, y]) => {
          const at = app.scene.camera.toCanvas({ x, y });
          return [box.left + at.x, box.top + at.y];
        });""",
        [list(point) for point in points],
    )


def pen(tab, devtools, *points: tuple[float, float]) -> None:
    for number, (x, y) in enumerate(on_screen(tab, *points)):
        kind = "mousePressed" if number == 0 else "mouseMoved"
        devtools.send(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen", "force": 0.7},
        )
    devtools.send(
        "Input.dispatchMouseEvent",
        {"type": "mouseReleased", "x": x, "y": y, "button": "left", "pointerType": "pen", "clickCount": 1},
    )


def touch(devtools, kind: str, *points: tuple[float, float]) -> None:
    places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def view(tab) -> tuple[float, float, float]:
    return tuple(tab.ask("const { scale, x, y } = app.scene.camera; return [scale, x, y];"))


def prepare(tab, name: str) -> None:
    tab.open(name)
    tab.ask(
        """state.tool.value = "brush"; state.activeClass.value = 1; state.brushSize.value = 6; state.mode.value = "all";
        app.pointers.sawPen = false; app.scene.camera.fit(); app.scene.tellMoved();"""
    )


def test_a_finger_paints_and_two_fingers_zoom_without_a_stroke(tab, devtools):
    prepare(tab, "a-grey.png")
    first, second = on_screen(tab, (30, 30), (70, 30))
    touch(devtools, "touchStart", first)
    touch(devtools, "touchMove", second)
    touch(devtools, "touchEnd")
    tab.saved()
    painted = tab.labels()
    assert (painted[page_shapes.capsule((32, 30), (68, 30), 2, 120, 160)] == 1).all()
    scale = view(tab)[0]
    left, right, far_left, far_right = on_screen(tab, (60, 80), (100, 80), (50, 80), (110, 80))
    touch(devtools, "touchStart", left)
    touch(devtools, "touchStart", left, right)
    touch(devtools, "touchMove", far_left, far_right)
    touch(devtools, "touchEnd")
    assert view(tab)[0] == pytest.approx(1.5 * scale, rel=0.02)
    tab.saved()
    tab.page.locator("html[data-settled=true]").wait_for()
    assert (tab.labels() == painted).all(), "the stroke that the first finger began is dropped"


def test_after_a_pen_the_palm_moves_the_view_and_paints_nothing(tab, devtools):
    prepare(tab, "b-deep.tif")
    pen(tab, devtools, (20, 20), (60, 20), (60, 60))
    tab.saved()
    painted = tab.labels()
    assert (painted[page_shapes.capsule((22, 20), (58, 20), 2, 120, 160)] == 1).all()
    assert (tab.server_labels() == painted).all()
    before = view(tab)
    first, second = on_screen(tab, (100, 100), (120, 90))
    touch(devtools, "touchStart", first)
    touch(devtools, "touchMove", second)
    touch(devtools, "touchEnd")
    tab.saved()
    assert (tab.labels() == painted).all()
    assert view(tab) != before


def test_a_touch_that_the_system_takes_away_ends_the_stroke(tab, devtools):
    prepare(tab, "c-float.tif")
    touch(devtools, "touchStart", *on_screen(tab, (30, 30)))
    touch(devtools, "touchMove", *on_screen(tab, (60, 30)))
    touch(devtools, "touchCancel")
    assert tab.ask("return [app.pointers.painting, app.pointers.fingers.size, app.scene.isPointerDown]") == [-1, 0, False]
    tab.saved()
    assert (tab.labels() == tab.server_labels()).all()


def pixels_of(tab) -> np.ndarray:
    """The whole image as the canvas shows it, one pixel of the screen to one of the image: (H, W, 3)."""
    told = tab.ask(
        """const { camera, canvas, painter: { gl } } = app.scene; const { width, height } = state.current.value;
        camera.scale = 1; camera.x = camera.y = 0;
        app.scene.draw();
        const out = new Uint8Array(width * height * 4);
        gl.readPixels(0, canvas.height - height, width, height, gl.RGBA, gl.UNSIGNED_BYTE, out);
        return [height, width, [...out]];"""
    )
    return np.array(told[2], np.uint8).reshape(told[0], told[1], 4)[::-1, :, :3]


def test_patterns_tell_classes_apart_without_colours(tab):
    prepare(tab, "d-colour.png")
    tab.ask("state.strokesOpacity.value = 1; state.contrast.value = state.contrast.value.map(() => [0, 1e9]);")
    for value in (0, 1, 2):
        tab.drag((20, 20 + 40 * value), (140, 20 + 40 * value), value=value, size=30)
    tab.saved()

    def shares() -> list[float]:
        """How much of the middle of each stroke is as bright as its brightest pixel."""
        shown = pixels_of(tab).max(axis=2).astype(int)
        bands = [shown[row - 8 : row + 8, 30:130] for row in (20, 60, 100)]
        return [float((band > 0.8 * band.max()).mean()) for band in bands]

    plain = shares()
    tab.page.keyboard.press("k")
    tab.page.get_by_role("button", name="Patterns", pressed=True).wait_for()
    with_patterns = shares()
    tab.page.keyboard.press("k")
    tab.ask("state.strokesOpacity.value = 0.75")
    assert plain == [1.0, 1.0, 1.0]
    assert with_patterns[1] == 1.0, "the first class stays plain"
    assert 0.35 < with_patterns[0] < 0.65
    assert 0.35 < with_patterns[2] < 0.65


def test_a_lost_context_comes_back_with_the_same_picture(tab):
    prepare(tab, "a-grey.png")
    tab.drag((100, 20), (150, 20), value=2, size=12)
    tab.saved()
    before = pixels_of(tab)
    tab.ask("globalThis.lost = app.scene.painter.gl.getExtension('WEBGL_lose_context'); lost.loseContext();")
    tab.page.wait_for_timeout(100)
    tab.drag((100, 40), (150, 40), value=1, size=4)
    tab.saved()
    tab.page.keyboard.press("Control+z")
    tab.saved()
    tab.ask("globalThis.before = app.scene.painter; lost.restoreContext();")
    for _ in range(50):
        if tab.ask("return app.scene.painter !== globalThis.before"):
            break
        tab.page.wait_for_timeout(100)
    tab.page.locator("html[data-settled=true]").wait_for()
    assert (pixels_of(tab) == before).all()
