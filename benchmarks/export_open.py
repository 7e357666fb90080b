"""Opens exported networks where unseam is not installed, and compares them with what the model made. export.py runs it.

    python benchmarks/export_open.py FOLDER

The folder holds files of each format, and for each size a ``size_HEIGHTxWIDTH.npz`` with the raw image, the normalised image
and the maps of the model. Prints JSON: {program: [[height, width, largest difference,
largest inside, share of another class]]}.
"""

import importlib.util
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

Runner = Callable[[dict[str, np.ndarray]], np.ndarray]


def by_onnx_runtime(folder: Path) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(folder / "net.onnx", options, providers=["CPUExecutionProvider"])
    return lambda case: session.run(None, {"input": case["normalised"]})[0]


def by_torchscript(folder: Path) -> Runner:
    import torch

    return _in_torch(torch.jit.load(folder / "script.pt"))


def by_state_dict(folder: Path) -> Runner:
    import torch

    spec = importlib.util.spec_from_file_location("weights_nets", folder / "weights_nets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    form = json.loads((folder / "form.json").read_text(encoding="utf-8"))
    net = getattr(module, form["kind"])(**form["settings"]).eval()
    net.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    return _in_torch(net)


def _in_torch(net: Callable) -> Runner:
    import torch

    torch.set_num_threads(1)

    def run(case: dict[str, np.ndarray]) -> np.ndarray:
        with torch.inference_mode():
            return net(torch.from_numpy(case["normalised"])).numpy()

    return run


def by_core(folder: Path, *, blocks: bool) -> Runner:
    from bioimageio.core import Tensor, create_prediction_pipeline, load_model_description
    from bioimageio.core.digest_spec import create_sample_for_model

    described = load_model_description(folder / "package.zip")
    pipeline = create_prediction_pipeline(described, weight_format="onnx")

    def run(case: dict[str, np.ndarray]) -> np.ndarray:
        raw = Tensor(case["raw"].astype(np.float32), ("batch", "channel", "y", "x"))
        sample = create_sample_for_model(described, inputs={"input": raw})
        found = pipeline.predict_sample_with_blocking(sample) if blocks else pipeline.predict_sample_without_blocking(sample)
        (maps,) = (member.data.values for member in found.members.values())
        return maps

    return run


PROGRAMS: dict[str, Callable[[Path], Runner]] = {
    "ONNX Runtime": by_onnx_runtime,
    "TorchScript": by_torchscript,
    "state dict": by_state_dict,
    "bioimageio.core, whole image": lambda folder: by_core(folder, blocks=False),
    "bioimageio.core, blocks": lambda folder: by_core(folder, blocks=True),
}


def main(folder: Path) -> dict[str, list]:
    assert importlib.util.find_spec("unseam") is None, "this must run where unseam is not installed"
    form = json.loads((folder / "form.json").read_text(encoding="utf-8"))
    found: dict[str, list] = {}
    for name, make in PROGRAMS.items():
        run, rows = make(folder), []
        for path in sorted(folder.glob("size_*.npz")):
            with np.load(path) as archive:
                case = dict(archive)
            height, width = case["raw"].shape[2:]
            if "core" in name and (min(height, width) < form["shortest"] or (height % form["step"] or width % form["step"])):
                continue  # its description asks for that
            try:
                maps = run(case)[0]
            except ValueError as error:
                if "smaller than block shape" not in str(error):
                    raise
                continue  # the core cannot cut an image into blocks that is smaller than one
            gap, margin = np.abs(maps - case["maps"]), form["halo"] + form["step"]
            inner = gap[:, margin : height - margin, margin : width - margin]
            other = float(np.mean(maps.argmax(0) != case["maps"].argmax(0)))
            rows.append([height, width, float(gap.max()), float(inner.max()) if inner.size else None, other])
            if path == folder / form["picture"]:
                np.save(folder / f"picture_{name.replace(', ', '_').replace(' ', '_')}.npy", maps.argmax(0).astype(np.uint8))
        found[name] = rows
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(Path(sys.argv[1]))))
