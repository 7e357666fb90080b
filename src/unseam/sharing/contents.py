"""The bytes of an export, in each format, and the proof: they are read back and compared before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass

from unseam.errors import OutputError
from unseam.sharing.about_package import AboutPackage
from unseam.sharing.compare import LIMIT, Difference, Proof, cases_of, compared
from unseam.sharing.onnx_file import onnx_file, run_onnx
from unseam.sharing.package import described_case, package_files, unzipped, zipped
from unseam.sharing.plain_form import PlainForm
from unseam.sharing.torch_files import Runner, run_torchscript, run_weights, torchscript_file, weights_file


@dataclass(frozen=True)
class _Kind:
    """One kind of weights: its name in a package, how it is made, and how it is read back."""

    name: str
    make: Callable[[PlainForm], bytes]
    read: Callable[[PlainForm, bytes], Runner]


_KINDS = {
    "state-dict": _Kind("weights.pt", weights_file, run_weights),
    "torchscript": _Kind("weights_torchscript.pt", torchscript_file, run_torchscript),
    "onnx": _Kind("weights.onnx", onnx_file, lambda _, data: run_onnx(data)),
}


def exported(
    form: PlainForm, to: str, about: AboutPackage, on_step: Callable[[str], None]
) -> tuple[bytes, tuple[Difference, ...]]:
    """Return the bytes of a file in one of the `FORMATS`, and how far what it holds is from `Model.predict`.

    ``on_step`` is called with a sentence before each part of the work.

    Raises
    ------
    OutputError
        If a difference exceeds `LIMIT`; the message names it.
    """
    kinds = _KINDS if to == "bioimageio" else {to: _KINDS[to]}
    weights = {}
    for name, kind in kinds.items():
        on_step(f"writing {name}")
        weights[name] = kind.make(form)
    on_step("predicting the image with the model itself")
    cases = cases_of(form, about.pixels)
    if to != "bioimageio":
        return weights[to], _checked(form, weights, cases, on_step)
    data = zipped(package_files(form, about, weights))
    inside = unzipped(data)
    whole = described_case(form, cases[0], about.pixels)
    return data, _checked(form, {name: inside[kind.name] for name, kind in kinds.items()}, (*cases, whole), on_step)


def _checked(
    form: PlainForm, weights: dict[str, bytes], cases: tuple[Proof, ...], on_step: Callable[[str], None]
) -> tuple[Difference, ...]:
    found: list[Difference] = []
    for name, data in weights.items():
        on_step(f"reading {name} back and comparing")
        found += compared(form, name, _KINDS[name].read(form, data), cases)
    for one in found:
        if one.is_limited and not one.largest <= LIMIT:
            raise OutputError(
                f"Nothing was written: {one.weights} differs from the model by {one.largest:.2g} ({one.case}, {one.height} x "
                f"{one.width} px), and at most {LIMIT:g} is rounding. Please report it; another format may agree."
            )
    return tuple(found)
