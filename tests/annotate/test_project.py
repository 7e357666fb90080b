"""Nothing that was painted is lost, and nothing that others wrote is overwritten in silence."""

import errno
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from annotate.folders import HEIGHT, WIDTH, labels_of, mask_in, new_id, paint, project_in, raw_folder, stroke
from torture.disk_calls import failing, watched
from unseam.annotate.ops import OrderError
from unseam.annotate.project import NotDeclaredError, Project, ledger, open_project
from unseam.data.layout import find_pairs
from unseam.errors import DataError, ImageReadError, InUseError, LabelError, OutputError
from unseam.io import read_labels


def test_masks_are_ordinary_files_with_the_same_pixels(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder) as project:
        image = project.opened(0)
        paint(image, stroke(3))
        paint(image, stroke(7, value=0))
        assert list(project.write_masks()) == [0]
        assert list(project.write_masks()) == []
        expected = labels_of(image)
    assert sorted(set(expected.ravel().tolist())) == [0, 1, 255]
    assert (mask_in(folder) == expected).all()
    assert not (folder / "masks/b.png").exists()
    found = find_pairs(folder)
    assert ([pair.name for pair in found.pairs], found.ignore, found.classes) == (["a"], 255, ((0, "background"), (1, "cell")))


def test_objects_are_int32_and_minus_1_where_nothing_is_annotated(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder, "objects", "background", "cell") as project:
        image = project.opened(0)
        paint(image, stroke(3, value=70_000))
        assert image.next_object == 70_001
        list(project.write_masks())
        expected = labels_of(image)
    mask = read_labels(folder / "masks/a.tif").pixels
    assert (mask.dtype, int(mask.min()), int(mask.max())) == (np.int32, -1, 70_000)
    assert (mask == expected).all()
    with project_in(folder) as project:
        assert (labels_of(project.opened(0)) == expected).all()
        assert project.opened(0).next_object == 70_001


@pytest.mark.parametrize("is_written", [True, False])
def test_strokes_and_undo_survive_the_process(tmp_path: Path, is_written: bool) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder) as project:
        image = project.opened(0)
        before = labels_of(image)
        paint(image, stroke(3), "first")
        paint(image, stroke(4), "second")
        after = labels_of(image)
        if is_written:
            list(project.write_masks())
    with project_in(folder) as project:
        image = project.opened(0)
        assert (labels_of(image) == after).all()
        with pytest.raises(OrderError):
            image.undo(new_id(), "first")
        image.undo(new_id(), "second")
        image.undo(new_id(), "first")
        assert (labels_of(image) == before).all()
        image.redo(new_id(), "first")
        assert project.state(0).num_strokes == 1
    with project_in(folder) as project:
        image = project.opened(0)
        assert image.state.history.undone[-1].stroke == "second"
        image.redo(new_id(), "second")
        assert (labels_of(image) == after).all()
        project.open_unwritten()
        list(project.write_masks())
    assert (mask_in(folder) == after).all()


def test_an_operation_that_is_sent_again_counts_once(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    for _ in range(2):
        with project_in(folder) as project:
            image = project.opened(0)
            for _ in range(2):
                assert image.paint("one", "one", "brush", stroke(3), ("all", None)).revision == 1
            assert (image.state.num_strokes, image.state.revision) == (1, 1)


def test_a_mask_from_which_all_is_erased_is_removed(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder) as project:
        paint(project.opened(0), stroke(3), "one")
        list(project.write_masks())
        project.opened(0).undo(new_id(), "one")
        list(project.write_masks())
        assert not (folder / "masks/a.png").exists()
    with project_in(folder) as project:
        project.open_unwritten()
        assert not project.is_changed(0)
        project.opened(0).redo(new_id(), "one")
        list(project.write_masks())
    assert (mask_in(folder) == 1).sum() == 9


def test_status_and_left_out(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, "a", "b")
    with project_in(folder) as project:
        for number in (0, 1):
            paint(project.opened(number), stroke(3))
            paint(project.opened(number), stroke(5, value=0))
        project.set_status(0, "left out")
        project.set_status(1, "done")
        list(project.write_masks())
    assert [pair.name for pair in find_pairs(folder).pairs] == ["b"]
    with project_in(folder) as project:
        assert [project.state(number).status for number in (0, 1)] == ["left out", "done"]
        project.set_status(0, "begun")
    assert len(find_pairs(folder).pairs) == 2


# Masks of other programs.


def changed_elsewhere(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Paint and write; then another program paints; return ours and theirs."""
    with project_in(folder) as project:
        paint(project.opened(0), stroke(3))
        list(project.write_masks())
        ours = labels_of(project.opened(0))
    theirs = ours.copy()
    theirs[3, 2:5], theirs[20:22] = 0, 1
    Image.fromarray(theirs).save(folder / "masks/a.png")
    return ours, theirs


@pytest.mark.parametrize("keep", ["theirs", "ours", "both"])
def test_a_mask_that_another_program_changed(tmp_path: Path, keep: str) -> None:
    folder = raw_folder(tmp_path)
    ours, theirs = changed_elsewhere(folder)
    expected = {"theirs": theirs, "ours": ours, "both": np.where(ours == 255, theirs, ours)}[keep]
    with project_in(folder) as project:
        project.open_unwritten()
        assert project.is_changed(0)
        assert list(project.write_masks()) == []
        assert (mask_in(folder) == theirs).all(), "nothing is overwritten before the answer"
        project.opened(0).answer(keep, "answer")
        assert (labels_of(project.opened(0)) == expected).all()
        assert list(project.write_masks()) == [0]
        if keep != "ours":
            project.opened(0).undo(new_id(), "answer")
            assert (labels_of(project.opened(0)) == ours).all()
            project.opened(0).redo(new_id(), "answer")
    (copy,) = (folder / ".annotate/before").iterdir()
    assert (np.asarray(Image.open(copy)) == theirs).all()
    with project_in(folder) as project:
        project.open_unwritten()
        list(project.write_masks())
        assert not project.is_changed(0)
    assert (mask_in(folder) == expected).all()


def test_a_mask_changed_while_we_paint_is_asked_about_before_it_is_overwritten(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder) as project:
        paint(project.opened(0), stroke(3))
        list(project.write_masks())
        theirs = np.zeros((HEIGHT, WIDTH), np.uint8)
        Image.fromarray(theirs).save(folder / "masks/a.png")
        paint(project.opened(0), stroke(5))
        assert list(project.write_masks()) == []
        assert project.is_changed(0)
    assert (mask_in(folder) == theirs).all()


def test_a_mask_that_was_deleted_is_asked_about(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder) as project:
        paint(project.opened(0), stroke(3))
        list(project.write_masks())
        (folder / "masks/a.png").unlink()
        project.opened(0).asks()
        assert project.is_changed(0)
        project.opened(0).answer("ours", "back")
        list(project.write_masks())
    assert (mask_in(folder) == 1).sum() == 9


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (np.zeros((HEIGHT, WIDTH + 1), np.uint8), "its image is 40 x 50 px"),
        (np.full((HEIGHT, WIDTH), 7, np.uint8), "the value 7 at row 0, column 0; the values are 0 to 1, and 255"),
    ],
)
def test_a_file_that_is_no_mask_of_ours_is_not_taken(tmp_path: Path, theirs: np.ndarray, words: str) -> None:
    folder = raw_folder(tmp_path)
    ours, _ = changed_elsewhere(folder)
    Image.fromarray(theirs).save(folder / "masks/a.png")
    with project_in(folder) as project:
        with pytest.raises(LabelError, match=words):
            project.opened(0).answer("theirs", "answer")
        assert (labels_of(project.opened(0)) == ours).all()
        project.opened(0).answer("ours", "answer")
        list(project.write_masks())
    assert (mask_in(folder) == ours).all()


def test_masks_that_lie_there_are_taken_over(tmp_path: Path) -> None:
    """Two values 0 and 255 become 0 and 1, because 255 is to mean "not annotated"; the files are kept."""
    folder = raw_folder(tmp_path, "a", "b", "c")
    (folder / "masks").mkdir()
    theirs = np.zeros((HEIGHT, WIDTH), np.uint8)
    theirs[5:9, 5:9] = theirs[20:30, 20:30] = 255
    Image.fromarray(theirs).save(folder / "masks/a.png")
    Image.fromarray(theirs).save(folder / "masks/b_masks.png")
    with open_project(folder) as project:
        assert project.found is not None
        assert (len(project.found.masks), project.found.kind) == (2, "classes")
        assert "255 is foreground" in project.found.message
        with pytest.raises(DataError, match="hold classes"):
            project.declare("objects", list(project.found.classes))
        project.declare("classes", list(project.found.classes))
        assert [project.state(number).status for number in range(3)] == ["done", "done", "new"]
        list(project.write_masks())
    assert sorted(path.name for path in (folder / "masks").iterdir()) == ["a.png", "b.png"]
    for name in ("a.png", "b.png"):
        assert (mask_in(folder, name) == (theirs > 0)).all()
    assert len(list((folder / ".annotate/before").iterdir())) == 2
    assert len(find_pairs(folder).pairs) == 2
    with project_in(folder) as project:
        project.open_unwritten()
        assert not any(project.is_changed(number) for number in range(3))


def test_masks_that_cannot_be_understood_are_left_alone(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, "a")
    (folder / "masks").mkdir()
    (folder / "masks/a.png").write_bytes(b"no picture")
    with open_project(folder) as project:
        assert project.found is not None
        assert not project.found.can_be_used
        with pytest.raises(DataError, match=r"cannot be taken over.*Mend them, or move the folder masks away"):
            project.declare("classes", list(project.found.classes))
        assert not (folder / "annotate.toml").exists()
    assert (folder / "masks/a.png").read_bytes() == b"no picture"


# The disk.


def play(folder: Path) -> tuple[dict[str, np.ndarray], int]:
    """Paint, undo and write, and try again what fails, as the page does; return the maps that were acknowledged."""
    failed = 0
    with project_in(folder) as project:
        done = 0
        for _ in range(8):
            try:
                image = project.opened(0)
                while done < 6:
                    if done == 3:
                        image.undo("undo", "stroke-2")
                    else:
                        image.paint(f"op-{done}", f"stroke-{done}", "brush", stroke(done * 3, value=done % 2), ("all", None))
                    done += 1
                    if done in (2, 5):
                        list(project.write_masks())
                list(project.write_masks(is_end=True))
                break
            except OutputError:
                failed += 1
        assert done == 6
        return {"labels": labels_of(project.opened(0))}, failed


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EIO])
def test_every_call_to_the_disk_may_fail(tmp_path: Path, reason: int) -> None:
    """Whatever fails once: what was acknowledged is there, once, in the map and in the mask, also for the next process."""
    with project_in(raw_folder(tmp_path / "plain"), "classes"):
        pass
    with watched() as calls:
        expected = play(tmp_path / "plain")[0]["labels"]
    assert len(calls) > 60
    num_failed = 0
    for call in range(1, len(calls) + 1, 7 if reason == errno.EIO else 2):
        folder = tmp_path / str(call)
        with project_in(raw_folder(folder), "classes"):
            pass
        with watched(failing(call, reason)):
            try:
                labels, failed = play(folder)
            except OutputError:  # the folder could not be opened at all
                num_failed += 1
                continue
        num_failed += failed
        assert (labels["labels"] == expected).all(), call
        with project_in(folder) as project:
            project.open_unwritten()
            assert not project.is_changed(0), call
            assert (labels_of(project.opened(0)) == expected).all(), call
            assert project.state(0).revision == 6
            list(project.write_masks(is_end=True))
        assert (mask_in(folder) == expected).all(), call
    assert num_failed > (3 if reason == errno.EIO else 15)


def test_a_kill_between_any_two_calls_loses_nothing(tmp_path: Path) -> None:
    """The process ends in a call, without a word; the next one has every stroke that was acknowledged."""

    class Killed(BaseException):
        pass

    with project_in(raw_folder(tmp_path / "plain"), "classes"):
        pass
    with watched() as calls:
        play(tmp_path / "plain")
    for call in range(1, len(calls) + 1, 4):
        folder, acknowledged = tmp_path / str(call), 0
        with project_in(raw_folder(folder), "classes"):
            pass

        def kill(number: int, name: str, at: int = call) -> None:
            if number >= at:
                raise Killed

        with watched(kill):
            try:
                with project_in(folder) as project:
                    for number in range(6):
                        paint(project.opened(0), stroke(number * 3), f"op-{number}")
                        acknowledged = number + 1
                        if number in (1, 4):
                            list(project.write_masks())
                    list(project.write_masks())
            except Killed:
                pass
        with project_in(folder) as project:
            project.open_unwritten()
            assert not project.is_changed(0), call
            image = project.opened(0)
            assert acknowledged <= image.state.num_strokes <= acknowledged + 1
            assert int((labels_of(image) == 1).sum()) == 9 * image.state.num_strokes
            list(project.write_masks())
            assert (mask_in(folder) == labels_of(image)).all() if image.state.num_strokes else True


def test_a_long_journal_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder) as project:
        for number in range(30):
            paint(project.opened(0), stroke(number), f"op-{number}")
        project.set_status(1, "done")
        before = (folder / ".annotate/journal").stat().st_size
        monkeypatch.setattr(ledger, "LONG", before // 2)
        list(project.write_masks())
        expected = labels_of(project.opened(0))
        assert project.state(0).revision == 30
        project.opened(0).paint("op-29", "op-29", "brush", stroke(29), ("all", None))
        assert project.state(0).revision == 30, "an operation is known in the new journal"
        paint(project.opened(0), stroke(31), "after")
    with project_in(folder) as project:
        image = project.opened(0)
        assert (image.state.revision, image.state.num_strokes, project.state(1).status) == (31, 31, "done")
        image.undo(new_id(), "after")
        assert (labels_of(image) == expected).all()
        image.undo(new_id(), "op-29")
    (folder / ".annotate/kept/a.png").unlink()
    with project_in(folder) as project, pytest.raises(OutputError, match="is missing or was changed"):
        project.opened(0)


def test_half_a_record_of_a_killed_process_is_cut_off(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder) as project:
        paint(project.opened(0), stroke(3))
        paint(project.opened(0), stroke(5))
    journal = folder / ".annotate/journal"
    journal.write_bytes(journal.read_bytes()[:-20])
    with project_in(folder) as project:
        assert project.ledger.note is None
        assert project.state(0).num_strokes == 1


# Refusals.


def test_one_process_annotates_a_folder(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with project_in(folder), pytest.raises(InUseError, match="in use"), open_project(folder):
        pass


def test_a_folder_without_images_is_refused_and_stays_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image"), open_project(tmp_path):
        pass
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="no such folder"), open_project(tmp_path / "none"):
        pass


def test_nothing_is_painted_before_the_classes_have_names(tmp_path: Path) -> None:
    with open_project(raw_folder(tmp_path)) as project, pytest.raises(NotDeclaredError):
        project.opened(0)


def test_classes_are_added_and_renamed_but_not_removed(tmp_path: Path) -> None:
    from annotate.folders import classes

    with project_in(raw_folder(tmp_path)) as project:
        project.declare("classes", classes("background", "axon", "myelin"))
        paint(project.opened(0), stroke(3, value=2))
        with pytest.raises(DataError, match="not removed"):
            project.declare("classes", classes("background", "axon"))
        with pytest.raises(DataError, match="their kind stays"):
            project.declare("objects", classes("background", "axon"))


def test_images_in_the_folder_itself(tmp_path: Path) -> None:
    raw_folder(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.rename(tmp_path / path.name)
    (tmp_path / "images").rmdir()
    with project_in(tmp_path) as project:
        paint(project.opened(0), stroke(3))
        paint(project.opened(0), stroke(4, value=0))
        list(project.write_masks())
    assert find_pairs(tmp_path).pairs[0].image == tmp_path / "a.png"


def test_a_stack_is_listed_and_cannot_be_painted(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, "a")
    tifffile.imwrite(folder / "images/b.tif", np.zeros((5, 20, 30), np.uint8), metadata={"axes": "ZYX"}, imagej=True)
    with project_in(folder) as project:
        with pytest.raises(ImageReadError, match="holds 5 planes"):
            project.opened(1)
        assert "Save the planes as single images" in project.images[1].problem


def test_opening_many_images_keeps_few_maps(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, *[f"i{number:02d}" for number in range(20)])
    with project_in(folder) as project:
        for number in range(20):
            paint(project.opened(number), stroke(3))
            list(project.write_masks())
        assert len(project._open) <= 17
        assert isinstance(project, Project)
        assert (labels_of(project.opened(0)) == 1).sum() == 9


def test_the_mask_of_a_large_image_is_a_tiled_tiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written at the end, and then read tile by tile."""
    from unseam.annotate.project import mask_files, open_image, picture

    for module in (mask_files, open_image, picture):
        monkeypatch.setattr(module, "is_large", lambda height, width: True)
    folder = raw_folder(tmp_path, "a", size=(700, 1100))
    with project_in(folder) as project:
        image = project.opened(0)
        paint(image, stroke(600, column=500, length=40, width=1100))
        assert list(project.write_masks()) == []
        assert list(project.write_masks(is_end=True)) == [0]
        paint(image, stroke(3, column=500, length=40, width=1100))
        expected = labels_of(image)
    assert (expected == 1).sum() == 80
    with project_in(folder) as project:
        assert (labels_of(project.opened(0)) == expected).all()
        project.open_unwritten()
        list(project.write_masks(is_end=True))
    with tifffile.TiffFile(folder / "masks/a.tif") as tiff:
        assert tiff.pages.first.is_tiled
    assert (read_labels(folder / "masks/a.tif").pixels == expected).all()
