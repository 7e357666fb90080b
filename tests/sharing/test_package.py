"""A package holds what each program asks of it; ONNX is stood in for where it is not installed."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import unseam
import unseam.api.export as export_module
from sharing.conftest import MODELS, classes_model, objects_model
from unseam.errors import OutputError
from unseam.model import Model
from unseam.sharing import contents, description
from unseam.sharing.grey_scale import as_described

yaml = pytest.importorskip("yaml", reason="PyYAML, which the cluster extra brings, reads our YAML")


@pytest.fixture
def no_onnx(monkeypatch):
    """Weights of PyTorch in the place of ONNX: the rest of a package is the same."""
    monkeypatch.setitem(contents._KINDS, "onnx", contents._Kind("weights.onnx", contents.weights_file, contents.run_weights))
    monkeypatch.setattr("unseam.api.export.check_onnx", lambda: None)


@pytest.fixture
def package(no_onnx, image, tmp_path):
    """Write a package of a model, and return its files and its description."""

    def make(model: Model, **options) -> tuple[dict[str, bytes], dict]:
        pixels = image(230, 241, model.info.net.in_channels)
        unseam.export(model, tmp_path / "My cells, 2.zip", "bioimageio", image=pixels, **options)
        with zipfile.ZipFile(tmp_path / "My cells, 2.zip") as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        return files, yaml.safe_load(files["rdf.yaml"])

    return make


@pytest.mark.parametrize("name", MODELS)
def test_every_file_that_is_named_is_there_as_it_was_counted(package, name):
    files, about = package(MODELS[name]())
    named = {about["documentation"], *about["covers"], "rdf.yaml"}

    def visit(part):
        if isinstance(part, dict):
            if "source" in part:
                named.add(part["source"])
                assert hashlib.sha256(files[part["source"]]).hexdigest() == part["sha256"]
            part = part.values()
        elif not isinstance(part, list):
            return
        for inner in part:
            visit(inner)

    visit(about)
    assert named == set(files)


@pytest.mark.parametrize("name", MODELS)
def test_sizes_fit_together(package, name):
    """JDLL wants the least size to be a multiple of the step; a halo off the grid makes seams in every program."""
    model = MODELS[name]()
    files, about = package(model)
    (inputs,), (outputs,) = about["inputs"], about["outputs"]
    step = model.engine.geometry.phase
    for side, other in zip(inputs["axes"][2:], outputs["axes"][2:], strict=True):
        assert side["size"]["step"] == step
        assert side["size"]["min"] % step == other["halo"] % step == 0
        assert side["size"]["min"] - 2 * other["halo"] == step
        assert other["halo"] >= model.engine.geometry.context
        assert other["size"] == {"tensor_id": "input", "axis_id": side["id"]}
    tested = np.load(io.BytesIO(files["test_input.npy"]))
    for length, side in zip(tested.shape[2:], inputs["axes"][2:], strict=True):
        assert length >= side["size"]["min"]
        assert (length - side["size"]["min"]) % step == 0


def test_what_qupath_reads(package):
    _, about = package(classes_model())
    assert about["format_version"] == "0.5.3"
    assert about["documentation"] == "README.md"
    assert about["covers"] == ["cover.png"]
    assert "torchscript" in about["weights"]


def test_what_jdll_reads(package):
    _, about = package(classes_model())
    assert about["id"] == about["config"]["bioimageio"]["nickname"] == "unseam-my-cells-2"
    steps = {step["id"] for step in about["inputs"][0]["preprocessing"]}
    assert steps <= {"scale_range", "scale_linear"}
    assert "postprocessing" not in about["outputs"][0], "it has no soft-max: ours is in the network"
    assert {axis["type"] for axis in about["inputs"][0]["axes"]} == {"batch", "channel", "space"}


def test_what_biapy_reads(package):
    _, about = package(classes_model())
    assert {"2d", "semantic-segmentation"} <= set(about["tags"])
    for part in (*about["inputs"], *about["outputs"]):
        assert [axis.get("id", axis["type"]) for axis in part["axes"]] == ["batch", "channel", "y", "x"]
    assert len(about["inputs"][0]["preprocessing"]) == 1
    assert about["weights"]["pytorch_state_dict"]["architecture"]["kwargs"]["out_channels"] == 3


def test_what_the_specification_asks(package):
    files, about = package(classes_model(), licence="CC-BY-4.0", authors=["Ann Ö"])
    assert about["name"] == "unseam My cells 2"
    assert about["license"] == "CC-BY-4.0"
    assert about["authors"] == [{"name": "Ann Ö"}]
    assert about["outputs"][0]["axes"][1]["channel_names"] == ["background", "axon_large", "myelin"]
    parents = [weights.get("parent") for weights in about["weights"].values()]
    assert parents == [None, "pytorch_state_dict", "pytorch_state_dict"]
    assert about["weights"]["onnx"]["opset_version"] == 18
    page = files["README.md"].decode()
    assert "\n## Validation\n" in page
    assert "Score: mean IoU 0.5000. What was scored: a strip." in page
    assert "b/c" in page, "a name with a bar would end a cell of the table"
    cover = Image.open(io.BytesIO(files["cover.png"]))
    assert cover.size == (512, 256)
    assert len(files["cover.png"]) <= 500_000


def test_without_licence_and_authors_it_says_so(package):
    files, about = package(classes_model())
    assert "license" not in about
    assert about["authors"] == [{"name": "not stated"}]
    assert "| licence of the weights | not stated" in files["README.md"].decode()


def test_objects_channels_and_the_size_of_a_pixel(package):
    files, about = package(objects_model())
    sides = about["inputs"][0]["axes"][2:]
    assert [(side["unit"], side["scale"]) for side in sides] == [("micrometer", 0.5), ("micrometer", 0.25)]
    assert about["inputs"][0]["axes"][1]["channel_names"] == ["channel0", "channel1"]
    assert "instance-segmentation" in about["tags"]
    assert about["config"]["unseam"]["average"] == "flips"
    assert "in the foreground: above 0.5, split " in files["README.md"].decode()
    assert tifffile.imread(io.BytesIO(files["sample_input.tif"])).shape == (2, 230, 241)


def test_the_network_of_a_package_gives_its_test_output_without_unseam(package, tmp_path):
    files, about = package(MODELS["ensemble"]())
    for name in ("unseam_nets.py", "weights.pt"):
        (tmp_path / name).write_bytes(files[name])
    raw = np.load(io.BytesIO(files["test_input.npy"]))
    np.save(tmp_path / "in.npy", as_described(about["inputs"][0]["preprocessing"], raw))
    architecture = about["weights"]["pytorch_state_dict"]["architecture"]
    code = f"""
import sys, numpy, torch, unseam_nets
net = unseam_nets.{architecture["callable"]}(**{architecture["kwargs"]!r}).eval()
net.load_state_dict(torch.load("weights.pt", weights_only=True))
with torch.inference_mode():
    numpy.save("out.npy", net(torch.from_numpy(numpy.load("in.npy"))).numpy())
assert "unseam" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert np.abs(np.load(tmp_path / "out.npy") - np.load(io.BytesIO(files["test_output.npy"]))).max() < 1e-5


def test_the_model_file_inside_is_the_model(package, image, tmp_path):
    model = classes_model("flips")
    files, _ = package(model)
    (tmp_path / "model.safetensors").write_bytes(files["model.safetensors"])
    again, pixels = unseam.load(tmp_path / "model.safetensors", engine="torch"), image(50, 60)
    assert np.array_equal(again.predict(pixels).probabilities, model.predict(pixels).probabilities)


def test_equal_exports_are_equal_files(no_onnx, image, tmp_path):
    pixels = image(60, 70)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        unseam.export(classes_model(), tmp_path / folder / "x.zip", "bioimageio", image=pixels)
    assert (tmp_path / "a/x.zip").read_bytes() == (tmp_path / "b/x.zip").read_bytes()


def test_a_network_that_differs_is_not_written(no_onnx, image, tmp_path, monkeypatch):
    weights_file = contents.weights_file

    def other(form):
        with torch.no_grad():
            form.net.classify.bias[0] += 1e-3
        return weights_file(form)

    monkeypatch.setitem(contents._KINDS, "state-dict", contents._Kind("weights.pt", other, contents.run_weights))
    with pytest.raises(OutputError, match=r"Nothing was written: state-dict differs .* \(whole image, 60 x 70 px\)"):
        unseam.export(classes_model(), tmp_path / "x.pt", "state-dict", image=image(60, 70))
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_is_not_finite_is_not_written(image, tmp_path, monkeypatch):
    broken = contents._Kind(
        "", contents.torchscript_file, lambda form, data: lambda x: np.full((len(x), 3, *x.shape[2:]), np.nan)
    )
    monkeypatch.setitem(contents._KINDS, "torchscript", broken)
    with pytest.raises(OutputError, match="differs from the model by inf"):
        unseam.export(classes_model(), tmp_path / "x.pt", "torchscript", image=image(60, 70))


def test_what_is_compared(no_onnx, image, tmp_path):
    found = unseam.export(classes_model(), tmp_path / "x.zip", "bioimageio", image=image(60, 70)).differences
    assert {one.weights for one in found} == {"state-dict", "torchscript", "onnx"}
    of_one = [(one.case, one.height, one.width) for one in found if one.weights == "onnx"]
    assert of_one == [("whole image", 60, 70), ("odd size", 59, 67), ("batch of two", 60, 70), ("as described", 60, 70)]
    assert max(one.largest for one in found) < 2e-6
    assert all(one.other_class == 0 for one in found)


@pytest.mark.filterwarnings("ignore:.*torch.jit.load:DeprecationWarning")
def test_a_fixed_range_is_in_the_description_and_told(package, image, tmp_path):
    _, about = package(classes_model(), normalise="fixed")
    (step,) = about["inputs"][0]["preprocessing"]
    assert step == {"id": "scale_linear", "kwargs": {"gain": pytest.approx(1 / 180), "offset": pytest.approx(-20 / 180)}}
    made = unseam.export(classes_model(), tmp_path / "x.pt", "torchscript", image=image(60, 70), normalise="fixed")
    assert any("of the pixels of this image get another class" in note for note in made.notes)
    facts = {"unseam.json": ""}
    torch.jit.load(tmp_path / "x.pt", _extra_files=facts)
    assert json.loads(facts["unseam.json"])["grey_values"].startswith("(grey - 20) / 180")


def test_a_file_of_weights_comes_with_its_network(image, tmp_path):
    made = unseam.export(classes_model("flips", members=2), tmp_path / "my-net.pt", "state-dict", image=image(60, 70))
    assert [path.name for path in made.files] == ["my-net.pt", "my_net_nets.py"]
    assert Path(description.__file__).with_name("plain_nets.py").read_bytes() == made.files[1].read_bytes()
    code = "\n".join([*made.loading_lines, "import sys", "assert 'unseam' not in sys.modules", "print(len(net.members))"])
    assert (
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True).stdout == "2\n"
    )


def test_the_callers_network_stays_where_and_as_it_is(image, tmp_path):
    model, pixels = classes_model(), image(40, 50)
    weights, before = model.net.state_dict(keep_vars=True), model.predict(pixels).probabilities
    unseam.export(model, tmp_path / "x.pt", "torchscript", image=pixels, average="flips")
    assert all(weight is model.net.state_dict(keep_vars=True)[name] for name, weight in weights.items())
    assert np.array_equal(model.predict(pixels).probabilities, before)


def test_of_two_files_both_are_written_or_none(image, tmp_path, monkeypatch):
    write = export_module.write_bytes_whole

    def full_disk(path: Path, data: bytes) -> None:
        if path.suffix == ".py":
            raise OutputError("the disk is full")
        write(path, data)

    monkeypatch.setattr(export_module, "write_bytes_whole", full_disk)
    with pytest.raises(OutputError, match="the disk is full"):
        unseam.export(classes_model(), tmp_path / "x.pt", "state-dict", image=image(40, 50))
    assert list(tmp_path.iterdir()) == []
