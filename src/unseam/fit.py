"""One training run, from prepared samples to a model: what the recipe says, done in order."""

import math
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import starmap

import numpy as np
import torch

from unseam import __version__
from unseam.checkpoints import Checkpoints
from unseam.config import Run
from unseam.data.crops import Crops, made_ahead
from unseam.data.fingerprint import fingerprint
from unseam.data.prepare import Prepared
from unseam.data.split import HeldOut, Split, split, spread
from unseam.engines import choose_dtype
from unseam.errors import DataError, SettingsError
from unseam.geometry import Geometry
from unseam.inference.instances import Objects
from unseam.judge import SCORE_NAMES, judge, with_best_threshold, with_smallest_object
from unseam.memory import keep_freed_memory
from unseam.model_file import ModelInfo, TrainingRecord
from unseam.nets import NetConfig
from unseam.settings import table_name
from unseam.shapes import IGNORE
from unseam.training import Batch, Budget, Observer, Plan, TrainState, train
from unseam.training.observers import Record, Validate
from unseam.training.stop import AtStepEnd


@dataclass(frozen=True)
class Fitted:
    """A trained network with what prediction needs, its history, what it was judged by, and whether it was stopped before
    its budget's end.
    """

    net: torch.nn.Module
    info: ModelInfo
    records: tuple[Record, ...]
    held_out: tuple[HeldOut, ...]
    was_interrupted: bool


@dataclass(frozen=True)
class Session:
    """Everything about one call of training that is not part of the recipe.

    Attributes
    ----------
    device
        Where to compute.
    checkpoints
        Where the state of the run is kept; None: nowhere.
    resume
        Go on from the newest sound checkpoint, if there are any.
    observers
        Called after each step.
    on_start
        Called when all is ready, before the first step.
    on_record
        Called after each validation with all records so far, those before a break included.
    tell
        Called with sentences for the user.
    """

    device: torch.device
    checkpoints: Checkpoints | None = None
    resume: bool = False
    observers: Sequence[Observer] = ()
    on_start: Callable[[], None] = lambda: None
    on_record: Callable[[TrainState, Sequence[Record]], None] = lambda *_: None
    tell: Callable[[str], None] = lambda _: None


def net_for(run: Run, prepared: Prepared) -> NetConfig:
    """The recipe's network with the channels and classes of the data.

    Raises
    ------
    SettingsError
        If the recipe asks for other ones than the data have.
    """
    given = type(run.net)()
    for name, found in (("in_channels", prepared.channels), ("num_classes", prepared.num_classes)):
        asked = getattr(run.net, name)
        if asked not in (getattr(given, name), found):
            raise SettingsError(f"net: {name} = {asked} was set; the data have {found}. Leave it out: the data decide.")
    return replace(run.net, in_channels=prepared.channels, num_classes=prepared.num_classes)


def fit(prepared: Prepared, run: Run, session: Session, parts: Split | None = None) -> Fitted:
    """Train a network by a recipe; Ctrl-C ends it early with the best weights so far (before the first step it passes).

    Parameters
    ----------
    prepared, run, session
        What to train on, by which recipe, and everything else.
    parts
        What is held out; None: chosen by the recipe. Where it chooses nothing (a fold of a cross-validation), the last
        weights are kept and the threshold of objects stays as it is.

    Raises
    ------
    TrainingError
        If training diverged or makes no progress.
    DataError
        If there is only one class to learn.
    SettingsError
        If there are class weights, but not one for each class.
    ModelFileError
        If the checkpoint to go on from is of another run, or of other data, or if all are damaged.
    """
    parts = parts or split(prepared.samples, run.data.validation, run.training.seed)
    _check_class_weights(run, prepared)
    _check_classes(parts, prepared, session.tell)
    session.tell(parts.reason)
    if session.device.type == "cpu":
        keep_freed_memory()
    dtype = choose_dtype(run.training.precision, session.device)
    state = _fresh_state(run, prepared, session.device)
    plan = _plan(run, session.device, dtype)

    trained_on = fingerprint(prepared.samples, parts.validation)

    def on_record(state: TrainState, _: Record) -> None:
        if session.checkpoints is not None and not was_interrupted:
            session.checkpoints.save(state, validate, trained_on)
        session.on_record(state, validate.records)

    was_interrupted = False
    objects = _objects(run, parts, prepared)
    watched = parts.validation if parts.chooses else spread(parts.validation)
    score_of = judge(watched, objects, session.device, dtype)
    if score_of is None and parts.validation and parts.chooses:
        session.tell("what is held out holds no foreground to judge by: no validation, the last weights are kept")
    validate = Validate(score_of, _num_validations(run), on_record)
    if session.resume and session.checkpoints is not None:
        is_begun = session.checkpoints.load(state, validate, trained_on, session.tell)
        session.tell(f"going on from step {state.step}" if is_begun else "there is no checkpoint yet: from the start")

    validate.begin(plan.budget.progress(state.step, state.seconds))
    batches = starmap(Batch, made_ahead(_crops(run, parts, state.net).batch, state.step))
    session.on_start()  # last: what fails before leaves no folder behind
    try:
        with AtStepEnd() as stop:
            train(state, batches, run.energy, plan, [*session.observers, validate, stop])
    except KeyboardInterrupt:
        if state.step == 0:  # nothing is learnt yet: there is no model to keep
            raise
        # First of all, for who asked may not wait for long; and before the validation that only this stop calls for, so that
        # the run which goes on is the one that would have been without it.
        if session.checkpoints is not None and (not validate.records or validate.records[-1].step < state.step):
            session.checkpoints.save(state, validate, trained_on)
        was_interrupted = True
        session.tell(f"stopped at step {state.step}; the {'best' if parts.chooses else 'last'} weights so far are kept")
    if validate.best_weights is None or (was_interrupted and validate.records[-1].step < state.step):
        validate.record(state)
    if doubt := validate.doubt_of(validate.best if parts.chooses else validate.records[-1], state):
        session.tell(doubt)
    if parts.chooses:
        assert validate.best_weights is not None
        state.net.load_state_dict(validate.best_weights)
    if objects is not None and run.training.tune_objects and score_of is not None and parts.chooses:
        objects, quality = with_best_threshold(objects, state.net, parts.validation, session.device, dtype)
        session.tell(f"objects: threshold {objects.threshold:g} (panoptic quality {quality:.3f}), from {objects.min_size} px")
    info = replace(_model_info(prepared, run, parts, validate, state, dtype), objects=objects or run.objects)
    return Fitted(state.net.cpu().eval(), info, tuple(validate.records), parts.validation, was_interrupted)


def _fresh_state(run: Run, prepared: Prepared, device: torch.device) -> TrainState:
    """The network with weights drawn from the seed, and its optimiser."""
    with torch.random.fork_rng():  # the caller's random numbers are not ours to restart
        torch.manual_seed(run.training.seed)
        net: torch.nn.Module = net_for(run, prepared).build().to(device)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainState(net, run.optimiser.build(net))


def _plan(run: Run, device: torch.device, dtype: torch.dtype) -> Plan:
    settings = run.training
    return Plan(
        budget=Budget(settings.steps, settings.minutes),
        schedule=run.schedule,
        learning_rate=run.optimiser.learning_rate,
        clip_norm=settings.clip_norm,
        device=device,
        dtype=dtype,
        seed=settings.seed,
    )


def _crops(run: Run, parts: Split, net: torch.nn.Module) -> Crops:
    settings = run.training
    geometry = net.geometry
    assert isinstance(geometry, Geometry)
    size, device = settings.output_size, next(net.parameters()).device
    return Crops(parts.training, run.augment, geometry, size, settings.batch_size, settings.seed, device)


def _objects(run: Run, parts: Split, prepared: Prepared) -> Objects | None:
    """How objects are taken from probabilities, fitted to those trained on; None where the masks hold classes."""
    if prepared.reading.kind != "instances":
        return None
    if not run.training.tune_objects:
        return run.objects
    return with_smallest_object(run.objects, [s.instances for s in parts.training if s.instances is not None])


def _num_validations(run: Run) -> int:
    """As many as the recipe says, but no more often than every tenth step."""
    wanted, steps = run.training.validations, run.training.steps
    return wanted if steps is None else max(1, min(wanted, steps // 10))


def _check_class_weights(run: Run, prepared: Prepared) -> None:
    """Refuse before the first step what the energy would refuse at it."""
    given = run.energy.class_weights
    if given and len(given) != prepared.num_classes:
        names = ", ".join(prepared.reading.class_names)
        raise SettingsError(
            f"{len(given)} class weights came for {prepared.num_classes} classes ({names}). Give one for each class in this "
            "order, or none."
        )


def _check_classes(parts: Split, prepared: Prepared, tell: Callable[[str], None]) -> None:
    """Every class must be there to learn; one that is only declared is told, fewer than two are refused."""
    seen = np.zeros(256, dtype=bool)
    for sample in parts.training:
        seen |= np.bincount(sample.classes.ravel(), minlength=256) > 0
    names = prepared.reading.class_names
    there = [name for index, name in enumerate(names) if seen[index]]
    missing = [name for index, name in enumerate(names) if not seen[index]]
    if len(there) < 2:
        raise DataError(
            f"All annotated pixels are of one class ({', '.join(there) or 'none'}); at least two are needed. Annotate "
            f"{' and '.join(missing)} as well."
        )
    if missing:
        tell(f"no pixel is annotated as {', '.join(missing)}: the network cannot learn to find it")


def _model_info(
    prepared: Prepared, run: Run, parts: Split, validate: Validate, state: TrainState, dtype: torch.dtype
) -> ModelInfo:
    reading = prepared.reading
    best = validate.best if parts.chooses else validate.records[-1]
    assert best is not None
    return ModelInfo(
        net=net_for(run, prepared),
        normalise=run.normalise,
        objects=run.objects,
        masks=reading.kind,
        class_names=tuple(reading.class_names),
        class_values=(0, 1) if reading.kind == "instances" else tuple(reading.values),
        spacing_um=prepared.spacing_um,
        training=TrainingRecord(
            images=tuple(sample.name for sample in prepared.samples),
            num_annotated_pixels=sum(int(np.count_nonzero(s.classes != IGNORE)) for s in prepared.samples),
            held_out=parts.reason,
            recipe=", ".join(table_name(type(part)) for part in (run.net, run.optimiser, run.energy)),
            steps=state.step,
            best_step=best.step,
            seconds=round(state.seconds, 1),
            score_name="" if math.isnan(best.score) else SCORE_NAMES[reading.kind],
            score=None if math.isnan(best.score) else best.score,
            seed=run.training.seed,
            precision=str(dtype).removeprefix("torch."),
            device=_device_name(next(state.net.parameters()).device),
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            versions=(f"unseam {__version__}", f"torch {torch.__version__}", f"Python {platform.python_version()}"),
            seen=prepared.seen,
        ),
    )


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads of {os.cpu_count()} cores"
