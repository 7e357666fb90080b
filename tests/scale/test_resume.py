"""Interrupted work resumes; existing results are kept; work that does not fit is refused."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
import tifffile

from reference.large import WRITERS, blob_model, in_chunks, read, smooth, write_npy, write_zarr
from torture.large import digest
from unseam.errors import ClusterError, DataError, ImageReadError, InUseError, OutputError, SettingsError
from unseam.io import disk
from unseam.io.large import open_large
from unseam.io.lock import locked
from unseam.io.result import read_facts
from unseam.scale.executors import LocalExecutor
from unseam.scale.folder import work_folder
from unseam.scale.predict_large import Progress
from unseam.scale.prediction import SavedResults
from unseam.scale.task import Failed, PassKind


class Stop(Exception):
    pass


def stopping_after(num: int, performed: list):
    """Executors that stop after a number of chunks, counted over all stages."""

    class Stopping(LocalExecutor):
        def perform(self, tasks):
            for task, facts in super().perform(tasks):
                if len(performed) >= num:
                    raise Stop
                performed.append((task.stage.key, task.chunk))
                yield task, facts

    return Stopping


@pytest.fixture
def source(tmp_path, rng):
    return write_npy(tmp_path / "image.npy", smooth(rng, 100, 90))


@pytest.fixture
def model():
    return blob_model(0.6)


@pytest.mark.parametrize("num", [0, 1, 5, 14, 20, 26, 33, 40])
def test_resumes_where_it_stopped(tmp_path, source, model, num):
    whole = in_chunks(model, source, tmp_path / "whole.zarr")
    done, out = [], tmp_path / "out.zarr"
    with pytest.raises(Stop):
        in_chunks(model, source, out, executor=stopping_after(num, done))
    assert not out.exists()
    again = []
    in_chunks(model, source, out, executor=stopping_after(10**6, again), resume=True)
    assert not set(done) & set(again)
    assert digest(out) == digest(whole.path)
    assert not work_folder(out).exists()


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("out", ["out.zarr", "out.ome.tif"])
def test_every_reader_and_writer_resumes(tmp_path, rng, model, name, out):
    source = WRITERS[name](tmp_path / name, smooth(rng, 100, 90))
    saves = SavedResults(objects=True)
    whole = in_chunks(model, source, tmp_path / f"whole-{out}", saves)
    with pytest.raises(Stop):
        in_chunks(model, source, tmp_path / out, saves, stopping_after(9, []))
    in_chunks(model, source, tmp_path / out, saves, resume=True)
    if out.endswith(".tif"):
        assert (tmp_path / out).read_bytes() == whole.path.read_bytes()
        assert np.array_equal(tifffile.imread(whole.path), model.predict(image_of(source)).instances)
    else:
        assert digest(tmp_path / out) == digest(whole.path)


def image_of(source):
    (image,) = open_large(source)
    return image.read(0, slice(0, image.height), slice(0, image.width))


@pytest.mark.parametrize("num", [3, 30, 60, 90])
def test_a_full_disk_is_one_line_and_costs_nothing_finished(tmp_path, source, model, num, monkeypatch):
    whole = in_chunks(model, source, tmp_path / "whole.zarr")
    calls = iter(range(10**6))
    write = disk.write

    def full(descriptor, data):
        if next(calls) >= num:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    out = tmp_path / "out.zarr"
    with monkeypatch.context() as patched:
        patched.setattr(disk, "write", full)
        with pytest.raises(OutputError, match=r"No space left on device.*free at least [\d,]+ bytes"):
            in_chunks(model, source, out)
    assert not out.exists()
    if (work_folder(out) / "plan.json").exists():
        in_chunks(model, source, out, resume=True)
    else:
        in_chunks(model, source, out)
    assert digest(out) == digest(whole.path)


def test_damage_in_the_journal_costs_work_and_nothing_else(tmp_path, source, model):
    whole = in_chunks(model, source, tmp_path / "whole.zarr")
    out, done, notes = tmp_path / "out.zarr", [], []
    with pytest.raises(Stop):
        in_chunks(model, source, out, executor=stopping_after(15, done))
    journal = work_folder(out) / "journal.txt"
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)
    in_chunks(model, source, out, resume=True, progress=Progress(tell=notes.append))
    assert "damaged" in notes[0]
    assert digest(out) == digest(whole.path)


def test_a_chunk_lost_from_the_work_folder_does_not_become_background(tmp_path, source, model):
    out, done = tmp_path / "out.zarr", []
    with pytest.raises(Stop):
        in_chunks(model, source, out, executor=stopping_after(15, done))
    (work_folder(out) / "result.ome.zarr/0/c/0/0").unlink()
    with pytest.raises(OutputError, match=r"chunk.*missing"):
        in_chunks(model, source, out, resume=True)
    assert not out.exists()


def test_an_existing_result_is_kept(tmp_path, source, model):
    out = tmp_path / "out.zarr"
    in_chunks(model, source, out)
    before = digest(out)
    with pytest.raises(OutputError, match=r"out\.zarr.*--overwrite.*--out"):
        in_chunks(model, source, out)
    with pytest.raises(SettingsError, match=r"out\.zarr.*--resume"):
        in_chunks(model, source, out, resume=True)
    assert digest(out) == before
    in_chunks(blob_model(0.5), source, out, overwrite=True)
    assert digest(out).keys() == before.keys()
    assert digest(out) != before
    with pytest.raises(SettingsError, match=r"--resume.*--overwrite"):
        in_chunks(model, source, out, resume=True, overwrite=True)


@pytest.mark.parametrize("num", range(14))
def test_a_kill_while_the_result_gets_its_name(tmp_path, source, model, num, monkeypatch):
    """Two stores get their names, then the work folder is emptied: each call on the way is the last one once."""
    whole = in_chunks(model, source, tmp_path / "whole.zarr")
    out, calls = tmp_path / "out.zarr", iter(range(10**6))

    def stopping(name):
        call = getattr(disk, name)

        def stopped(*words):
            if (work_folder(out) / "finished.json").exists() and next(calls) >= num:
                raise Stop
            return call(*words)

        return stopped

    with monkeypatch.context() as patched:
        for name in ("rename", "list_folder", "remove_file", "remove_folder"):
            patched.setattr(disk, name, stopping(name))
        with pytest.raises(Stop):
            in_chunks(model, source, out)
    again = []
    in_chunks(model, source, out, executor=stopping_after(10**6, again), resume=True)
    assert again == []
    assert digest(out) == digest(whole.path)
    assert not work_folder(out).exists()


def test_probabilities_beside_a_result(tmp_path, source, model):
    saves = SavedResults()
    out, beside = tmp_path / "out.ome.zarr", tmp_path / "out-prob.ome.zarr"
    assert in_chunks(model, source, out).probabilities == beside
    assert read_facts(beside)["complete"] is True
    notes = []
    in_chunks(model, source, out, saves, overwrite=True, progress=Progress(tell=notes.append))
    assert f"{beside} is of an earlier result" in notes[-1]
    shutil.rmtree(out)
    with pytest.raises(OutputError, match=r"out-prob\.ome\.zarr already exists.*--overwrite"):
        in_chunks(model, source, out)
    shutil.rmtree(beside)
    write_zarr(beside, np.zeros((5, 5), np.uint8))
    with pytest.raises(OutputError, match=r"out-prob\.ome\.zarr was not written by unseam"):
        in_chunks(model, source, out, overwrite=True)
    assert in_chunks(model, source, out, saves).probabilities is None


def test_work_with_the_old_layout_is_not_continued(tmp_path, source, model):
    """Its probabilities lie in the store of the classes, and its journal says that they are finished."""
    out = tmp_path / "out.zarr"
    with pytest.raises(Stop):
        in_chunks(model, source, out, executor=stopping_after(30, []))
    plan = work_folder(out) / "plan.json"
    old = json.loads(plan.read_text())
    del old["layout of the result"]
    plan.write_text(json.dumps(old))
    with pytest.raises(SettingsError, match=r"layout of the result: null before, 3 now.*--overwrite"):
        in_chunks(model, source, out, resume=True)
    in_chunks(model, source, out, overwrite=True)


def test_a_store_of_another_program_is_never_overwritten(tmp_path, rng, model, source):
    image = write_zarr(tmp_path / "image.zarr", smooth(rng, 50, 50))
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"image\.zarr.*--out"):
            in_chunks(model, image, image, overwrite=overwrite)
    with pytest.raises(OutputError, match=r"image\.zarr.*not written by unseam.*--out"):
        in_chunks(model, source, image, overwrite=True)
    probabilities = image.rename(tmp_path / "seg-prob.zarr")
    with pytest.raises(OutputError, match=r"seg-prob\.zarr is the image itself.*--out"):
        in_chunks(model, probabilities, tmp_path / "seg.zarr", overwrite=True)
    image = probabilities.rename(image)
    assert read(image, level="full").shape == (50, 50)


def test_unfinished_work_is_reported(tmp_path, source, model):
    out = tmp_path / "out.zarr"
    with pytest.raises(SettingsError, match=r"\.out\.zarr\.unseam.*--resume"):
        in_chunks(model, source, out, resume=True)
    with pytest.raises(Stop):
        in_chunks(model, source, out, executor=stopping_after(3, []))
    with pytest.raises(OutputError, match=r"\.out\.zarr\.unseam.*--resume.*--overwrite"):
        in_chunks(model, source, out)
    in_chunks(model, source, out, overwrite=True)
    assert out.exists()


def test_only_the_same_work_resumes(tmp_path, rng, source, model):
    out = tmp_path / "out.zarr"
    with pytest.raises(Stop):
        in_chunks(model, source, out, executor=stopping_after(3, []))
    with pytest.raises(SettingsError, match=r"\(model: .* --overwrite"):
        in_chunks(blob_model(0.7), source, out, resume=True)
    write_npy(source, smooth(rng, 100, 91))
    with pytest.raises(SettingsError, match=r"\(image: .* --overwrite"):
        in_chunks(model, source, out, resume=True)
    with pytest.raises(SettingsError, match="--overwrite"):
        in_chunks(model, source, out, chunk=16, resume=True)


def test_one_at_a_time(tmp_path, source, model):
    out = tmp_path / "out.zarr"
    work_folder(out).mkdir()
    with locked(work_folder(out), "a test"), pytest.raises(InUseError, match="in use"):
        in_chunks(model, source, out)


def test_a_chunk_that_fails_is_named_and_the_rest_finishes(tmp_path, source, model):
    class Failing(LocalExecutor):
        def perform(self, tasks):
            for task, facts in super().perform(tasks):
                is_poison = task.stage.kind is PassKind.NETWORK and task.chunk == 4
                yield task, Failed("its worker died 3 times") if is_poison else facts

    out = tmp_path / "out.zarr"
    with pytest.raises(ClusterError, match=r"1 of 12 chunks .*rows 32-63, columns 32-63: its worker died 3 times"):
        in_chunks(model, source, out, executor=Failing)
    journal = (work_folder(out) / "journal.txt").read_text()
    assert journal.count('"stage":"0/0/network"') == 11
    again = []
    in_chunks(model, source, out, executor=stopping_after(10**6, again), resume=True)
    assert [chunk for key, chunk in again if key == "0/0/network"] == [4]


def test_pixels_that_are_not_finite_are_named(tmp_path, rng, model):
    image = smooth(rng, 70, 60).astype(np.float32)
    image[65, 44] = np.nan
    with pytest.raises(DataError, match=r"row 65, column 44 is nan"):
        in_chunks(model, write_npy(tmp_path / "a.npy", image), tmp_path / "out.zarr")


def test_channels_that_the_model_does_not_know(tmp_path, rng, model):
    with pytest.raises(DataError, match=r"a\.zarr.* 2 channel.* 1\b.*--channel"):
        in_chunks(model, write_zarr(tmp_path / "a.zarr", smooth(rng, 70, 60, 2), axes="yxc"), tmp_path / "out.zarr")
    coloured = smooth(rng, 70, 60, 3)
    with pytest.raises(DataError, match=r"c\.npy.* 3 channel.* 1\b.*--channel"):
        in_chunks(model, write_npy(tmp_path / "c.npy", coloured), tmp_path / "out2.zarr")


def test_a_missing_chunk_of_the_image(tmp_path, rng, model):
    store = write_zarr(tmp_path / "a.zarr", smooth(rng, 100, 90))
    (store / "full/c/1/1").unlink()
    with pytest.raises(ImageReadError, match=r"missing-chunks fill"):
        in_chunks(model, store, tmp_path / "out.zarr")
    assert not (tmp_path / "out.zarr").exists()


def test_a_finished_result_says_so(tmp_path, source, model):
    found = in_chunks(model, source, tmp_path / "out.zarr")
    facts = json.loads((found.path / "zarr.json").read_text())["attributes"]["unseam"]
    assert facts["complete"] is True
    assert facts["chunks"][0] == found.num_chunks
    assert facts["num_objects"] == found.num_objects
