"""The parts of benchmarks/pretrain.py that need no data: the table of sets, who is held out, sizes, several last layers."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from unseam.data.prepare import Annotated
from unseam.nets import UNetConfig
from unseam.recipes import recipe_named

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
NAMES = ("data", "sets", "training", "scores", "release")
SMALL = UNetConfig(first_width=2, depth=2, dropout=0.0, normalisation="batch", resolution="half")


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.syspath_prepend(str(FOLDER / "arena"))
    yield
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and Path(str(sys.modules[name].__file__)).is_relative_to(FOLDER):
            del sys.modules[name]


def about(name):
    from pretrain_sets import SETS

    return next(one for one in SETS if one.name == name)


def discs(*radii, size=64):
    """Objects of these radii in a row, px."""
    rows, columns = np.mgrid[:size, : size * len(radii)]
    found = np.zeros(rows.shape, np.int32)
    for number, radius in enumerate(radii):
        inside = (rows - size / 2) ** 2 + (columns - size * (number + 0.5)) ** 2 <= radius**2
        found[inside] = number + 1
    return found


def test_the_table_names_each_set_once_with_licence_and_credit():
    from pretrain_sets import SETS

    assert len({one.name for one in SETS}) == len(SETS)
    assert all(one.licence and one.credit and one.networks for one in SETS)


def test_sets_whose_licence_forbids_it_are_not_in_the_table():
    from pretrain_sets import SETS

    assert not {"isbi2012-em", "msd-hippocampus-3d"} & {one.name for one in SETS}


def test_sets_of_the_same_experiments_are_left_out_together():
    from pretrain_sets import sets_of

    left = {one.name for one in sets_of("nuclei", ("dsb2018",))}
    assert not {"dsb2018", "bbbc039-u2os-nuclei"} & left
    assert "tnbc-he-nuclei" in left


def test_a_warped_copy_is_on_the_side_of_its_image():
    from pretrain_data import held_out_names

    one = about("tnbc-he-nuclei")
    assert one.origin_of("tnbc-1010_warped") == one.origin_of("tnbc-1010")
    assert held_out_names(["tnbc-1010", "tnbc-1010_warped", "tnbc-1001_warped"], one) == {"tnbc-1010", "tnbc-1010_warped"}


@pytest.mark.parametrize(
    ("name", "stem", "origin"),
    [
        ("bbbc039-u2os-nuclei", "IXMtest_B22_s8__25", "B"),
        ("aitslab-u2os-nuclei", "MFGTMPcx7_170702000001_B14f07d0", "170702000001"),
        ("baby-yeast-brightfield", "evolve_testG_tp1-z0", "evolve_testG"),
        ("colicoords-ecoli-brightfield", "ds1-00009-fl", "ds1-00009"),
        ("axon-sem", "sub-rat3_sample-data10_SEM", "sub-rat3"),
        ("nasa-superalloy-sem", "spot7_0d_5", "spot7"),
        ("nasa-ebc-sem", "070516_1_S1160020", "070516_1"),
        ("nasa-meltpool", "Slice-2Top_10912_0_11424_512", "Slice-2Top"),
    ],
)
def test_the_origin_of_an_image(name, stem, origin):
    assert about(name).origin_of(stem) == origin
    assert origin in about(name).held_out


def test_every_image_is_resampled_to_the_same_size_of_objects():
    from pretrain_data import diameters_of, factor_of, resampled

    labels = discs(6, 6, 6, 6, 6)
    item = Annotated("a", np.zeros(labels.shape, np.float32), labels)
    factor = factor_of(item, about("dsb2018"), 24.0, 50.0)
    assert factor == pytest.approx(2, rel=0.05)
    assert np.median(diameters_of(resampled(item, factor).labels)) == pytest.approx(24, rel=0.05)


def test_an_image_with_few_objects_takes_the_size_of_its_set():
    from pretrain_data import factor_of

    labels = discs(6, 6)
    assert factor_of(Annotated("a", labels, labels), about("dsb2018"), 24.0, 48.0) == pytest.approx(0.5)


def test_a_start_sees_images_as_they_are_unless_objects_are_small_or_large():
    from pretrain_data import factor_of

    item = Annotated("a", discs(6), discs(6))
    factors = [factor_of(item, about("dsb2018"), None, of_set) for of_set in (20.0, 8.0, 96.0)]
    assert factors == pytest.approx([1.0, 2.0, 0.5])


def test_a_piece_of_several_touching_objects_is_not_annotated():
    from pretrain_data import NOT_ANNOTATED, objects_of

    one, two = discs(10), np.maximum(np.roll(discs(10), -9, axis=1), np.roll(discs(10), 9, axis=1))
    found = objects_of((np.hstack([one, two]) > 0).astype(np.uint8), about("tnbc-he-nuclei"))
    assert np.unique(found[:, :64]).size == 2
    assert found[:, :64].max() < NOT_ANNOTATED
    assert NOT_ANNOTATED in found[:, 64:]
    assert not ((found[:, 64:] > 0) & (found[:, 64:] < NOT_ANNOTATED)).any()


def test_in_a_partial_set_only_the_neighbourhood_of_objects_is_background():
    from pretrain_data import NOT_ANNOTATED, objects_of

    found = objects_of(discs(8), about("colicoords-ecoli-brightfield"))
    assert found[32, 32] == 1
    assert found[32, 32 + 12] == 0
    assert found[0, 0] == NOT_ANNOTATED


def test_objects_found_where_nothing_is_annotated_do_not_count():
    from pretrain_data import NOT_ANNOTATED
    from pretrain_scores import where_known

    found = np.array([[1, 1, 0, 2, 2, 2]])
    truth = np.array([[5, 5, 0, 0, NOT_ANNOTATED, NOT_ANNOTATED]])
    kept, known = where_known(found, truth)
    assert kept.tolist() == [[1, 1, 0, 0, 0, 0]]
    assert known.tolist() == [[5, 5, 0, 0, 0, 0]]


def test_each_step_computes_the_layers_of_its_set_alone():
    from pretrain_training import several_layers

    net = several_layers(SMALL, {"objects": 2, "axon": 3}).eval()
    image = torch.zeros(1, 1, net.geometry.input_for_output(16), net.geometry.input_for_output(16))
    for chosen, logits in ((("objects",), 2), (("axon",), 3), (("objects", "axon"), 5)):
        net.classify.chosen = chosen
        assert net(image).shape[1] == logits


def test_the_kept_network_is_the_trunk_with_one_layer():
    from pretrain_training import several_layers, with_one_layer

    torch.manual_seed(0)
    net = several_layers(SMALL, {"objects": 2, "axon": 3}).eval()
    plain = with_one_layer(net, "axon")
    net.classify.chosen = ("axon",)
    size = net.geometry.input_for_output(16)
    image = torch.rand(1, 1, size, size)
    assert plain.config.num_classes == 3
    assert torch.equal(plain(image), net(image))


def two_parts(run, net):
    from pretrain_training import part_of
    from unseam.data.normalise import Normalise
    from unseam.data.prepare import prepare

    rng = np.random.default_rng(0)
    items = [Annotated(name, rng.random((64, 64), np.float32), discs(12)) for name in "ab"]
    objects = prepare(items, Normalise(), run.weight_map, masks="instances")
    other = replace(items[0], labels=(discs(12) > 0).astype(np.uint8))
    classes = prepare([other], Normalise(), run.weight_map, masks="classes")
    return [part_of(objects, run, net, ("objects", "one"), 1.0), part_of(classes, run, net, ("other",), 1.0)]


def small_run():
    run = recipe_named("default")
    return replace(run, net=SMALL, training=replace(run.training, output_size=16))


def test_a_step_depends_on_seed_and_step_alone():
    from pretrain_training import make_batch, several_layers

    run = small_run()
    net = several_layers(SMALL, {"objects": 2, "one": 2, "other": 2})
    parts = two_parts(run, net)
    first, again = (make_batch(parts, 0, 5) for _ in range(2))
    assert first[0] == again[0]
    assert torch.equal(first[1].images, again[1].images)
    assert {make_batch(parts, 0, step)[0] for step in range(20)} == {0, 1}


def test_training_twice_gives_the_same_weights_and_all_layers_learn():
    from pretrain_training import several_layers, train

    found = []
    for _ in range(2):
        torch.manual_seed(0)
        net = several_layers(SMALL, {"objects": 2, "one": 2, "other": 2})
        drawn = {name: weight.clone() for name, weight in net.state_dict().items()}
        run = small_run()
        found.append(train(two_parts(run, net), net, run, 12, lambda _: None).judged.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert all(not torch.equal(found[0][name], drawn[name]) for name in drawn if name.startswith("classify"))


def test_the_model_file_states_its_data_and_can_be_loaded(tmp_path):
    from pretrain_data import SetOfImages
    from pretrain_release import record_of, release_of, save, with_findings
    from pretrain_training import several_layers, with_one_layer
    from unseam.heads import Objects
    from unseam.model import Model
    from unseam.model.release import SetScore

    run, item = small_run(), Annotated("a", discs(12), discs(12))
    net = with_one_layer(several_layers(SMALL, {"objects": 2}), "objects")
    facts = {"command": "python benchmarks/pretrain.py DATA --network nuclei", "commit": "abc", "versions": {"torch": "1"}}
    release = release_of("nuclei", [SetOfImages(about("dsb2018"), (item,), ())], 24.0, 60.0, facts)
    file = tmp_path / "nuclei.safetensors"
    save(file, net, run, record_of(run, {}, 10, 60.0, facts["versions"]), release)
    with_findings(file, Objects(threshold=0.6), [SetScore("dsb2018", "F1", 0.5)], 0.7)
    info = Model.load(file, "cpu").info
    assert info.release is not None
    assert [(one.name, one.licence, one.images) for one in info.release.sets] == [("dsb2018", "CC0-1.0", 1)]
    assert (info.objects.threshold, info.release.scores[0].value, info.release.least_sure) == (0.6, 0.5, 0.7)
    assert Model.load(file, "cpu").predict(np.zeros((20, 20), np.uint8)).instances.shape == (20, 20)


def test_a_row_of_the_page_says_what_was_left_out():
    from pretrain_page import rows_of

    row = {"set": "dsb2018, fluorescence", "seen": "set left out", "images": 147}
    row |= {"f1_measured": 0.85, "f1": 0.9, "seg": 0.7, "pq": None, "size_ratio": 1.0}
    (line,) = rows_of({"network": "nuclei-without-dsb2018", "steps": 10, "scores": [row]})
    assert line.startswith(
        "| nuclei without dsb2018 | 10 | dsb2018, fluorescence | set left out | 147 | 0.850 | 0.900 | 0.700 |"
    )
