"""A model file is read whole or refused with one kind of error, whatever it contains."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from unseam.data.normalise import Normalise
from unseam.errors import ModelFileError, OutputError, SettingsError
from unseam.heads.objects import Objects
from unseam.model import Model
from unseam.model.model_file import FORMAT, ModelInfo, TrainingRecord, load_model, model_bytes, read_info, save_model
from unseam.model.model_info import Imported
from unseam.nets import FCNConfig, ReleasedConfig, UNetConfig

CONFIG = UNetConfig(in_channels=2, num_classes=3, first_width=2, depth=1)
INFO = ModelInfo(
    net=CONFIG,
    normalise=Normalise(0.5, 99.0, "stack"),
    objects=Objects(threshold=0.6, min_size=9),
    masks="classes",
    class_names=("background", "axon", 'Schwann\'s cell, "sheath" µ'),
    class_values=(0, 127, 255),
    spacing_um=(0.25, 0.3),
    training=TrainingRecord(images=("a", "b"), steps=7, score_name="mean IoU", score=0.5, device="cpu"),
)


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CONFIG.build()


@pytest.fixture(scope="module")
def data(net, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    save_model(path, net, INFO)
    return path.read_bytes()


def header_of(data: bytes) -> dict:
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def with_about(data: bytes, change) -> bytes:
    """Return the same weights with another description, without a check sum."""
    about = json.loads(header_of(data)["__metadata__"]["unseam"])
    del about["sha256"]
    change(about)
    return save(load(data), metadata={"unseam": json.dumps(about)})


def with_weights(data: bytes, change) -> bytes:
    weights = load(data)
    change(weights)
    about = json.loads(header_of(data)["__metadata__"]["unseam"])
    del about["sha256"]
    return save(weights, metadata={"unseam": json.dumps(about)})


NETS = [
    CONFIG,
    FCNConfig(in_channels=2, num_classes=3, first_width=2, depth=2),
    ReleasedConfig(in_channels=2, num_classes=3, first_width=2),
]


@pytest.mark.parametrize("config", NETS)
def test_round_trip_predicts_the_same(config, tmp_path, rng):
    info = replace(INFO, net=config)
    model = Model(config.build(), info, "cpu")
    model.save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors", "cpu")
    assert again.info == info
    image = rng.integers(0, 255, (31, 40, 2)).astype(np.uint8)
    one, other = model.predict(image), again.predict(image)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    np.testing.assert_array_equal(one.classes, other.classes)
    np.testing.assert_array_equal(one.instances_of(1), other.instances_of(1))


def test_a_fixed_range_and_the_source_of_an_import_are_kept(net, tmp_path):
    source = Imported("phseg_v5.caffemodel", 64 * "a", ("a note",))
    info = replace(INFO, normalise=Normalise(fixed=(0, 255)), training=TrainingRecord(imported=source))
    save_model(tmp_path / "m.safetensors", net, info)
    assert read_info(tmp_path / "m.safetensors") == info


def test_the_same_model_is_the_same_file(net, data, tmp_path):
    save_model(tmp_path / "m.safetensors", net, INFO)
    assert (tmp_path / "m.safetensors").read_bytes() == data


def test_the_header_is_json_that_anybody_can_read(data):
    about = json.loads(header_of(data)["__metadata__"]["unseam"])
    assert about["format"] == FORMAT
    assert about["net"]["unet"]["first_width"] == 2
    assert about["class_values"] == [0, 127, 255]
    assert about["training"]["images"] == ["a", "b"]


def test_other_programs_find_the_format_and_the_weights(net, data):
    assert header_of(data)["__metadata__"]["format"] == "pt"
    assert (8 + int.from_bytes(data[:8], "little")) % 8 == 0, "programs map the weights into memory, where they must be aligned"
    for name, weight in load(data).items():
        torch.testing.assert_close(weight, net.state_dict()[name], rtol=0, atol=0)
    assert len({model_bytes(net, INFO) for _ in range(8)}) == 1, "the order of the entries is not left to chance"


def test_the_description_is_read_without_the_weights(data, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(data[: 8 + int.from_bytes(data[:8], "little")])
    assert read_info(path) == INFO


def test_weights_are_saved_from_any_layout_and_number_format(net, tmp_path):
    changed = CONFIG.build()
    changed.load_state_dict(net.state_dict())
    save_model(tmp_path / "m.safetensors", changed.double().to(memory_format=torch.channels_last), INFO)
    loaded, _ = load_model(tmp_path / "m.safetensors")
    for name, weight in net.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], weight, rtol=0, atol=0)
    assert not loaded.training


def check(path: Path, net) -> bool:
    """Return whether the file is refused with the right kind of error; otherwise the model must be the saved one."""
    try:
        loaded, info = load_model(path)
    except ModelFileError:
        return True
    assert info == INFO
    for name, weight in net.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], weight, rtol=0, atol=0)
    return False


def test_fifty_files_cut_short(data, net, tmp_path):
    path = tmp_path / "m.safetensors"
    for length in np.linspace(0, len(data) - 1, 50).astype(int):
        path.write_bytes(data[:length])
        assert check(path, net), f"{length} of {len(data)} bytes"


@pytest.mark.parametrize("where", ["header", "anywhere"])
def test_a_hundred_files_with_a_byte_changed(where, data, net, tmp_path, rng):
    """The check sum finds what JSON, shapes and finite numbers do not show: another threshold, another weight."""
    path = tmp_path / "m.safetensors"
    end = 8 + int.from_bytes(data[:8], "little") if where == "header" else len(data)
    num_refused = 0
    for _ in range(100):
        damaged = bytearray(data)
        damaged[int(rng.integers(0, end))] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(bytes(damaged))
        num_refused += check(path, net)
    assert num_refused > 90


def test_bytes_after_the_end(data, net, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(data + b"more")
    assert check(tmp_path / "m.safetensors", net)


def test_a_file_without_a_check_sum_is_read(data, net, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(with_about(data, lambda about: None))
    assert not check(tmp_path / "m.safetensors", net)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda about: about.update(format="unseam model 3"), r"unseam model 2.*Update", id="newer"),
        pytest.param(lambda about: about.update(head_version=2), r"'classes'.* 2.* 1.*Update", id="newer head"),
        pytest.param(lambda about: about.update(head={"star": {}}), r"'star'.*classes.*Update", id="unknown head"),
        pytest.param(lambda about: about.pop("format"), r"unseam model 2", id="no format"),
        pytest.param(lambda about: about.update(colour="red"), r"Unknown setting 'colour'", id="unknown"),
        pytest.param(lambda about: about.update(net={"vit": {}}), r"vit", id="unknown network"),
        pytest.param(lambda about: about.update(net=3), r"net", id="network is a number"),
        pytest.param(lambda about: about["net"]["unet"].update(depth=10**6), r"unet.depth", id="absurd depth"),
        pytest.param(lambda about: about["net"]["unet"].update(first_width=10**12), r"first_width", id="absurd width"),
        pytest.param(lambda about: about["net"]["unet"].update(first_width=512, depth=7), r"2,000,000,000", id="large"),
        pytest.param(lambda about: about["net"]["unet"].update(first_width=3), r"weights", id="other width"),
        pytest.param(lambda about: about["net"]["unet"].update(first_width=-2), r"first_width", id="negative"),
        pytest.param(lambda about: about["net"]["unet"].update(first_width="2"), r"of type int", id="text"),
        pytest.param(lambda about: about["net"]["unet"].update(first_width=True), r"of type int", id="true"),
        pytest.param(lambda about: about.update(class_names=["a"]), r"class_names has 1", id="few names"),
        pytest.param(lambda about: about.update(class_values=["a", "b", "c"]), r"class_values", id="values in words"),
        pytest.param(lambda about: about.update(class_values=[0, 1, 10**30]), r"class_values", id="absurd value"),
        pytest.param(lambda about: about.update(masks="pixels"), r"masks = 'pixels'", id="unknown kind"),
        pytest.param(lambda about: about.update(spacing_um=[1.0]), r"spacing_um", id="one side"),
        pytest.param(lambda about: about["normalise"].update(low_percent=float("nan")), r"low_percent", id="NaN"),
        pytest.param(lambda about: about["normalise"].update(fixed=[255, 0]), r"normalise\.fixed", id="a range upside down"),
        pytest.param(lambda about: about["normalise"].update(fixed=[0, float("inf")]), r"fixed\[1\]", id="an endless range"),
        pytest.param(lambda about: about["normalise"].update(fixed=[1]), r"normalise\.fixed", id="half a range"),
        pytest.param(lambda about: about["normalise"].update(low_percent=10**400), r"low_percent", id="long number"),
        pytest.param(lambda about: about["objects"].update(threshold=2.0), r"threshold", id="threshold"),
        pytest.param(lambda about: about.update(training=None), r"training", id="no record"),
    ],
)
def test_descriptions_that_cannot_be(change, message, data, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(with_about(data, change))
    with pytest.raises(ModelFileError, match=message):
        load_model(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda w: w["classify.bias"].fill_(float("nan")), r"not finite", id="NaN"),
        pytest.param(lambda w: w["classify.weight"][0].fill_(float("inf")), r"not finite", id="infinite"),
        pytest.param(lambda w: w.update({"classify.bias": torch.zeros(4)}), r"weights", id="another shape"),
        pytest.param(lambda w: w.update({"classify.bias": w["classify.bias"].half()}), r"float32", id="half"),
        pytest.param(lambda w: w.update({"classify.bias": w["classify.bias"].to(torch.bfloat16)}), r"float32", id="b"),
        pytest.param(lambda w: w.update({"classify.bias": torch.zeros(3, dtype=torch.int32)}), r"float32", id="whole"),
        pytest.param(lambda w: w.pop("classify.bias"), r"weights", id="one missing"),
        pytest.param(lambda w: w.update(more=torch.zeros(1)), r"weights", id="one more"),
    ],
)
def test_weights_that_cannot_be(change, message, data, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(with_weights(data, change))
    with pytest.raises(ModelFileError, match=message):
        load_model(tmp_path / "m.safetensors")


def of_text(text: str) -> bytes:
    """Return a safetensors file without tensors whose header is this text."""
    return len(text.encode()).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00" * 20, id="zeros"),
        pytest.param(b"\xff" * 20, id="ones"),
        pytest.param(b"PK\x03\x04 a zip file, as torch.save writes it", id="zip"),
        pytest.param(b"\x80\x02}q\x00.", id="pickle"),
        pytest.param((2**63).to_bytes(8, "little") + b"{}", id="header of eight exabytes"),
        pytest.param(of_text("{}"), id="no metadata"),
        pytest.param(of_text("[1, 2]"), id="a list"),
        pytest.param(of_text("not JSON"), id="no JSON"),
        pytest.param(of_text('{"__metadata__": {"format": "pt"}}'), id="another program's"),
        pytest.param(of_text('{"__metadata__": {"unseam": "[]"}}'), id="our entry is a list"),
        pytest.param(of_text('{"__metadata__": {"unseam": "3"}}'), id="our entry is a number"),
        pytest.param(of_text('{"__metadata__": {"unseam": 3}}'), id="our entry is no text"),
        pytest.param(of_text("[" * 100_000), id="nested without end"),
        pytest.param(of_text('{"__metadata__": {"unseam": "' + "[" * 100_000 + '"}}'), id="nested text"),
        pytest.param(of_text(json.dumps({"__metadata__": {"unseam": json.dumps({"format": FORMAT})}})), id="bare"),
    ],
)
def test_what_is_no_model_file(content, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"m\.safetensors"):
        load_model(tmp_path / "m.safetensors")


def test_a_file_that_promises_much_takes_no_memory(tmp_path):
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write((900_000).to_bytes(8, "little") + b"{")
        file.truncate(2**30)
    tracemalloc.start()
    with pytest.raises(ModelFileError):
        load_model(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_no_file_and_no_model_in_a_folder(tmp_path):
    with pytest.raises(ModelFileError, match=r"nowhere: .*No such file"):
        Model.load(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match=r"model\.safetensors: .*unseam train"):
        Model.load(tmp_path)


def test_what_stood_there_stays_if_writing_fails(net, tmp_path):
    (tmp_path / "m.safetensors").mkdir()
    with pytest.raises(OutputError):
        save_model(tmp_path / "m.safetensors", net, INFO)
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_names_and_values_must_fit_the_network():
    with pytest.raises(SettingsError, match=r"class_names .*2 .*3 logits"):
        ModelInfo(net=CONFIG)


def test_a_class_is_found_by_name_or_value():
    assert INFO.class_index("axon") == INFO.class_index("127") == 1
    assert replace(INFO, class_names=("-", "Zell\u00fcberzug", *INFO.class_names[2:])).class_index("Zellu\u0308berzug") == 1
    for name in ("background", "0", "128"):
        with pytest.raises(SettingsError, match=r"axon \(127\)"):
            INFO.class_index(name)
