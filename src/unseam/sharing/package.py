"""A bioimage.io package: one ZIP with three kinds of weights, the description, a test, a sample, and a page to read."""

import io
import zipfile
from collections.abc import Iterator, Mapping

import numpy as np
import tifffile
from jaxtyping import Float32, Shaped

from unseam.geometry import mirrored_range
from unseam.model.model_file import model_bytes
from unseam.sharing.about_package import AboutPackage
from unseam.sharing.compare import Proof
from unseam.sharing.description import description
from unseam.sharing.grey_scale import as_described
from unseam.sharing.package_page import package_page
from unseam.sharing.plain_form import SOURCE_NAME, PlainForm, source_text
from unseam.sharing.torch_files import run_weights
from unseam.sharing.yaml_text import yaml_text

_TEST_SIZE = (256, 320)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # equal content makes equal files


def package_files(form: PlainForm, about: AboutPackage, weights: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a package by name; ``weights`` are those of ``state-dict``, ``onnx`` and ``torchscript``."""
    raw = _test_input(form, about.pixels)
    maps = run_weights(form, weights["state-dict"])(as_described(form.grey.steps, raw))
    files = {
        "weights.pt": weights["state-dict"],
        "weights.onnx": weights["onnx"],
        "weights_torchscript.pt": weights["torchscript"],
        SOURCE_NAME: source_text().encode(),
        "model.safetensors": model_bytes(form.model.net, form.info),
        "test_input.npy": _npy(raw),
        "test_output.npy": _npy(maps),
        "sample_input.tif": _tiff(about.pixels),
        "cover.png": about.cover,
        "README.md": package_page(form, about).encode(),
    }
    return {"rdf.yaml": yaml_text(description(form, about, files)).encode(), **files}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return files as a ZIP without folders."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return stream.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    """Return the files of a ZIP that was just written."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def described_case(form: PlainForm, whole: Proof, pixels: Shaped[np.ndarray, "height width *channel"]) -> Proof:
    """Return the whole image with grey values scaled by the words of the description: tools add 1e-6 to the width of a range.

    The difference is reported but has no limit, because it comes from the arithmetic of those tools.
    """
    return Proof("as described", as_described(form.grey.steps, _channels_first(pixels, form)), whole.expected, is_limited=False)


def _channels_first(pixels: np.ndarray, form: PlainForm) -> Float32[np.ndarray, "1 channel height width"]:
    """Return raw grey values; a model of one channel reads grey that was saved as colour."""
    channels = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    return channels[None, : form.info.net.in_channels].astype(np.float32)


def _test_input(form: PlainForm, pixels: np.ndarray) -> Float32[np.ndarray, "1 channel height width"]:
    """Return the middle of the image at an admissible size, mirrored where the image is smaller."""
    raw = _channels_first(pixels, form)
    for axis, wanted in zip((2, 3), _TEST_SIZE, strict=True):
        step = form.net.phase
        size = max(form.shortest, -(-wanted // step) * step)
        start = (raw.shape[axis] - size) // 2
        raw = np.take(raw, mirrored_range(start, start + size, raw.shape[axis]), axis)
    return np.ascontiguousarray(raw)


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _tiff(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    planes = pixels if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    kinds: Iterator[type] = (kind for kind in (np.uint8, np.uint16, np.float32) if planes.dtype == kind)
    planes = planes.astype(next(kinds, np.float32))  # what ImageJ knows
    tifffile.imwrite(stream, planes, imagej=True, metadata={"axes": "YX" if planes.ndim == 2 else "CYX"})
    return stream.getvalue()
