"""``train``: a model from a few annotated images."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from unseam.api.reports import write_report
from unseam.data.annotated import AnnotatedFolder, read_annotated
from unseam.data.prepare import Annotated, Prepared, prepare
from unseam.doctor.before_training import warnings
from unseam.errors import DataError, SettingsError
from unseam.evaluation.held_out import HeldOutPredictions
from unseam.io.output_folder import output_folder
from unseam.model import Model
from unseam.recipes.run import Run
from unseam.report.comparison import write_comparisons
from unseam.report.from_training import compare_held_out
from unseam.runs.cross_validation import Trained, cross_validate, said_of_budget
from unseam.runs.fit import Session
from unseam.runs.into_folder import TrainingCall, fit_into, session_in
from unseam.runs.run_folder import RunFolder
from unseam.runs.settings_of_run import change_run, choose_run
from unseam.runs.watch import Watch
from unseam.training import TrainState
from unseam.training.joining import device_of_rank, joined, launch, ranks_here
from unseam.training.observers import Record
from unseam.training.ranks import Ranks

Arrays = Sequence[np.ndarray]

__all__ = ["Record", "TrainState", "Watch", "ranks_here", "train"]


def train(  # noqa: PLR0913 - the public face: each argument is a word that a user reaches for
    data: str | Path | Arrays,
    masks: Arrays | None = None,
    *,
    out: str | Path | None = None,
    recipe: str | Run | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    folds: int | None = None,
    settings: Sequence[str] = (),
    device: str = "auto",
    resume: bool = False,
    watch: Watch | None = None,
) -> Model:
    """Train a model on a few annotated images.

    All processes that torchrun has started train one network together: each calls this with the same arguments, and each
    gets the model. Only the first writes into ``out``, which all must be able to read, and calls ``watch``.

    Ctrl-C and ``watch.should_stop`` end training early; the best weights so far become the model. On a CPU under Linux this
    process keeps the memory that training frees until it ends, so that the next training finds it; several trainings in one
    process share it. ``UNSEAM_KEEP_MEMORY=0`` in the environment switches that off.

    Parameters
    ----------
    data
        A folder with images and masks, or a list of images: (H, W) or (H, W, C) arrays of any real type.
    masks
        With a list of images: their masks, (H, W) each; classes or instances, see ``data.masks``.
    out
        Run folder to write. None: nothing is written.
    recipe
        ``"default"`` (the same as None), ``"paper"``, the path of a ``config.toml``, or a :class:`unseam.recipes.run.Run`.
    steps, minutes
        Budget of the training, or of all folds together. Without either, the recipe's budget, for each fold.
    folds
        Number of networks of a cross-validation. Each is trained without one part of the images and scored on it; the model
        is their ensemble. None: what the recipe says, one network.
    settings
        Changes to the recipe, such as ``"net.unet.first_width=32"``.
    device
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ...
    resume
        Continue the run in ``out`` with its own settings.
    watch
        Functions that are called while it trains, and ``should_stop``.

    Returns
    -------
    model
        The weights that scored best on the held-out part; with folds, the ensemble of their last weights.

    Raises
    ------
    DataError, LabelError, ImageReadError
        If the data cannot be trained on. Raised before the first step.
    SettingsError
        If a setting is unknown or out of range.
    OutputError
        If ``out`` already holds a run, or cannot be written; :class:`~unseam.errors.InUseError` if another process uses it.
    TrainingError
        If training diverges or makes no progress.
    RankError
        Under torchrun, if another process ended.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((64, 64), np.float32)
    >>> small = ["net.unet.first_width=2", "net.unet.depth=2", "training.output_size=32"]
    >>> model = train([image], [(image > 0.5).astype(np.uint8)], steps=2, settings=small)
    >>> model.predict(image).classes.shape
    (64, 64)
    """
    folder = RunFolder(Path(out)) if out is not None else None
    if resume and folder is None:
        raise SettingsError("resume=True came without out=, the run folder to go on with. Give both.")
    ranks = ranks_here()
    if ranks.world > 1:
        device = str(device_of_rank(device, ranks))
    with joined(ranks, device):
        goes_on = resume or (folder is not None and _goes_on_by_itself(folder, ranks))
        run = choose_run(recipe if resume or not goes_on else None, folder if goes_on else None, folds)
        run = change_run(run, steps, minutes, folds, settings)
        watch = watch if watch is not None and ranks.is_first else Watch()
        with output_folder(folder.path, "training") if folder is not None and ranks.is_first else nullcontext():
            if folder is not None and ranks.is_first and not goes_on:
                folder.check_free()
            return _train(data, masks, run, folder, TrainingCall(device, watch, goes_on, ranks))


def _goes_on_by_itself(folder: RunFolder, ranks: Ranks) -> bool:
    """Whether torchrun began the run in this folder, and now starts it again because a process ended."""
    return bool(ranks.same(float(folder.was_begun_by(launch()))))


def _train(data: str | Path | Arrays, masks: Arrays | None, run: Run, folder: RunFolder | None, call: TrainingCall) -> Model:
    """Train in a folder that no other process writes into meanwhile; of several ranks the first writes."""
    written = folder if call.ranks.is_first else None
    annotated = _annotated(data, masks, call.watch.tell)
    prepared = prepare(
        annotated.images,
        run.normalise,
        run.weight_map,
        masks=run.data.masks,
        ignore=run.data.ignore if run.data.ignore is not None else annotated.ignore,
        declared=annotated.classes,
        head=run.head,
        tell=call.watch.tell,
    )
    if not call.resume:
        for warning in warnings(annotated.images, prepared.reading, run):
            call.watch.tell(warning)
    if run.data.folds > 1:
        model, held_out = _train_folds(prepared, run, folder, call)
    else:
        model, one = fit_into(folder, prepared, run, call)
        held_out = one.held_out
    if written is not None:
        written.write_card(model.info)
        source = str(data) if isinstance(data, str | Path) else ""
        write_comparisons(written.held_out, compare_held_out(model, held_out, prepared.samples, source))
        write_report(written.path)
        written.end()
    return model


def _train_folds(
    prepared: Prepared, run: Run, folder: RunFolder | None, call: TrainingCall
) -> tuple[Model, HeldOutPredictions]:
    """Train one network for each fold; after each fold the folder holds the ensemble of those that are finished."""

    def session_of(number: int) -> Session:
        place = folder.fold(number) if folder is not None else None
        return session_in(folder, place, run, call, prepared.reading.kind_facts.score_name)

    written = folder if call.ranks.is_first else None

    def on_fold(trained: Trained) -> None:
        if written is not None:
            trained.model("cpu").save(written.model)

    call.watch.tell(said_of_budget(run))
    trained, found = cross_validate(prepared, run, session_of, on_fold)
    if found.images:
        if written is not None:
            written.write_out_of_fold(found, prepared.reading.kind)
        call.watch.on_scores(found.scores)
    model = trained.model(call.device, found)
    if written is not None:
        model.save(written.model)
    return model, found


def _annotated(data: str | Path | Arrays, masks: Arrays | None, tell: Callable[[str], None]) -> AnnotatedFolder:
    """The images with their masks, read from a folder or as they came in two lists."""
    if isinstance(data, str | Path):
        if masks is not None:
            raise DataError("A folder came together with a list of masks. Give a folder, or images and masks as lists.")
        return read_annotated(Path(data), tell)
    if masks is None or len(masks) != len(data):
        came = "no masks" if masks is None else f"{len(masks)} mask(s)"
        raise DataError(f"{len(data)} image(s) came with {came}. Give one mask for each image, in the same order.")
    pairs = enumerate(zip(data, masks, strict=True))
    return AnnotatedFolder(tuple(Annotated(f"image {i}", np.asarray(image), np.asarray(mask)) for i, (image, mask) in pairs))
