"""``train``: train a model on a few annotated images."""

import itertools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from unseam.api.choose_start import choose_start, is_open
from unseam.api.reports import write_report
from unseam.data.annotated import AnnotatedFolder, planes_of_volume, read_annotated
from unseam.data.kinds import MaskChoice, choose_masks
from unseam.data.prepare import Annotated, Prepared, prepare
from unseam.data.rescale import rescale_annotated
from unseam.doctor.before_training import find_warnings
from unseam.errors import DataError, SettingsError, TrainingError, sentence_of_exit
from unseam.evaluation.held_out import HeldOutPredictions
from unseam.io.output_folder import output_folder
from unseam.model import Model
from unseam.recipes.run import Run
from unseam.report.comparison import write_comparisons
from unseam.report.from_training import compare_held_out
from unseam.runs.checks import choose_net
from unseam.runs.cross_validation import TrainedFolds, cross_validate, describe_budget
from unseam.runs.default_start import AUTO, NOTHING
from unseam.runs.fit import Session
from unseam.runs.into_folder import TrainingCall, fit_into, make_session
from unseam.runs.run_folder import RunFolder
from unseam.runs.settings_of_run import change_run, choose_run, with_crops_of_volumes
from unseam.runs.start import (
    check_against_start,
    head_of_start,
    recipe_of_start,
    start_of_resumed,
    tell_start,
    with_objects_of_start,
    with_start,
)
from unseam.runs.watch import Watch
from unseam.training import TrainState
from unseam.training.joining import device_of_rank, join_ranks, launch_id, ranks_here
from unseam.training.observers import Record

Arrays = Sequence[np.ndarray]

__all__ = ["Record", "TrainState", "Watch", "ranks_here", "train"]


def train(  # noqa: PLR0913 - the public face: each argument is a word that a user reaches for
    data: str | Path | Arrays,
    masks: Arrays | None = None,
    *,
    out: str | Path | None = None,
    recipe: str | Run | None = None,
    start: Model | str | Path | None = None,
    rescale: bool = False,
    steps: int | None = None,
    minutes: float | None = None,
    folds: int | None = None,
    settings: Sequence[str] = (),
    device: str = "auto",
    resume: bool = False,
    watch: Watch | None = None,
) -> Model:
    """Train a model on a few annotated images.

    Under torchrun, all processes train one network together: each calls this function with the same arguments and gets the
    model. Only the first process writes into ``out`` and calls ``watch``; all must be able to read ``out``.

    Ctrl-C and ``watch.should_stop`` end training early; the best weights so far become the model. On a CPU under Linux, the
    process keeps the memory that training frees, and later trainings in the same process use it again. Set
    ``UNSEAM_KEEP_MEMORY=0`` in the environment to switch this off.

    Parameters
    ----------
    data
        A folder with images and masks, or a list of images: (H, W) or (H, W, C) arrays of any real type. With
        ``data.volumes=true`` among the settings, volumes: (D, H, W) or (D, H, W, C).
    masks
        The masks of a list of images, (H, W) or (D, H, W) each; classes or instances, see ``data.masks``.
    out
        Run folder to write; None: write nothing.
    recipe
        ``"default"`` (the same as None without a start, or with one that kept its normalisation), ``"fine_tuned"`` (the same
        as None with any other), ``"paper"``, the path of a ``config.toml``, or a :class:`unseam.recipes.run.Run`.
    start
        A trained network to begin with: a model, its file, its run folder, or the name of one that ships (``"general"``).
        Network and scaling of grey values are its own; image channels and classes may differ (:mod:`unseam.nets.carried` has
        the rules). ``start.member=2`` among the settings chooses a network of an ensemble. ``"nothing"`` draws the weights;
        ``"auto"`` chooses (:mod:`unseam.runs.default_start`). None: what is usual there.
    rescale
        Resample the images to the pixel size of those that the start learnt from; all files must state theirs.
    steps, minutes
        Budget of the training, or of all folds together. Without either, each fold gets the budget of the recipe.
    folds
        Number of networks in a cross-validation. Each is trained without one part of the images and scored on that part; the
        model is their ensemble. None: the number in the recipe, one network.
    settings
        Changes to the recipe, such as ``"net.unet.first_width=32"``.
    device
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ...
    resume
        Continue the run in ``out`` with its own settings.
    watch
        Functions that training calls while it runs, and ``should_stop``.

    Returns
    -------
    Model
        The weights with the best score on the held-out part; with folds, the ensemble of their last weights.

    Raises
    ------
    DataError, LabelError, ImageReadError
        If the data cannot be used for training. Raised before the first step.
    SettingsError
        If a setting is unknown, out of range, or contradicts the start, or if the start learnt classes and the masks number
        objects or the other way round.
    ModelFileError
        If the start is not a model, or the run to continue cannot be read.
    OutputError
        If ``out`` already holds a run or cannot be written; :class:`~unseam.errors.InUseError` if another process uses it.
    TrainingError
        If training diverges or makes no progress, or if a library or a callback raises SystemExit.
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
        raise SettingsError("resume=True needs out=, the run folder to continue. Give both.")
    ranks = ranks_here()
    if ranks.world > 1:
        device = str(device_of_rank(device, ranks))
    watch, choice = watch if watch is not None and ranks.is_first else Watch(), None
    if not resume and is_open(start, recipe, settings, is_alone=ranks.world == 1, rescale=rescale):
        if folder is not None:
            folder.check_free()
        asked = change_run(choose_run(recipe, None, folds), steps, minutes, folds, settings)
        chosen = choose_start(partial(_read_data, data, masks, asked.data.volumes, tell=lambda _: None), asked.data)
        if chosen.is_measured or start == AUTO:
            watch.tell(f"training begins with {chosen.reason}")
            choice = chosen.reason
        start = chosen.start
    has_start = (start is not None and (resume or start != NOTHING)) or rescale
    with join_ranks(ranks, device):
        # torchrun repeats the same command after a process ended: that must continue the run it began, not be refused.
        continues = resume or (folder is not None and bool(ranks.same(float(folder.was_begun_by(launch_id())))))
        is_repeated = continues and not resume
        run = choose_run(
            None if is_repeated else recipe,
            folder if continues else None,
            folds,
            has_start=has_start and not is_repeated,
            recipe_of_start=recipe_of_start(start),
        )
        if continues and folder is not None:
            started = start_of_resumed(run, folder.start)
        else:
            run, started = with_start(replace(run, start_choice=choice), start, settings, rescale=rescale)
        before, run = run, change_run(run, steps, minutes, folds, settings)
        check_against_start(before, run)
        run = with_objects_of_start(run, started) if started is not None and not continues else run
        with output_folder(folder.path, "training") if folder is not None and ranks.is_first else nullcontext():
            if folder is not None and ranks.is_first and not continues:
                folder.check_free()
            try:
                return _train(data, masks, run, folder, TrainingCall(device, watch, continues, ranks, started))
            except SystemExit as error:  # a reader, a callback or an observer; the program would end without a word
                raise TrainingError(f"{sentence_of_exit(error)} Training stopped there.{_how_to_resume(folder)}") from error


def _how_to_resume(folder: RunFolder | None) -> str:
    if folder is None or not folder.is_begun:
        return ""
    return f" What {folder.path} holds is kept: continue with --resume (resume=True)."


def _train(data: str | Path | Arrays, masks: Arrays | None, run: Run, folder: RunFolder | None, call: TrainingCall) -> Model:
    """Train in a folder that this process has locked. Of several ranks only the first writes."""
    written = folder if call.ranks.is_first else None
    annotated = _read_data(data, masks, run.data.volumes, run.data.masks, call.watch.tell)
    if run.data.volumes and run.start is not None and run.start.rescale_to_um is not None:
        raise SettingsError("--rescale resamples images, not volumes. Leave it out.")
    if run.start is not None and run.start.rescale_to_um is not None:
        resampled = rescale_annotated(annotated.images, run.start.rescale_to_um, call.watch.tell)
        annotated = replace(annotated, images=resampled)
    prepared = prepare(
        annotated.images,
        run.normalise,
        run.weight_map,
        masks=choose_masks(run.data.masks, annotated.kind),
        ignore=run.data.ignore if run.data.ignore is not None else annotated.ignore,
        declared=annotated.classes,
        head=run.head or head_of_start(call.start),
        tell=call.watch.tell,
    )
    if run.data.volumes and prepared.reading.has_objects:
        raise SettingsError(
            "The masks number objects, and volumes are learnt as classes only. Leave --volumes out to learn the objects of "
            "each plane."
        )
    if run.data.volumes:
        run = with_crops_of_volumes(run, prepared.samples)
        crops = f"{run.training.batch_size} crop(s) of {run.training.output_size} px"
        call.watch.tell(f"volumes are learnt in planes of three orientations, {crops} a step; prediction is the mean over them")
    run = replace(run, head=prepared.head) if run.start is not None else run  # a resumed run may have no start to ask
    if call.start is not None and not call.resume:
        tell_start(call.start, prepared, call.watch.tell)
    if not call.resume:
        stored = [one for one in annotated.images if not one.axis]
        for warning in find_warnings(stored, prepared.reading, replace(run, net=choose_net(run, prepared))):
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
    """Train one network per fold. After each fold the folder holds the ensemble of the finished ones."""
    written = folder if call.ranks.is_first else None

    def session_of(number: int) -> Session:
        place = folder.fold(number) if folder is not None else None
        return make_session(folder, place, run, call, prepared.reading.kind_facts.score_name)

    def on_fold(trained: TrainedFolds) -> None:
        if written is not None:
            trained.model("cpu").save(written.model)

    call.watch.tell(describe_budget(run))
    trained, found = cross_validate(prepared, run, session_of, on_fold)
    if found.images:
        if written is not None:
            written.write_out_of_fold(found, prepared.reading.kind)
        call.watch.on_scores(found.scores)
    model = trained.model(call.device, found)
    if written is not None:
        model.save(written.model)
    return model, found


def _read_data(
    data: str | Path | Arrays, masks: Arrays | None, volumes: bool, choice: MaskChoice, tell: Callable[[str], None]
) -> AnnotatedFolder:
    """Return the images with their masks, from a folder or from two lists; ``choice`` is what the user says that they hold."""
    if isinstance(data, str | Path):
        if masks is not None:
            raise DataError("Got a folder and a list of masks. Give a folder, or images and masks as lists.")
        return read_annotated(Path(data), tell, masks=choice, volumes=volumes)
    if masks is None or len(masks) != len(data):
        found = "no masks" if masks is None else f"{len(masks)} mask(s)"
        raise DataError(f"Got {len(data)} image(s) and {found}. Give one mask per image, in the same order.")
    pairs = enumerate(zip(data, masks, strict=True))
    if volumes:
        planes = (planes_of_volume(f"volume {i}", np.asarray(image), np.asarray(mask)) for i, (image, mask) in pairs)
        return AnnotatedFolder(tuple(itertools.chain.from_iterable(planes)))
    return AnnotatedFolder(tuple(Annotated(f"image {i}", np.asarray(image), np.asarray(mask)) for i, (image, mask) in pairs))
