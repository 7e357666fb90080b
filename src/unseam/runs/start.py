"""A training that begins with a trained network: what it takes from the network, what it refuses, and what it tells.

Network, resolution and scaling of grey values are those of the start, because its weights mean nothing without them. Image
channels and classes are those of the data, and :mod:`unseam.nets.carried` states how weights of others become theirs.
"""

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from torch import nn

from unseam.data.file_names import normal_form
from unseam.data.pixel_size import describe_other_size
from unseam.data.prepare import Prepared
from unseam.errors import ModelFileError, SettingsError
from unseam.heads import Head, Objects
from unseam.model import Model
from unseam.model.model_file import ModelInfo, load_model, model_bytes, read_info
from unseam.nets import Net, Start, carry_over, differing_settings, members_of, without_normalisation
from unseam.networks import find_model, reading_shipped
from unseam.recipes import FINE_TUNED
from unseam.recipes.run import Run
from unseam.runs.default_start import NOTHING
from unseam.settings import table_name, with_overrides
from unseam.training import TrainState
from unseam.training.observers import Validate

Tell = Callable[[str], None]

_ARRAY = re.compile(r"image \d+")
"""The name of an image that was given as an array, in every training."""


@dataclass(frozen=True)
class StartNet:
    """A single trained network, and what its model file says of it.

    A model has no normalisation left; a network that ships as a start may have kept its own, which then goes on learning.
    """

    net: Net
    info: ModelInfo


def with_start(
    run: Run, given: Model | str | Path | None, settings: Sequence[str], *, rescale: bool = False
) -> tuple[Run, StartNet | None]:
    """Return the run with the network and the grey values of its start, and the start itself; None: weights are drawn.

    Parameters
    ----------
    run
        May come from the ``config.toml`` of a run that had a start, and then begins with the same one.
    given
        The start that the caller names: a model, its file, its run folder, a network that ships, or ``nothing``. None: that of
        the run, if it has one.
    settings
        The caller's changes; only those of ``start`` are applied here.
    rescale
        Whether the images of the training are resampled to the pixel size of those that the start learnt from.

    Raises
    ------
    ModelFileError
        If it is no model, if its check sum is another one than the run states, or if it was in memory and is gone.
    SettingsError
        If it is an ensemble and ``start.member`` names none of its networks, if a single network gets a number, or if
        images are to be resampled without a start, or for one that states no pixel size.
    """
    if given == NOTHING:
        run, given = replace(run, start=None), None
    if given is not None:
        run = replace(run, start=Start("" if isinstance(given, Model) else str(given)))
    run = with_overrides(run, [setting for setting in settings if re.match(r"\s*start\s*[.=]", setting)])
    if run.start is None:
        if rescale:
            raise SettingsError("--rescale resamples images to the pixels of a start. Give one with --from (start=).")
        return run, None
    if not isinstance(given, Model) and not run.start.model:
        raise ModelFileError(
            "This run began with a model in memory, which is gone. Give it with --from (start=); its run folder keeps a copy, "
            "start.safetensors."
        )
    start, found = open_start(run.start, given if isinstance(given, Model) else None)
    if rescale:
        if found.info.spacing_um is None:
            raise SettingsError(
                f"--rescale: the training images of {start.model or 'the start'} stated no pixel size. Leave it out."
            )
        start = replace(start, rescale_to_um=found.info.spacing_um)
    usual = type(found.info.net)()  # the data decide channels and classes, as without a start
    net = replace(found.info.net, in_channels=usual.in_channels, num_classes=usual.num_classes)
    return replace(run, start=start, net=net, normalise=found.info.normalise), found


def open_start(start: Start, model: Model | None = None) -> tuple[Start, StartNet]:
    """Open the model that a start names, or take the one in memory; return its facts and its network. Errors: `with_start`."""
    called = start.model or "the start"
    if model is None:
        with reading_shipped(start.model):
            path = find_model(start.model)
            net, info = load_model(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelFileError(f"{called}: it cannot be read ({error.strerror}).") from error
    else:
        net, info = model.net, model.info
        data = model_bytes(net, info, called)
    found, nets = hashlib.sha256(data).hexdigest(), members_of(net)
    if start.sha256 not in ("", found):
        raise ModelFileError(
            f"{called}: its SHA-256 is {found[:16]}..., and the run began with {start.sha256[:16]}...: another model of the "
            "same name. Restore that file, or name this one with --from."
        )
    if len(nets) > 1 and (start.member is None or start.member > len(nets)):
        raise SettingsError(
            f"{called}: an ensemble of {len(nets)} networks, and training begins with one of them. Name it: "
            f"--set start.member=1 (to {len(nets)})."
        )
    if len(nets) == 1 and start.member not in (None, 1):
        raise SettingsError(f"start.member = {start.member}, but {called} holds a single network. Leave it out.")
    if info.members:
        index = (start.member or 1) - 1
        info = replace(info, training=info.members[index], members=())
        nets = (nets[index],)
    licences = [part.licence for part in (start, info.release, info.training.start) if part is not None]
    licence = next((known for known in licences if known), "")
    return replace(start, sha256=found, licence=licence), StartNet(nets[0], info)


def recipe_of_start(given: Model | str | Path | None) -> str:
    """Return the recipe for a start, unless the caller names one. Raises ModelFileError if it is no model.

    A start with its normalisation learns as a fresh network does; without, large steps would spoil it.
    """
    if isinstance(given, Model) or given in (None, NOTHING):
        return FINE_TUNED
    with reading_shipped(str(given)):
        net = read_info(find_model(str(given))).net
    return FINE_TUNED if net == without_normalisation(net) else "default"


def start_of_resumed(run: Run, copy: Path) -> StartNet | None:
    """Return the start of a run that goes on, from the copy in its folder; None if it has none, or if the start is gone.

    Only networks of which there is no checkpoint yet need it. Raises ModelFileError if the copy is damaged.
    """
    if run.start is None:
        return None
    if copy.exists():
        net, info = load_model(copy)
        return StartNet(members_of(net)[0], info)
    try:  # a kill came between settings and copy
        return open_start(run.start)[1] if run.start.model else None
    except ModelFileError:
        return None


def name_of_start(start: Start) -> str:
    """Return a name that tells nothing of the folders of this computer: that of the run folder, of the file, or as it ships."""
    if not start.model:
        return ""
    path = Path(start.model) / "model.safetensors" if Path(start.model).is_dir() else Path(start.model)
    path = path.absolute()
    return path.parent.resolve().name if path.name == "model.safetensors" else path.name


def check_against_start(before: Run, changed: Run) -> None:
    """Raise SettingsError if the caller's changes contradict the start of the run, or need one.

    ``before`` has the settings of the start, and ``changed`` those of the caller on top.
    """
    if before.start is None:
        if changed.training.layers != "all":
            raise SettingsError(
                f"training.layers = {changed.training.layers!r}: weights that are drawn must all learn. Give a start with "
                "--from (start=), or leave it out."
            )
        return
    pairs = {f"net.{name}" if name else "net": pair for name, pair in differing_settings(before.net, changed.net).items()}
    for field in fields(before.normalise):
        own, other = getattr(before.normalise, field.name), getattr(changed.normalise, field.name)
        if own != other:
            pairs[f"normalise.{field.name}"] = (own, other)
    for name, (own, other) in pairs.items():
        values = [table_name(type(value)) if name == "net" else repr(value) for value in (own, other)]
        raise SettingsError(
            f"{name} is set to {values[1]}, but the start has {values[0]}, and its weights fit nothing else. Leave it out, or "
            "train without --from (start=)."
        )


def with_objects_of_start(run: Run, start: StartNet) -> Run:
    """Return the run with the start's way to find objects, unless the caller set another one or another head.

    The first score is then that of the start as it predicts; the threshold is chosen again at the end, as in any training.
    """
    same_head = run.head is None or type(run.head) is type(start.info.head)
    is_free = run.training.tune_objects and run.objects == Objects() and not is_for_every_task(start.info)
    return replace(run, objects=start.info.objects) if same_head and is_free else run


def carry_start(start: StartNet | None, net: nn.Module, prepared: Prepared) -> None:
    """Put the weights of a start into a freshly drawn network; errors as `kept_logits`.

    Raises ModelFileError if the start is gone.
    """
    if start is None:
        raise ModelFileError(
            "This run begins with a trained network, and both the file and its copy start.safetensors in the run folder are "
            "gone. Restore one of them, or leave --resume out and begin another run."
        )
    carry_over(start.net, net, kept_logits(start.info, prepared))  # type: ignore[arg-type]  # training works on any module


def kept_logits(info: ModelInfo, prepared: Prepared) -> list[int | None]:
    """Return for each logit of a training the logit of its start that has the same name; background is always the same.

    Of a network that ships, none is kept where one learns objects and the other does not. Raises
    SettingsError in that case for any other start.
    """
    if info.head.needs_objects != prepared.head.needs_objects and is_for_every_task(info):
        return [None] * prepared.num_logits
    if info.head.needs_objects != prepared.head.needs_objects:
        own, wanted = table_name(type(info.head)), table_name(type(prepared.head))
        same = "" if info.head.needs_objects else f", or learn classes from them, too (--set head.{own}={{}})"
        raise SettingsError(
            f"The start learnt {info.kind_facts.segments} (head {own}), but these masks were read as {prepared.reading.kind} "
            f"(head {wanted}), and neither becomes the other. Give a start of their kind, or say what they hold with "
            f"--masks{same}."
        )
    names = [normal_form(name) for name in prepared.head.logit_names(prepared.reading.class_names)]
    known = [normal_form(name) for name in info.map_names]
    return [0, *(known.index(name, 1) if name in known[1:] else None for name in names[1:])]


def tell_start(start: StartNet, prepared: Prepared, tell: Tell) -> None:
    """Tell what is kept of a start, what is changed and drawn, and what may mislead; errors as `kept_logits`."""
    info, kept = start.info, kept_logits(start.info, prepared)
    of_what = "image set(s)" if info.release is not None else "image(s)"
    learnt = f"{info.training.steps} step(s) on {len(info.training.images)} {of_what}"
    tell(f"training begins with a network of {learnt}; its architecture and its scaling of grey values stay")
    if info.net.in_channels != prepared.channels:
        tell(_of_channels(info.net.in_channels, prepared.channels))
    tell(_of_classes(prepared.head.logit_names(prepared.reading.class_names), info.map_names, kept))
    if other_size := describe_other_size(prepared.spacing_um, info.spacing_um):
        tell(
            f"pixel size of the data: {other_size.removeprefix('its ')} of the start: objects look larger or smaller to it; "
            "--rescale resamples them"
        )
    seen = sorted({name for name in info.training.images if not _ARRAY.fullmatch(name)} & {s.name for s in prepared.samples})
    if seen:
        tell(
            f"the start was trained on images of the same names ({', '.join(seen[:3])}{', ...' if len(seen) > 3 else ''}): if "
            "they are the same images, what is held out is not new to it, and its score says too much"
        )


def _of_channels(before: int, now: int) -> str:
    words = f"the start read images of {before} channel(s), these have {now}: in the first layer, "
    if now == 1:
        return words + "the weights of the channels are added up"
    words += f"the weights are repeated in turn, times {before}/{now}"
    return words if before == 1 else f"{words}. That is a guess: the channels may show other things"


def is_for_every_task(info: ModelInfo) -> bool:
    """Return whether a network ships with the package, and so may begin trainings of any kind."""
    return info.release is not None


def head_of_start(start: StartNet | None) -> Head | None:
    """Return the head that a training takes over from its start; None: that of its masks."""
    if start is None or not start.info.head.needs_objects or is_for_every_task(start.info):
        return None
    return start.info.head


def _of_classes(names: Sequence[str], before: Sequence[str], kept: Sequence[int | None]) -> str:
    if list(kept) == list(range(len(before))):
        return f"the last layer is that of the start ({', '.join(names)})"
    old = [name for name, index in zip(names, kept, strict=True) if index is not None]
    if not old:
        return f"the start learnt objects, and these masks hold classes: the last layer is drawn anew for {', '.join(names)}"
    new = [name for name, index in zip(names, kept, strict=True) if index is None]
    drawn = f"; drawn anew for {', '.join(new)}" if new else ""
    return f"the start distinguishes {', '.join(before)}: in the last layer, the rows of {', '.join(old)} are kept{drawn}"


def score_start(state: TrainState, validate: Validate, score_name: str, tell: Tell) -> None:
    """Score a start on what is held out, before the first step, as the first record of the history; nothing without a score."""
    if state.step == 0 and not validate.records and validate.score_of is not None:
        score = validate.record(state).score
        if not math.isnan(score):
            tell(f"before the first step: {score_name} {score:.3f} on what is held out")
