"""The model card: what a model is and what it was trained on, in plain words."""

from dataclasses import fields

from unseam.model.model_info import Imported, ModelInfo
from unseam.model.release import Release
from unseam.nets import NetConfig
from unseam.settings import table_name


def facts(info: ModelInfo) -> list[tuple[str, str]]:
    """Return rows of (fact, value) about a model, in the order in which a person asks."""
    net, record = info.net, info.training
    if info.release is not None:
        return _of_release(info, info.release)
    classes = ", ".join(f"{name} ({value})" for name, value in zip(info.class_names, info.class_values, strict=True))
    rows = [
        ("segments", info.kind_facts.segments),
        ("classes (value in the masks)", classes),
        ("image channels", str(net.in_channels)),
        ("pixel size", _spacing(info.spacing_um)),
        ("head", table_name(type(info.head))),
        ("network", _settings_of(net)),
        ("context, phase", _context(info)),
        ("grey values", _grey_values(info)),
        ("prediction", _AVERAGED[info.average]),
        *([("objects", _objects(info))] if info.kind_facts.has_objects else []),
    ]
    if record.imported is not None:
        return [*rows, *_imported(record.imported), ("made", f"{record.date} with {', '.join(record.versions)}")]
    rows += [
        ("trained on", f"{len(record.images)} image(s): {_shortened(record.images)}"),
        ("annotated pixels", f"{record.num_annotated_pixels:,}"),
        ("validation", record.held_out),
    ]
    if info.members:
        rows.append(("ensemble", f"{len(info.members)} networks, their probabilities averaged"))
        if record.score is not None:
            rows.append(("out-of-fold score", record.describe_score(4)))
    elif record.score is not None:
        rows.append(("held-out score", f"{record.describe_score(4)}, the weights of step {record.best_step}"))
    together = f", {record.ranks} processes together" if record.ranks > 1 else ""
    took = f"{record.steps} steps, {record.seconds / 60:.1f} minutes, {record.precision} on {record.device}"
    rows += [
        ("training", f"{took}{together}"),
        *([("started from", record.describe_start())] if record.start is not None else []),
        *([("start chosen", record.start_choice)] if record.start_choice is not None else []),
        ("parts", record.recipe),
        ("seed", str(record.seed)),
        ("made", f"{record.date} with {', '.join(record.versions)}"),
    ]
    return rows


def _of_release(info: ModelInfo, card: Release) -> list[tuple[str, str]]:
    """Return the rows of a network that ships: what for, from which images, under which licence, and how well it does."""
    record = info.training
    size = f"brought to {card.object_px:g} px; measured in each image, or --diameter" if card.object_px else "taken as they are"
    return [
        ("for", card.purpose),
        ("use", "segments, and starts trainings" if card.role == "predict" else "starts trainings; segments nothing by itself"),
        ("image channels", "any grey or colour image, as one channel" if card.object_px else str(info.net.in_channels)),
        ("objects", size),
        ("head", table_name(type(info.head))),
        ("network", _settings_of(info.net)),
        ("context, phase", _context(info)),
        ("grey values", _grey_values(info)),
        ("prediction", _AVERAGED[info.average]),
        ("separation of objects", _objects(info)),
        *(("score", score.describe()) for score in card.scores),
        *(("learnt on", learnt.describe()) for learnt in card.sets),
        ("licence of the weights", card.licence),
        ("training", f"{record.steps} steps, {card.minutes:g} minutes, {record.precision} on {record.device}"),
        ("made by", f"{card.command} (commit {card.commit})"),
        ("made", f"{record.date} with {', '.join(record.versions)}"),
    ]


def lines_that_load(info: ModelInfo, file: str) -> tuple[str, str, str]:
    """Return the lines of Python that load the weights of a model file into its network, without any other part of unseam.

    The network gives logits for the pixels whose context lies in the image; normalisation, mirror, soft-max and mean over flips
    are parts of the model, not of the network.
    """
    settings, members = type(info.net).__name__, len(info.members)
    given = ", ".join(f"{field.name}={getattr(info.net, field.name)!r}" for field in fields(info.net))
    one, names = f"{settings}({given}).build()", [settings, *(["Ensemble"] if members else [])]
    return (
        f"from safetensors.torch import load_file; from unseam.nets import {', '.join(sorted(names))}",
        f"net = Ensemble([{one} for _ in range({members})]).eval()" if members else f"net = {one}.eval()",
        f"net.load_state_dict(load_file({file!r}))",
    )


_AVERAGED = {
    "none": "one pass",
    "flips": "mean over eight flips",
    "rotations": "mean over seven rotations",
    "planes": "mean over three orientations of a volume",
}


def _objects(info: ModelInfo) -> str:
    split = f"split into parts of at least {info.objects.split:.0%}" if info.objects.split else "never split"
    return f"above {info.objects.threshold:g}, {split}, from {info.objects.min_size} px"


_OF_A_RUN = """
`report.html` shows how well it does: open it in a browser. `model.safetensors` is all that prediction needs; `config.toml`
repeats the training; `history.csv` and `curve.svg` show how it went; `held_out.npz` holds what the report is made from;
`checkpoints` is there for `--resume` and may be deleted.
"""

_OF_AN_IMPORT = """
`model.safetensors` is all that prediction needs. unseam did not train this network and cannot say how well it does: score it on
annotated images of your own (`unseam evaluate`).

unseam ships no weights of other people. These stay under the terms of those who trained them: the networks that the authors of
the paper released are the authors'. Read their terms before you pass this folder on.
"""

_OF_FOLDS = """
The folders `fold-1`, `fold-2`, ... hold history, curve and checkpoints of each network. `out_of_fold.csv` and
`out_of_fold.json` hold the score of each image by a network that did not see it.
"""

_OF_START = """
`start.safetensors` is the network that training began with. `--resume` may need it before the last fold has begun.
"""


def card(info: ModelInfo, name: str) -> str:
    """Write the facts as Markdown, with the command that uses the model and the paper to cite."""
    table = "\n".join(f"| {what} | {value} |" for what, value in facts(info))
    is_trained = info.training.imported is None
    texts = [_OF_A_RUN if is_trained else _OF_AN_IMPORT]
    texts += [_OF_START] if info.training.start is not None else []
    texts += [_OF_FOLDS] if info.members else []
    how = "trained with unseam, the U-Net as software" if is_trained else "imported into unseam, the U-Net as software"
    return f"""# {name}

A segmentation model {how}.

| | |
|---|---|
{table}

Use it:

```
unseam predict {name} IMAGES --out OUT
```
{"".join(texts)}
If you publish results, please cite O. Ronneberger, P. Fischer, T. Brox: U-Net: Convolutional Networks for Biomedical
Image Segmentation. MICCAI 2015, LNCS 9351, 234-241.
"""


def _settings_of(net: NetConfig) -> str:
    """Return name and settings of any network, without those that other rows show ("parts" names a normalisation)."""
    names = [field.name for field in fields(net) if field.name not in ("in_channels", "num_classes", "normalisation")]
    return ", ".join([table_name(type(net)), *(f"{name.replace('_', ' ')} {getattr(net, name)}" for name in names)])


def _spacing(spacing_um: tuple[float, float] | None) -> str:
    return f"{spacing_um[0]:g} x {spacing_um[1]:g} um" if spacing_um else "not stated by the files"


def _imported(source: Imported) -> list[tuple[str, str]]:
    return [
        ("imported from", f"{source.file}, SHA-256 {source.sha256}"),
        *(("note", note) for note in source.notes),
        ("weights", "those of whoever trained the file; unseam ships none and did not train these"),
    ]


def _grey_values(info: ModelInfo) -> str:
    how = info.normalise
    if how.fixed is not None:
        return f"{how.fixed[0]:g} to {how.fixed[1]:g} of every image become 0 to 1"
    return f"percentiles {how.low_percent:g} and {how.high_percent:g} of each {'image' if how.over == 'plane' else how.over}"


def _context(info: ModelInfo) -> str:
    import torch

    with torch.device("meta"):
        geometry = info.net.build().geometry
    return f"{geometry.context} px, {geometry.phase} px"


def _shortened(names: tuple[str, ...], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, and {len(names) - most} more"
