"""The first minute with a new folder, in a real browser: the question, the first stroke, a reload, undo."""

import numpy as np

NONE = 255


def test_a_new_folder_is_asked_for_its_classes_then_painted_with_the_mouse(first_tab, images):
    tab, page = first_tab, first_tab.page
    page.get_by_role("dialog").wait_for()
    assert "token" not in page.url, "the token leaves the address bar"
    page.get_by_role("button", name="Another class").click()
    page.get_by_label("Name: Class 2").fill("Kern, 2 µm")
    page.get_by_role("button", name="Begin to paint").click()
    tab.ready()
    assert (images[0] / "annotate.toml").exists()
    box = page.locator("#over").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 240, steps=4)
    page.mouse.up()
    tab.saved()
    painted = tab.labels()
    assert set(np.unique(painted)) == {1, NONE}
    assert (painted == tab.server_labels()).all()
    page.reload()
    tab.ready()
    page.locator("html[data-settled=true]").wait_for()
    assert (tab.labels() == painted).all(), "a reload shows what was painted"
    page.keyboard.press("Control+z")
    tab.saved()
    page.locator("html[data-settled=true]").wait_for()
    assert (tab.server_labels() == NONE).all(), "undo goes over a reload"
    assert (tab.labels() == NONE).all()
    page.get_by_role("button", name="Do again").click()
    tab.saved()
    page.locator("html[data-settled=true]").wait_for()
    assert (tab.labels() == painted).all()
    assert (tab.server_labels() == painted).all()
