"""``rdf.yaml``: the description of a bioimage.io package.

We write format 0.5.3 and not the newest: it is the one that bioimageio.core 0.10 (ilastik), 0.11 and QuPath all read. Each line
that is here for one program has its test in ``tests/sharing/test_description.py``.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import torch

from unseam.io.write import plain_text
from unseam.sharing.about_package import AboutPackage
from unseam.sharing.onnx_file import OPSET
from unseam.sharing.plain_form import SOURCE_NAME, PlainForm

FORMAT = "0.5.3"

_PAPER = "O. Ronneberger, P. Fischer, T. Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation. MICCAI 2015"
_DOI = "10.1007/978-3-319-24574-4_28"
_ABSOLUTE, _RELATIVE = 1e-4, 1e-3
"""How far the test output may be off on other machines."""


def description(form: PlainForm, about: AboutPackage, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the description of a package with these files."""
    info = form.info
    facts: dict[str, Any] = {
        "format_version": FORMAT,
        "type": "model",
        "id": about.identifier,  # JDLL takes a description without id or nickname for an error
        "name": about.title,
        "description": f"Segments {info.kind_facts.segments}; trained with unseam on {len(info.training.images)} image(s).",
        "documentation": "README.md",  # text, not a table with a check sum: QuPath reads nothing else; so are the covers
        "covers": ["cover.png"],
        # bioimageio.spec looks a name on GitHub up on the net, so none is written
        "authors": [{"name": plain_text(name)} for name in about.authors or ("not stated",)],
        "cite": [{"text": _PAPER, "doi": _DOI}],
        "tags": _tags(form),
        "inputs": [_input(form, files)],
        "outputs": [_output(form, files)],
        "weights": _weights(form, files),
        "attachments": [_file("model.safetensors", files)],
        "config": {
            "bioimageio": {
                "nickname": about.identifier,
                "reproducibility_tolerance": [{"relative_tolerance": _RELATIVE, "absolute_tolerance": _ABSOLUTE}],
            },
            "unseam": {"context": form.net.context, "phase": form.net.phase, "average": info.average},
        },
    }
    if about.licence is not None:
        facts["license"] = about.licence
    return facts


def identifiers(names: tuple[str, ...]) -> list[str]:
    """Return names without blanks that differ from each other.

    >>> identifiers(("background", "Schwann's cell", "2", "2"))
    ['background', 'Schwann_s_cell', 'map_2', 'map_2_3']
    """
    found: list[str] = []
    for index, name in enumerate(names):
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "map"
        word = word if word[0].isalpha() else f"map_{word}"
        found.append(f"{word}_{index}" if word in found else word)
    return found


def _file(name: str, files: Mapping[str, bytes]) -> dict[str, str]:
    return {"source": name, "sha256": sha256(files[name]).hexdigest()}


def _tags(form: PlainForm) -> list[str]:
    """BiaPy goes by the first two."""
    task = "instance-segmentation" if form.info.kind_facts.has_objects else "semantic-segmentation"
    network = form.settings.get("network", form.kind).removeprefix("Plain").lower()
    return ["2d", task, "segmentation", network, "pytorch", "unseam"]


def _input(form: PlainForm, files: Mapping[str, bytes]) -> dict[str, Any]:
    channels = [f"channel{index}" for index in range(form.info.net.in_channels)]
    size = {"min": form.shortest, "step": form.net.phase}
    return {
        "id": "input",
        "axes": [{"type": "batch"}, {"type": "channel", "channel_names": channels}, *_sides(form, {"size": size})],
        "data": {"type": "float32", "range": [None, None]},
        "preprocessing": form.grey.steps,
        "test_tensor": _file("test_input.npy", files),
        "sample_tensor": _file("sample_input.tif", files),
    }


def _output(form: PlainForm, files: Mapping[str, bytes]) -> dict[str, Any]:
    rows, columns = ({"halo": form.halo, "size": {"tensor_id": "input", "axis_id": axis}} for axis in "yx")
    names = identifiers(form.info.map_names)
    return {
        "id": "probabilities",
        "axes": [{"type": "batch"}, {"type": "channel", "channel_names": names}, *_sides(form, rows, columns)],
        "data": {"type": "float32", "range": [0.0, 1.0]},
        "test_tensor": _file("test_output.npy", files),
    }


def _sides(form: PlainForm, rows: dict[str, Any], columns: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return rows and columns, in the order in which BiaPy wants them, with the size of a pixel where it is known."""
    spacing = form.info.spacing_um
    sides = []
    for index, (axis, more) in enumerate((("y", rows), ("x", columns or rows))):
        size = {"unit": "micrometer", "scale": float(spacing[index])} if spacing is not None else {}
        sides.append({"type": "space", "id": axis, **size, **more})
    return sides


def _weights(form: PlainForm, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Exactly one kind of weights has no parent."""
    version = torch.__version__.partition("+")[0]
    architecture = {**_file(SOURCE_NAME, files), "callable": form.kind, "kwargs": form.settings}
    return {
        "pytorch_state_dict": {**_file("weights.pt", files), "pytorch_version": version, "architecture": architecture},
        "onnx": {**_file("weights.onnx", files), "opset_version": OPSET, "parent": "pytorch_state_dict"},
        "torchscript": {
            **_file("weights_torchscript.pt", files),
            "pytorch_version": version,
            "parent": "pytorch_state_dict",
        },
    }
