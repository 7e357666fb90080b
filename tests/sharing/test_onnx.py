"""ONNX against the model, and a package against bioimageio.core, where these are installed (``pip install 'unseam[onnx]'``)."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

import unseam
from sharing.conftest import MODELS, classes_model
from unseam.sharing.grey_scale import grey_scale
from unseam.sharing.onnx_file import OPSET, onnx_file, run_onnx
from unseam.sharing.plain_form import plain_form

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
for name in ("onnxscript", "onnxruntime"):
    pytest.importorskip(name, reason="the extra onnx is not installed")

SIZES = [
    (1, 1),
    (2, 3),
    (7, 31),
    (16, 16),
    (40, 41),
    (64, 48),
    (71, 90),
    (97, 200),
    (120, 121),
    (128, 64),
    (131, 77),
    (211, 150),
]


@pytest.mark.parametrize("kind", ["half", "flips", "objects", "fcn", "ensemble"])
def test_it_gives_what_the_model_gives_at_twelve_sizes(kind, image):
    model = classes_model(members=2) if kind == "ensemble" else MODELS[kind]()
    run = run_onnx(onnx_file(plain_form(model, grey_scale(model.info, "image"))))
    for size in SIZES:
        pixels = image(*size, model.info.net.in_channels)
        maps = run(np.repeat(model.normalised(pixels)[None], 2, axis=0))
        assert np.abs(maps - model.predict(pixels).probabilities).max() < 1e-5, size


def test_the_file_is_clean(image):
    data = onnx_file(plain_form(classes_model(), grey_scale(classes_model().info, "image")))
    proto = onnx.load_from_string(data)
    onnx.checker.check_model(proto, full_check=True)
    assert [entry.version for entry in proto.opset_import if not entry.domain] == [OPSET]
    (given,), (found,) = proto.graph.input, proto.graph.output
    assert (given.name, found.name) == ("input", "probabilities")
    assert [dim.dim_param or dim.dim_value for dim in found.type.tensor_type.shape.dim] == ["batch", 3, "height", "width"]
    assert [entry.key for entry in proto.metadata_props] == ["unseam"]
    assert not re.search(rb"\.py|/unseam", data), "no names of our files and folders"


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    pytest.importorskip("bioimageio.core", reason="bioimageio.core is not installed")
    rng, folder = np.random.default_rng(3), tmp_path_factory.mktemp("package")
    pixels = np.kron(rng.integers(0, 250, (40, 44)), np.ones((8, 8), int)).astype(np.uint8)
    np.save(folder / "image.npy", pixels)
    unseam.export(classes_model("flips"), folder / "small.zip", "bioimageio", image=pixels, licence="MIT")
    return folder / "small.zip"


@pytest.mark.filterwarnings("ignore")
def test_bioimageio_core_passes_it(package):
    from bioimageio.core import test_description

    summary = test_description(package, runtime_env="currently-active")
    assert summary.status == "passed", summary.format()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weights", ["onnx", "pytorch_state_dict", "torchscript"])
def test_blocks_of_bioimageio_core_equal_the_model(package, weights):
    """The core repeats the pixel at the border, which we do not: inside of what a pixel sees there is no difference."""
    from bioimageio.core import Tensor, create_prediction_pipeline, load_model_description
    from bioimageio.core.digest_spec import create_sample_for_model

    pixels = np.load(package.with_name("image.npy"))
    described = load_model_description(package)
    raw = Tensor(pixels[None, None].astype(np.float32), ("batch", "channel", "y", "x"))
    sample = create_sample_for_model(described, inputs={"input": raw})
    found = create_prediction_pipeline(described, weight_format=weights).predict_sample_with_blocking(sample)
    (maps,) = (member.data.values[0] for member in found.members.values())
    expected = classes_model("flips").predict(pixels).probabilities
    with zipfile.ZipFile(package) as archive:
        (halo,) = set(re.findall(r"halo: (\d+)", archive.read("rdf.yaml").decode()))
    inner = (slice(None), *[slice(int(halo) + 8, -int(halo) - 8)] * 2)
    assert maps.shape == expected.shape
    assert np.abs(maps - expected)[inner].max() < 1e-5
