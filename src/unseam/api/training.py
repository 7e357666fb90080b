"""What a program calls: ``train`` and ``load``; the command line calls nothing else."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unseam.api.reports import write_run_report
from unseam.data.annotated import AnnotatedFolder, read_annotated
from unseam.data.prepare import Annotated, Prepared, prepare
from unseam.doctor.before_training import warnings
from unseam.engines import choose_device
from unseam.errors import DataError, SettingsError
from unseam.evaluation.held_out import HeldOutPredictions
from unseam.io.output_folder import output_folder
from unseam.model import Model
from unseam.recipes.run import Run
from unseam.report.comparison import write_comparisons
from unseam.report.from_training import compare_held_out
from unseam.runs.cross_validation import Trained, cross_validate, said_of_budget
from unseam.runs.fit import Session, fit
from unseam.runs.run_folder import RunFolder
from unseam.runs.settings_of_run import begun, changed
from unseam.runs.watch import Watch
from unseam.training import TrainState
from unseam.training.joining import device_of_rank, joined, launch, ranks_here
from unseam.training.observers import Record
from unseam.training.ranks import Ranks

Arrays = Sequence[np.ndarray]


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

    In processes that torchrun has started, all of them train the one network: each calls this with the same arguments, and
    each gets the model. The first alone writes into ``out``, which all can read, and tells ``watch``.

    Parameters
    ----------
    data
        A folder with images and masks, or a list of images: (H, W) or (H, W, C) arrays of any real type.
    masks
        With a list of images: their masks, (H, W) each; classes or instances, see ``data.masks``.
    out
        Run folder to write; None: nothing is written.
    recipe
        ``"default"`` (which None is, too), ``"paper"``, the path of a ``config.toml``, or a :class:`unseam.recipes.run.Run`.
    steps, minutes
        Budget of the training, with folds of all of them together; without either, the recipe's, for each fold.
    folds
        Cross-validation: so many networks, each trained without one part of the images and scored on it; the model is
        their ensemble. None: what the recipe says, one network.
    settings
        Changes to the recipe, such as ``"net.unet.first_width=32"``.
    device
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ...
    resume
        Go on with the run in ``out``, by its own settings.
    watch
        Who is told how it goes.

    Returns
    -------
    model
        With the weights that did best on what was held out; with folds, the ensemble of their last weights.

    Raises
    ------
    DataError, LabelError, ImageReadError
        If the data cannot be trained on; before the first step.
    SettingsError
        For a setting that cannot be.
    OutputError
        If ``out`` already holds a run, or cannot be written; :class:`~unseam.errors.InUseError` if another process is at it.
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
        run = begun(recipe if resume or not goes_on else None, folder if goes_on else None, folds)
        run = changed(run, steps, minutes, folds, settings)
        watch = watch if watch is not None and ranks.is_first else Watch()
        with output_folder(folder.path, "training") if folder is not None and ranks.is_first else nullcontext():
            if folder is not None and ranks.is_first and not goes_on:
                folder.check_free()
            return _train(data, masks, run, folder, watch, _Where(device, goes_on, ranks))


def _goes_on_by_itself(folder: RunFolder, ranks: Ranks) -> bool:
    """Whether torchrun began the run in this folder, and has now started it again in place of one that ended."""
    return bool(ranks.same(float(folder.was_begun_by(launch()))))


def _train(
    data: str | Path | Arrays, masks: Arrays | None, run: Run, folder: RunFolder | None, watch: Watch, where: "_Where"
) -> Model:
    """The same, in a folder that no other process writes into meanwhile; of several ranks the first writes."""
    written = folder if where.ranks.is_first else None
    annotated = _annotated(data, masks, watch.tell)
    prepared = prepare(
        annotated.images,
        run.normalise,
        run.weight_map,
        masks=run.data.masks,
        ignore=run.data.ignore if run.data.ignore is not None else annotated.ignore,
        declared=annotated.classes,
        head=run.head,
        tell=watch.tell,
    )
    if not where.resume:
        for warning in warnings(annotated.images, prepared.reading, run):
            watch.tell(warning)
    score_name = prepared.reading.kind_facts.score_name
    if run.data.folds > 1:
        model, held_out = _train_folds(prepared, run, folder, watch, where)
    else:
        one = fit(prepared, run, _session(run, folder, watch, where, (score_name, folder)))
        model, held_out = Model(one.net, one.info, where.device), one.held_out
        if written is not None:
            written.write_history(one.records, score_name)
    if written is not None:
        model.save(written.model)
        written.write_card(model.info)
        source = str(data) if isinstance(data, str | Path) else ""
        write_comparisons(written.held_out, compare_held_out(model, held_out, prepared.samples, source))
        write_run_report(written)
        written.end()
    return model


def load(path: str | Path, device: str = "auto") -> Model:
    """The model in a file or in a run folder; see :meth:`unseam.model.Model.load`."""
    return Model.load(path, device)


@dataclass(frozen=True)
class _Where:
    """Where to compute, whether to go on with what is there, and which of several processes this is."""

    device: str
    resume: bool
    ranks: Ranks


def _session(
    run: Run, folder: RunFolder | None, watch: Watch, where: _Where, kept: tuple[str, RunFolder | None]
) -> Session:
    """One training of a run; ``kept``: the name of its score, and the folder of its state (the run's, or that of a fold)."""
    score_name, place = kept
    if where.resume and place is not None and where.ranks.is_first:
        place.check_resumable()

    def on_start(records: Sequence[Record]) -> None:
        if folder is not None and place is not None:
            folder.begin(run, launch())
            place.make()
            if records:
                place.write_history(records, score_name)

    def on_record(state: TrainState, records: Sequence[Record]) -> None:
        if place is not None:
            place.write_history(records, score_name)
        watch.on_record(state, records[-1])

    return Session(
        device=choose_device(where.device),
        checkpoints=place.checkpoints if place else None,
        resume=where.resume,
        observers=watch.observers,
        on_start=on_start,
        on_record=on_record,
        tell=watch.tell,
        ranks=where.ranks,
    )


def _train_folds(
    prepared: Prepared, run: Run, folder: RunFolder | None, watch: Watch, where: _Where
) -> tuple[Model, HeldOutPredictions]:
    """One network a fold; after each fold the folder holds the ensemble of those that are finished."""

    def session_of(number: int) -> Session:
        place = folder.fold(number) if folder is not None else None
        return _session(run, folder, watch, where, (prepared.reading.kind_facts.score_name, place))

    written = folder if where.ranks.is_first else None

    def on_fold(trained: Trained) -> None:
        if written is not None:
            trained.model("cpu").save(written.model)

    watch.tell(said_of_budget(run))
    trained, found = cross_validate(prepared, run, session_of, on_fold)
    if found.images:
        if written is not None:
            written.write_out_of_fold(found, prepared.reading.kind)
        watch.on_scores(found.scores)
    return trained.model(where.device, found), found


def _annotated(
    data: str | Path | Arrays, masks: Arrays | None, tell: Callable[[str], None]
) -> AnnotatedFolder:
    if isinstance(data, str | Path):
        if masks is not None:
            raise DataError("A folder came together with a list of masks. Give a folder, or images and masks as lists.")
        return read_annotated(Path(data), tell)
    if masks is None or len(masks) != len(data):
        came = "no masks" if masks is None else f"{len(masks)} mask(s)"
        raise DataError(f"{len(data)} image(s) came with {came}. Give one mask for each image, in the same order.")
    pairs = enumerate(zip(data, masks, strict=True))
    return AnnotatedFolder(tuple(Annotated(f"image {i}", np.asarray(image), np.asarray(mask)) for i, (image, mask) in pairs))
