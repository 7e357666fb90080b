"""Export a model for other programs, and prove on an image that it gives what the model gives."""

import io
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from unseam.data.channels import is_grey_saved_as_colour
from unseam.data.read_pair import as_model_reads
from unseam.errors import DataError, OutputError, SettingsError
from unseam.inference import Averaging
from unseam.io import read_image, write_bytes_whole
from unseam.io.unfinished import remove
from unseam.model import Model
from unseam.report.comparison import read_comparisons
from unseam.report.overlay import draw_overlay
from unseam.runs.run_folder import RunFolder
from unseam.sharing import FORMATS
from unseam.sharing.about_package import AboutPackage
from unseam.sharing.compare import Difference
from unseam.sharing.contents import exported
from unseam.sharing.grey_scale import GreyScale, Scaling, grey_scale
from unseam.sharing.onnx_file import check_onnx
from unseam.sharing.plain_form import PlainForm, plain_form, source_text

_LARGEST = 1024
"""px; of a larger image the middle is compared. The mean over flips takes eight times as long, so half of it."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how far it is from the model.

    Attributes
    ----------
    files
        The file, and for weights the Python file of the network.
    differences
        One for each kind of weights and each input that was compared.
    notes
        Sentences for a person: what to do with grey values, what the file computes.
    loading_lines
        For weights: the lines of Python that load them.
    """

    files: tuple[Path, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    loading_lines: tuple[str, ...] = ()


def export(  # noqa: PLR0913 - the public face: each argument is a word that a user reaches for
    model: str | Path | Model,
    out: str | Path,
    to: str = "onnx",
    *,
    image: str | Path | Shaped[np.ndarray, "height width *channel"] | None = None,
    normalise: Scaling = "image",
    average: Averaging | None = None,
    licence: str | None = None,
    authors: Sequence[str] = (),
    on_step: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Write a model in a form that other programs run, after comparing it with the model on an image.

    Parameters
    ----------
    model
        A run folder, a model file, or a model.
    out
        The file to write; nothing is overwritten.
    to
        One of `unseam.sharing.FORMATS`.
    image
        What to compare on, and for a package its test and sample: a file, of which the first plane is taken, or an array. None:
        an image that was held out in the run folder.
    normalise
        ``image``: grey values are scaled by percentiles of each image, as the model does. ``fixed``: by one range, in the
        middle of those of the training images.
    average
        What the exported network averages over: ``none`` or ``flips``. None: as the model.
    licence
        For a package: under which licence others may use the weights, by its SPDX name.
    authors
        For a package: who made the model.
    on_step
        Called with a sentence before each part of the work.

    Returns
    -------
    Exported
        The files and the differences.

    Raises
    ------
    SettingsError
        If an argument is wrong, an extra is missing, or the format cannot hold the model.
    OutputError
        If the file exists or cannot be written, or if what it would hold differs from the model.
    DataError, ImageReadError, ModelFileError
        If the image or the model cannot be read, or they do not match.
    """
    _check_arguments(to, average, licence)
    files = _files_to_write(Path(out), to)
    if to in ("onnx", "bioimageio"):
        check_onnx()
    # In float32 on the CPU by PyTorch: other engines and formats round differently, which is no matter of the export.
    loaded = model if isinstance(model, Model) else Model.load(model)
    reference = Model(deepcopy(loaded.net), loaded.info, device="cpu", engine="torch")  # a copy: the caller's may be on a GPU
    reference = reference if average is None else reference.with_average(average)
    grey = grey_scale(reference.info, normalise)
    form = plain_form(reference, grey)
    pixels = _middle(_pixels_for(image, model, reference), _LARGEST // 2 if reference.info.average == "flips" else _LARGEST)
    notes = _notes(form, pixels)
    name = files[0].name.removesuffix(FORMATS[to].suffix).removesuffix(".bioimage.io")
    cover = _cover(form, pixels) if to == "bioimageio" else b""
    about = AboutPackage(name, pixels, cover, tuple(authors), licence)
    data, differences = exported(form, to, about, on_step)
    _write_new(dict(zip(files, (data, source_text().encode()), strict=False)))
    lines = form.loading_lines(files[0].name, files[-1].stem) if to == "state-dict" else ()
    return Exported(files, differences, notes, lines)


def _check_arguments(to: str, average: Averaging | None, licence: str | None) -> None:
    if to not in FORMATS:
        raise SettingsError(f"There is no format {to!r}. It may be {', '.join(FORMATS)}.")
    if average not in (None, "none", "flips"):
        raise SettingsError(f"average is {average!r}. An exported network averages over 'flips' or 'none'.")
    if licence is not None and not re.fullmatch(r"[A-Za-z0-9.+-]+", licence):
        raise SettingsError(f"The licence {licence!r} is no SPDX identifier. Give one such as CC-BY-4.0, CC0-1.0 or MIT.")


def _files_to_write(out: Path, to: str) -> tuple[Path, ...]:
    suffix = FORMATS[to].suffix
    if out.suffix != suffix:
        raise OutputError(f"{out}: a file of the format {to} ends in {suffix}. Give it that ending.")
    files = (out, out.with_name(_module_name(out.stem))) if to == "state-dict" else (out,)
    for file in files:
        _check_free(file)
    if not out.parent.is_dir():
        raise OutputError(f"{out.parent}: there is no such folder. Make it first.")
    return files


def _module_name(stem: str) -> str:
    """Return the name of the Python file beside weights; Python imports it, so it has no other letters than a name may have.

    >>> _module_name("cells-2")
    'cells_2_nets.py'
    """
    word = re.sub(r"\W", "_", stem, flags=re.ASCII)
    return f"{'_' if word[:1].isdigit() else ''}{word}_nets.py"


def _check_free(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise OutputError(f"{path} already exists, and an export overwrites nothing. Delete it, or give another --out.")


def _write_new(contents: dict[Path, bytes]) -> None:
    """Write all files or none."""
    done: list[Path] = []
    try:
        for file, data in contents.items():
            _check_free(file)
            write_bytes_whole(file, data)
            done.append(file)
    except OutputError:
        for file in done:
            remove(file)
        raise


def _pixels_for(
    image: str | Path | Shaped[np.ndarray, "height width *channel"] | None, source: str | Path | Model, model: Model
) -> Shaped[np.ndarray, "height width *channel"]:
    """Return the image to compare on. Raises DataError if there is none, or if it has other channels than the model."""
    if image is None:
        pixels = _held_out(source)
    elif isinstance(image, np.ndarray):
        pixels = image
    else:
        pixels = as_model_reads(read_image(image), model.info.net.in_channels).planes()[0]
    model.normalised(pixels)  # checks the channels before any work
    return pixels[..., 0] if model.info.net.in_channels == 1 and is_grey_saved_as_colour(pixels) else pixels


def _held_out(source: str | Path | Model) -> Shaped[np.ndarray, "height width *channel"]:
    """Return an image that was held out in a run folder, as its report shows it: 8 bits, which is enough to compare on."""
    path = None if isinstance(source, Model) else RunFolder(Path(source)).held_out
    images = read_comparisons(path).images if path is not None and path.exists() else ()
    pictures = [one.picture for one in images if one.picture is not None]
    if not pictures:
        raise DataError(
            "An export is compared with the model on an image, and nothing was held out here that could serve. Give an image "
            "like those of the training with --image (image=)."
        )
    return max(pictures, key=lambda picture: picture.size)


def _middle(pixels: np.ndarray, longest: int) -> np.ndarray:
    starts = [max(0, (length - longest) // 2) for length in pixels.shape[:2]]
    top, left = starts
    return np.ascontiguousarray(pixels[top : top + longest, left : left + longest])


def _notes(form: PlainForm, pixels: np.ndarray) -> tuple[str, ...]:
    net, info = form.net, form.info
    what = "the mean over eight flips, which takes eight times as long as one pass" if info.average == "flips" else "one pass"
    notes = [
        f"it computes {what}; maps: {', '.join(info.map_names)}",
        f"grey values before it: {form.grey.sentence}",
        f"tiles begin at multiples of {net.phase} px and bring {form.halo} px on each side",
    ]
    if form.grey.fixed is not None:
        notes.append(_effect_of_fixed(form, pixels))
    return tuple(notes)


def _effect_of_fixed(form: PlainForm, pixels: np.ndarray) -> str:
    """Say what the fixed range changes on the image: nothing warns people who use the export."""
    own = form.model.predict(pixels).class_indices
    fixed = form.model.predict(pixels, ranges=form.grey.ranges(1)).class_indices
    share = float(np.mean(own != fixed))
    return f"by the fixed range {100 * share:.2f} % of the pixels of this image get another class than by its own percentiles"


def _cover(form: PlainForm, pixels: np.ndarray) -> bytes:
    """Draw the middle of the image, and what the model finds in it."""
    side = min(pixels.shape[:2])
    square = _middle(pixels, side)
    grey: GreyScale = form.grey
    found = form.model.predict(square, ranges=grey.ranges(form.info.net.in_channels))
    labels = found.instances if form.info.kind_facts.has_objects else found.class_indices
    blank = np.zeros_like(labels)
    pair = [Image.fromarray(draw_overlay(square, shown)).resize((256, 256)) for shown in (blank, labels)]
    cover = Image.new("RGB", (512, 256))
    for index, picture in enumerate(pair):
        cover.paste(picture, (256 * index, 0))
    stream = io.BytesIO()
    cover.save(stream, "PNG", optimize=True)
    return stream.getvalue()
