"""The arena without its tools: the judge against plain loops, the split, what counts as finished, one run of a small tool."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.metrics import adapted_rand_error

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
ARENA = FOLDER / "arena"
OURS = ("borders", "contenders", "contract", "judge", "pictures", "results", "sets", "common", "few_images_rows")

TOOL = """
import numpy as np
from contract import Task, Trained, compete


def train(task: Task) -> Trained:
    assert len(task.images) == len(task.masks)
    edge = max(image[mask == 0].max() for image, mask in zip(task.images, task.masks))
    return Trained(lambda image: PREDICTION, 7, "by a threshold")


compete(train, "numpy")
"""


@pytest.fixture
def arena(monkeypatch):
    """The modules of the arena, by name."""
    if not ARENA.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.syspath_prepend(str(ARENA))
    import borders
    import contenders
    import judge
    import pictures
    import sets

    import results

    yield {module.__name__: module for module in (borders, contenders, judge, pictures, results, sets)}
    for name in OURS:
        sys.modules.pop(name, None)


def maps(rng, number, side=24):
    """Blobs of few numbers, so that objects of two maps overlap in every way."""
    coarse = rng.integers(0, number, (side // 4, side // 4))
    return np.kron(coarse, np.ones((4, 4), int)) * (rng.random((side, side)) > 0.1)


def plain_objects(pairs):
    """SEG, F1 and PQ by loops over objects."""
    total, matches, num_true, num_found = 0.0, 0, 0, 0
    for predicted, truth in pairs:
        true, found = (sorted(set(labels.ravel()) - {0}) for labels in (truth, predicted))
        num_true, num_found = num_true + len(true), num_found + len(found)
        for one in true:
            for other in found:
                both = np.sum((truth == one) & (predicted == other))
                iou = both / np.sum((truth == one) | (predicted == other))
                total, matches = total + iou * (iou > 0.5), matches + (iou > 0.5)
    return total / num_true, 2 * matches / (num_true + num_found), 2 * total / (num_true + num_found)


@pytest.mark.parametrize("seed", range(3))
def test_objects_are_judged_as_by_plain_loops(arena, seed):
    rng = np.random.default_rng(seed)
    truths = [maps(rng, 12), maps(rng, 12) * 1000]
    pairs = [(np.where(rng.random(truth.shape) > 0.2, truth, 0) + 5 * (truth > 0), truth) for truth in truths]
    figures = arena["judge"].score(pairs, "objects")
    assert (figures["seg"], figures["f1"], figures["pq"]) == pytest.approx(plain_objects(pairs))
    assert figures["iou"] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["objects", "classes"])
def test_the_truth_is_perfect_and_an_empty_map_is_not(arena, rng, kind):
    judge, truth = arena["judge"], maps(rng, 4)
    for figure in judge.FIGURES[kind]:
        best = 0 if figure in judge.LOWER_IS_BETTER else 1
        assert judge.score([(truth, truth)], kind)[figure] == best
        assert judge.score([(0 * truth, truth)], kind)[figure] != best


def test_nothing_to_score_is_no_score(arena):
    nothing = np.zeros((5, 6), int)
    assert set(arena["judge"].score([(nothing, nothing)], "objects").values()) == {None}
    figures = arena["judge"].score([(nothing, nothing)], "classes")
    assert figures == {"iou": None, "pixel_error": 0, "rand_error": None}


def test_classes_are_judged_as_by_plain_loops(arena, rng):
    judge = arena["judge"]
    pairs = [(maps(rng, 3), maps(rng, 3)) for _ in range(2)]
    predicted, truth = (np.stack([pair[i] for pair in pairs]) for i in (0, 1))
    ious = [np.sum((predicted == k) & (truth == k)) / np.sum((predicted == k) | (truth == k)) for k in (1, 2)]
    figures = judge.score(pairs, "classes")
    assert [figures["iou_class_1"], figures["iou_class_2"], figures["iou"]] == pytest.approx([*ious, np.mean(ious)])
    assert figures["pixel_error"] == pytest.approx(np.mean(predicted != truth))


def test_the_rand_error_is_that_of_the_components_of_the_last_class(arena):
    truth = np.array([[2, 2, 1, 2, 2], [2, 2, 0, 2, 2]])
    joined = np.array([[2, 2, 2, 2, 2], [2, 2, 0, 2, 2]])
    cells = np.array([[1, 1, 0, 2, 2], [1, 1, 0, 2, 2]])
    expected = adapted_rand_error(cells, (joined == 2).astype(int))[0]
    assert arena["judge"].score([(joined, truth)], "classes")["rand_error"] == pytest.approx(expected)
    assert expected > 0


def test_borders_part_objects_and_small_ones_keep_an_inside(arena):
    borders = arena["borders"]
    objects = np.zeros((30, 40), np.int32)
    objects[4:24, 4:20], objects[4:24, 20:36], objects[27, 3:5] = 7, 300, 9
    classes = borders.with_borders(objects)
    assert set(np.unique(classes[objects == 9])) == {1}
    assert np.all((classes > 0) == (objects > 0))
    found = borders.from_borders(np.stack([classes == k for k in range(3)]).astype(float))
    assert np.array_equal(found > 0, objects > 0)
    assert len(set(zip(found.ravel(), objects.ravel(), strict=True))) == 4, "each object is one object again"
    assert borders.smallest_of([objects]) == 2
    assert borders.from_borders(np.stack([classes == k for k in range(3)]).astype(float), 3)[27, 3] == 0


def write_data(folder, rng, number, draw):
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(number):
        mask = draw(rng)
        Image.fromarray((mask > 0).astype(np.uint8) * 200).save(folder / "images" / f"{i}.png")
        Image.fromarray(mask.astype(np.uint8)).save(folder / "masks" / f"{i}.png")
    return folder


def blobs(rng):
    """Five squares, each with a number of its own."""
    mask = np.zeros((32, 32), int)
    for i, place in enumerate(rng.permutation(9)[:5]):
        row, column = 10 * (place // 3) + 1, 10 * (place % 3) + 1
        mask[row : row + 8, column : column + 8] = i + 1
    return mask


def test_a_folder_of_anyone_is_split_and_understood(arena, rng, tmp_path):
    sets = arena["sets"]
    write_data(tmp_path / "cells", rng, 5, blobs)
    write_data(tmp_path / "membranes", rng, 4, lambda rng: 255 * (maps(rng, 3) > 0))
    assert [folder.name for folder in sets.find_sets(tmp_path)] == ["cells", "membranes"]
    assert sets.find_sets(tmp_path / "cells") == [tmp_path / "cells"]
    cells, membranes = (sets.read_set(tmp_path / name) for name in ("cells", "membranes"))
    assert (cells.kind, membranes.kind) == ("objects", "classes")
    assert (len(cells.train), len(cells.test)) == (2, 3)
    assert not set(cells.train) & set(cells.test)
    assert {value for _, mask in membranes.train.values() for value in np.unique(mask)} == {0, 1}
    assert list(sets.read_set(tmp_path / "cells").train) == list(cells.train), "the same images each time"
    assert len(sets.read_set(tmp_path / "cells", num_train=4).train) == 4
    assert sets.read_set(tmp_path / "cells", kind="classes").digest != cells.digest


def test_the_four_sets_come_before_other_folders(arena, rng, tmp_path):
    for name in ("dsb2018", "other"):
        write_data(tmp_path / name, rng, 1, blobs)
    assert [folder.name for folder in arena["sets"].find_sets(tmp_path)] == ["dsb2018"]


def grey_as_colours(folder):
    grey = np.asarray(Image.open(folder / "images" / "0.png"))
    Image.fromarray(np.dstack([grey, grey, grey, np.full_like(grey, 255)])).save(folder / "images" / "0.png")


def test_grey_saved_as_colours_is_grey(arena, rng, tmp_path):
    folder = write_data(tmp_path / "cells", rng, 2, blobs)
    grey_as_colours(folder)
    found = arena["sets"].read_set(folder)
    assert {image.shape for side in (found.train, found.test) for image, _ in side.values()} == {(32, 32)}


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("images/0.tif", np.zeros((7, 32, 32), np.uint8), "of one plane"),
        ("masks/0.tif", np.zeros((32, 32), np.float32), "no label map"),
        ("masks/0.tif", np.zeros((31, 32), np.uint8), "has .* pixels and its mask"),
        ("images/0.tif", np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8), "some images are grey"),
    ],
)
def test_what_is_no_set_is_told(arena, rng, tmp_path, name, pixels, message):
    folder = write_data(tmp_path / "cells", rng, 2, blobs)
    (folder / name).with_suffix(".png").unlink()
    tifffile.imwrite(folder / name, pixels)
    with pytest.raises(arena["sets"].BadSet, match=message):
        arena["sets"].read_set(folder)


def test_one_image_or_none_is_told(arena, rng, tmp_path):
    sets = arena["sets"]
    with pytest.raises(sets.BadSet, match="needs two"):
        sets.read_set(write_data(tmp_path / "one", rng, 1, blobs))
    with pytest.raises(sets.BadSet, match="leaves none"):
        sets.read_set(write_data(tmp_path / "two", rng, 2, blobs), num_train=2)
    with pytest.raises(sets.BadSet, match="no folder 'images'"):
        sets.find_sets(tmp_path / "nowhere")


@pytest.fixture
def tool(arena, tmp_path, monkeypatch):
    """A function from the text of a prediction to a tool that makes it, in this interpreter."""

    def made(prediction):
        place = tmp_path / "tool"
        place.mkdir(exist_ok=True)
        (place / "run.py").write_text(TOOL.replace("PREDICTION", prediction), encoding="utf-8")
        monkeypatch.setattr(arena["contenders"].Peer, "place", property(lambda _: place))
        return arena["contenders"].Peer("tool")

    return made


OPTIONS = {"minutes": 0.01, "threads": 1, "seed": 0, "kind": "objects"}


def test_one_run_of_a_tool(arena, rng, tmp_path, tool):
    contenders, sets = arena["contenders"], arena["sets"]
    cells = sets.read_set(write_data(tmp_path / "cells", rng, 5, blobs))
    folders = sets.write_folders(cells, tmp_path / "work")
    assert not (folders[1] / "masks").exists(), "the truth stays with the judge"
    told = contenders.run_peer(tool("image > edge"), Path(sys.executable), folders, tmp_path / "out", OPTIONS)
    assert (told["steps"], told["note"]) == (7, "by a threshold")
    assert set(told["versions"]) == {"python", "numpy"}
    truths = {stem: truth for stem, (_, truth) in cells.test.items()}
    for found, truth in zip(contenders.read_maps(tmp_path / "out", truths), truths.values(), strict=True):
        assert np.array_equal(found > 0, truth > 0)
    (tmp_path / "out" / f"{next(iter(truths))}.tif").unlink()
    with pytest.raises(contenders.PeerFailed, match="wrote no label map"):
        contenders.read_maps(tmp_path / "out", truths)


@pytest.mark.parametrize(("prediction", "message"), [("image[1:]", "has the shape"), ("no_such_name", "NameError.*log.txt")])
def test_a_tool_that_fails_is_told(arena, rng, tmp_path, tool, prediction, message):
    contenders, sets = arena["contenders"], arena["sets"]
    cells = sets.read_set(write_data(tmp_path / "cells", rng, 2, blobs))
    folders = sets.write_folders(cells, tmp_path / "work")
    truths = {stem: truth for stem, (_, truth) in cells.test.items()}

    def run_and_read():
        contenders.run_peer(tool(prediction), Path(sys.executable), folders, tmp_path / "out", OPTIONS)
        contenders.read_maps(tmp_path / "out", truths)

    with pytest.raises(contenders.PeerFailed, match=message):
        run_and_read()


def test_a_tool_that_cannot_be_installed_is_told(arena, tmp_path, tool):
    peer = tool("image")
    peer.requirements.write_text(f"{tmp_path}/there-is-no-such-package.whl\n", encoding="utf-8")
    with pytest.raises(arena["contenders"].NotInstalled, match="cannot be installed"):
        arena["contenders"].environment(peer, tmp_path / "cache")
    assert not any((tmp_path / "cache" / "environments").iterdir()), "the next start tries again"


def test_every_peer_has_pinned_versions_and_a_script(arena):
    for peer in arena["contenders"].PEERS:
        assert (peer.place / "run.py").is_file()
        if not peer.is_product:
            lines = peer.requirements.read_text(encoding="utf-8").splitlines()
            assert all(line.count("==") == 1 for line in lines)
            assert "tifffile" in {line.partition("==")[0] for line in lines}


def test_a_result_is_reused_until_something_changes(arena, rng, tmp_path, tool):
    results = arena["results"]
    cells = arena["sets"].read_set(write_data(tmp_path / "cells", rng, 4, blobs))
    plan = results.plan_of(cells, tool("image"), 5.0, 2, 0)
    file = tmp_path / "a.json"
    assert not results.is_finished(file, plan)
    file.write_text(json.dumps({**plan, "scores": {}, "commit": "another"}), encoding="utf-8")
    assert results.is_finished(file, plan)
    for changed in (
        results.plan_of(cells, tool("image"), 1.0, 2, 0),
        results.plan_of(cells, tool("image"), 5.0, 2, 1),
        results.plan_of(cells, tool("image + 1"), 5.0, 2, 0),
        results.plan_of(arena["sets"].read_set(tmp_path / "cells", num_train=1), tool("image"), 5.0, 2, 0),
    ):
        assert not results.is_finished(file, changed)
        assert results.key_of(changed) != results.key_of(plan)


def fake(peer, seed, seg, **other):
    figures = {"seg": seg, "f1": seg, "pq": None, "iou": 1.0}
    return {
        "set": "cells", "kind": "objects", "data": "d", "peer": peer, "plan": "", "code": peer, "judge": "j", "minutes": 5.0,
        "threads": 2, "seed": seed, "train": ["a"], "test": ["b", "c"], "scores": figures, "steps": 1000 + seed, "note": "",
        "seconds": {"preparing": 1.0, "training": 300.0, "predicting": 2.0}, "picture": True, "date": "2015-05-18",
        "cpu": "a processor",
        "load_at_start": [0.5, 0, 0], "versions": {"python": "3"}, "commit": "abc", **other,
    }  # fmt: skip


def test_the_table_has_mean_and_range_and_the_best_first(arena):
    runs = [fake("monai", 0, 0.5), *(fake("unseam", seed, seg) for seed, seg in enumerate((0.6, 0.7, 0.8)))]
    lines = arena["results"].table(runs).splitlines()
    assert "## cells, 5 min, 2 cores" in lines
    rows = [line for line in lines if line.startswith(("| unseam |", "| monai |"))]
    assert rows[0].startswith(
        "| unseam | 0.700 (0.600 to 0.800) | 0.700 (0.600 to 0.800) |  | 1.000 (1.000 to 1.000) | 3 | 1,001 |"
    )
    assert rows[1].startswith("| monai | 0.500 | 0.500 |  | 1.000 | 1 | 1,000 | 1 | 300 | 2 |")
    assert "![cells](pictures/arena_cells_5min.png)" in lines
    for part in "\n".join(lines).split("\n\n"):
        if part.startswith("|"):
            assert len({line.count("|") for line in part.splitlines()}) == 1, "every line of a table has as many cells"


def test_runs_of_other_code_are_never_averaged(arena):
    runs = [
        fake("unseam", 0, 0.6),
        fake("unseam", 1, 0.8, code="newer"),
        fake("unseam", 0, 0.9, set="isbi2012-em", picture=False),
    ]
    assert [len(group) for group in arena["results"].groups_of(runs)] == [1, 1, 1]
    text = arena["results"].table(runs)
    assert "arena_isbi2012-em" not in text, "a picture that may not be passed on is not shown"
    assert text.index("## isbi2012-em") < text.index("## cells")


def test_errors_are_ranked_upwards(arena):
    runs = [fake(peer, 0, 0, kind="classes", scores={"iou": iou, "pixel_error": 0.1}) for peer, iou in (("a", 0.5), ("b", 0.9))]
    assert arena["results"].rank([runs[1]]) < arena["results"].rank([runs[0]]) < arena["results"].rank([fake("c", 0, None)])


@pytest.mark.parametrize("shape", [(500, 620), (120, 90, 3)])
def test_picture(arena, rng, tmp_path, shape):
    image = rng.integers(0, 255, shape, np.uint8)
    labels = (np.add.outer(np.arange(shape[0]) // 9, np.arange(shape[1]) // 9) % 5).astype(np.uint32)
    arena["pictures"].write_picture(tmp_path / "p" / "a.png", image, dict.fromkeys(("truth", "a", "b", "c", "d"), labels))
    with Image.open(tmp_path / "p" / "a.png") as picture:
        assert picture.width == 4 * (320 + 6)


@pytest.fixture
def command(arena, monkeypatch):
    spec = importlib.util.spec_from_file_location("arena_command", ARENA / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)
    return module


def test_from_a_folder_to_the_table(command, rng, tmp_path, tool, monkeypatch, capsys):
    write_data(tmp_path / "data" / "cells", rng, 4, blobs)
    monkeypatch.setattr(command, "PEERS", (tool("image > edge"),))
    words = [str(tmp_path / "data"), "--peers", "tool", "--seeds", "0,1", "--minutes", "0.01", "--threads", "1"]
    words += ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    assert command.main(words) == 0
    assert (tmp_path / "out" / "pictures" / "arena_cells_0.01min.png").is_file()
    result = json.loads((tmp_path / "out" / "arena" / "cells-tool-0.01min-1threads-seed1.json").read_text(encoding="utf-8"))
    assert result["scores"]["iou"] == 1.0
    assert set(result["images"]) == set(result["test"])
    assert "| tool |" in (tmp_path / "out" / "arena.md").read_text(encoding="utf-8")
    assert command.main([*words, "--seeds", "0,1,2"]) == 0
    assert capsys.readouterr().out.count("finished before") == 2
    monkeypatch.setattr(command, "PEERS", (tool("no_such_name"),))
    assert command.main(words) == 1
    assert capsys.readouterr().err.count("NameError") == 2, "each seed is tried"


def test_a_tool_that_is_not_installed_is_tried_once(command, rng, tmp_path, tool, monkeypatch, capsys):
    for name in ("a", "b"):
        write_data(tmp_path / "data" / name, rng, 2, blobs)
    monkeypatch.setattr(command, "PEERS", (tool("image"),))
    monkeypatch.setattr(command, "environment", lambda *_: (_ for _ in ()).throw(command.NotInstalled("cannot be installed")))
    words = [str(tmp_path / "data"), "--peers", "tool", "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    assert command.main(words) == 1
    assert capsys.readouterr().err.count("cannot be installed") == 1


def test_the_command_says_what_is_wrong(rng, tmp_path):
    if not ARENA.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    write_data(tmp_path / "cells", rng, 1, blobs)
    words = [sys.executable, ARENA, tmp_path, "--out", tmp_path / "out", "--cache", tmp_path / "cache"]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert (done.returncode, "needs two" in done.stderr) == (2, True), done.stderr
    done = subprocess.run([*map(str, words), "--peers", "umseam"], capture_output=True, text=True, check=False)
    assert "there is no tool umseam; there are unseam, monai" in done.stderr
