"""What the page says and keeps in a real browser when the disk refuses, and when another program writes a mask."""

import resource
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NONE = 255
GREY, COLOUR = "a-grey.png", "d-colour.png"


def test_a_disk_that_refuses_is_said_and_the_stroke_is_kept_and_sent_again(tab, served, images):
    tab.open(GREY)
    tab.drag((20, 20), (60, 20), value=1, size=8)
    tab.saved()
    journal = max((images[0] / ".annotate").glob("*journal*"), key=lambda path: path.stat().st_size)
    before = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (journal.stat().st_size, before[1]))
    try:
        tab.drag((20, 60), (60, 60), value=2, size=8)
        tab.page.locator("footer .saved[data-state=trouble]").wait_for()
        assert tab.page.locator("footer .saved").inner_text().startswith("Not saved: ")
        tab.drag((20, 90), (60, 90), value=1, size=8)
        painted = tab.labels()
        assert {1, 2, NONE} == set(np.unique(painted)), "painting goes on"
        assert tab.ask("return state.unsaved.value") == 2
        assert (tab.server_labels() == 2).sum() == 0
    finally:
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, before)
    tab.saved()
    tab.page.locator("html[data-settled=true]").wait_for()
    assert (tab.server_labels() == painted).all()
    assert (tab.labels() == painted).all()


ANSWERS = ["The changed file", "What is painted here", "The file where this is empty"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_mask_of_another_program_is_asked_about_and_kept(tab, images, answer):
    tab.open(COLOUR)
    tab.drag((20, 20), (140, 20), value=1, size=10)
    tab.saved()
    mask: Path = images[0] / "masks" / COLOUR
    for _ in range(100):  # the server writes the mask three seconds after the last stroke
        if mask.exists() and (np.array(Image.open(mask)) == tab.server_labels()).all():
            break
        tab.page.wait_for_timeout(200)
    ours = tab.labels()
    theirs = np.full(ours.shape, NONE, np.uint8)
    theirs[10:30, : 80 + ANSWERS.index(answer)] = 2  # a mask that was answered about once is not asked about again
    Image.fromarray(theirs).save(mask)
    row = 95 + 8 * ANSWERS.index(answer)  # a stroke that changes no pixel would bring no question up
    tab.drag((20, row), (140, row), value=1, size=4)
    tab.page.get_by_role("alertdialog", name="The mask was changed").wait_for()
    ours = tab.labels()
    tab.page.get_by_role("button", name=answer).click()
    tab.page.get_by_role("alertdialog").wait_for(state="detached")
    tab.saved()
    tab.page.locator("html[data-settled=true]").wait_for()
    found = tab.labels()
    assert (found == tab.server_labels()).all()
    if answer == "What is painted here":
        assert (found == ours).all()
    elif answer == "The file where this is empty":
        assert (found == np.where(ours == NONE, theirs, ours)).all()
    else:
        above = slice(0, 90)  # the stroke that brought the question up lies below, and may count as painted after the answer
        assert (found[above] == theirs[above]).all()
    kept = [np.array(Image.open(path)) for path in (images[0] / ".annotate/before").rglob("*.png")]
    assert any(one.shape == theirs.shape and (one == theirs).all() for one in kept), "theirs is kept in every case"
