"""One training run, from prepared samples to a model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap

import torch

from unseam.data.crops import Crops, made_ahead
from unseam.data.fingerprint import fingerprint
from unseam.data.prepare import Prepared
from unseam.data.split import Split, split, spread
from unseam.engines import choose_dtype, geometry_of
from unseam.evaluation.held_out import HeldOutPredictions, predict_held_out, with_smallest_object
from unseam.evaluation.validation import prepare_validation
from unseam.heads import Head, Objects
from unseam.machine.kept_memory import keep_freed_memory
from unseam.model.model_file import ModelInfo
from unseam.nets import fast_on_cpu
from unseam.recipes.run import Run
from unseam.runs.checkpoints import Checkpoints
from unseam.runs.checks import check_classes, check_energy, net_for
from unseam.runs.record import model_info
from unseam.settings import decode, encode
from unseam.training import Batch, Budget, Observer, Plan, TrainState, train
from unseam.training.observers import Record, Validate
from unseam.training.ranks import ALONE, Ranks, kept_chance
from unseam.training.stop import AtStepEnd


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes
    ----------
    net
        On the CPU, with the weights that are kept.
    info
        What prediction needs besides the weights.
    records
        The history.
    held_out
        What was held out, predicted by the network; empty where that chooses nothing (a fold of a cross-validation), and on
        all ranks but the first.
    was_interrupted
        Whether training was stopped before the end of its budget.
    """

    net: torch.nn.Module
    info: ModelInfo
    records: tuple[Record, ...]
    held_out: HeldOutPredictions
    was_interrupted: bool


@dataclass(frozen=True)
class Session:
    """Everything about one training that is not part of the recipe.

    Attributes
    ----------
    device
        Where to compute.
    checkpoints
        Where the state of the run is saved; None: nowhere.
    resume
        Continue from the newest sound checkpoint, if there is one.
    observers
        Called after each step.
    on_start
        Called before the first step with the records of the checkpoint: a run that was killed after its last checkpoint may
        not have written them, and may make no further record.
    on_record
        Called after each validation with all records so far, including those of the checkpoint.
    tell
        Called with sentences for the user.
    should_stop
        Asked after each step. True ends training as Ctrl-C does: the state is saved, and the best weights so far are kept.
        With several ranks only the first is asked, and all stop after the same step.
    ranks
        Which of the processes that train together this is. Only the first calls these functions and writes.
    """

    device: torch.device
    checkpoints: Checkpoints | None = None
    resume: bool = False
    observers: Sequence[Observer] = ()
    on_start: Callable[[Sequence[Record]], None] = lambda _: None
    on_record: Callable[[TrainState, Sequence[Record]], None] = lambda *_: None
    tell: Callable[[str], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False
    ranks: Ranks = ALONE


def fit(prepared: Prepared, run: Run, session: Session, parts: Split | None = None) -> Fitted:
    """Train a network by a recipe. Ctrl-C and ``session.should_stop`` end it early with the best weights so far.

    Before the first step is done there is nothing to keep, and KeyboardInterrupt passes.

    Parameters
    ----------
    prepared, run, session
        The samples, the recipe, and everything else.
    parts
        What is held out; None: as the recipe says. If it does not choose the weights (in a fold of a cross-validation), the
        last weights are kept and the threshold of objects stays as it is.

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
    check_energy(run, prepared)
    check_classes(parts, prepared, session.tell)
    session.tell(parts.reason)
    if session.device.type == "cpu":
        keep_freed_memory()
    dtype = choose_dtype(run.training.precision, session.device)
    state = _fresh_state(run, prepared, session.device)
    ranks = session.ranks
    plan = _plan(run, prepared.head, session.device, dtype, ranks)

    trained_on = fingerprint(prepared.samples, parts.validation)

    def on_record(state: TrainState, _: Record) -> None:
        if session.checkpoints is not None and not was_interrupted:
            session.checkpoints.save(state, validate, trained_on, ranks)
        session.on_record(state, validate.records)

    was_interrupted = False
    objects = _objects(run, parts, prepared)
    watched = parts.validation if parts.chooses else spread(parts.validation)
    score_of = prepare_validation(watched, prepared.head, objects, session.device, dtype)
    if score_of is None and parts.validation and parts.chooses:
        session.tell("what is held out has no foreground to score: no validation, the last weights are kept")
    validate = Validate(score_of, _num_validations(run), on_record)
    if session.resume and session.checkpoints is not None:
        is_begun = session.checkpoints.load(state, validate, trained_on, session.tell, ranks)
        session.tell(f"going on from step {state.step}" if is_begun else "there is no checkpoint yet: from the start")

    validate.begin(plan.budget.progress(state.step, state.seconds))
    batches = starmap(_batch, made_ahead(_crops(run, parts, state.net, ranks).batch, state.step))
    if ranks.is_first:
        session.on_start(validate.records)  # last: a failure before leaves no folder behind
    was_interrupted = _train_or_stop(state, batches, run, plan, session, validate)
    if was_interrupted:
        # Saved first, because the process may soon be killed. And before the validation that only this stop causes, so that
        # a run that continues is the run without the stop.
        if session.checkpoints is not None and ranks.is_first and not _is_recorded(validate, state):
            session.checkpoints.save(state, validate, trained_on, ranks)
        session.tell(f"stopped at step {state.step}; the {'best' if parts.chooses else 'last'} weights so far are kept")
    info, held_out = None, HeldOutPredictions(objects=objects)
    if ranks.is_first:
        _finish(validate, state, parts, session.tell, needs_record=was_interrupted and not _is_recorded(validate, state))
        if parts.chooses:
            held_out = _predict_held_out(state.net, prepared.head, parts, objects, run, session)
        info = model_info(prepared, run, parts, validate, state, plan, held_out)
    info = _everywhere(state.net, info, ranks)
    return Fitted(state.net.cpu().eval(), info, tuple(validate.records), held_out, was_interrupted)


def _train_or_stop(
    state: TrainState, batches: Iterator[Batch], run: Run, plan: Plan, session: Session, validate: Validate
) -> bool:
    """Train until the budget is used up or somebody stops it; whether somebody did."""
    is_first = session.ranks.is_first
    at_step_end = AtStepEnd(session.ranks, state, session.should_stop)

    def stop(state: TrainState, progress: float) -> bool:
        if is_first:
            validate.check_learning(state, progress)
        return at_step_end(state, progress)

    try:
        with at_step_end, fast_on_cpu(state.net):
            train(state, batches, run.energy, plan, [*session.observers, validate] if is_first else [], stop)
    except KeyboardInterrupt:
        if state.step == 0:  # nothing is learnt yet: there is no model to keep
            raise
        return True
    return at_step_end.has_stopped


def _is_recorded(validate: Validate, state: TrainState) -> bool:
    return bool(validate.records) and validate.records[-1].step >= state.step


def _finish(
    validate: Validate, state: TrainState, parts: Split, tell: Callable[[str], None], needs_record: bool
) -> None:
    """Load the weights that are kept into the network; say so if they are doubtful."""
    if validate.best_weights is None or needs_record:
        validate.record(state)
    if doubt := validate.doubt_of(validate.best if parts.chooses else validate.records[-1], state):
        tell(doubt)
    if parts.chooses:
        assert validate.best_weights is not None
        state.net.load_state_dict(validate.best_weights)


def _predict_held_out(
    net: torch.nn.Module, head: Head, parts: Split, objects: Objects | None, run: Run, session: Session
) -> HeldOutPredictions:
    """The held-out parts by the weights that are kept; tells the threshold of objects that they chose."""
    tune = run.training.tune_objects
    held_out = predict_held_out([net], head, [parts], [objects] if objects else None, session.device, tune=tune)
    score, chosen = held_out.score, held_out.objects
    if chosen is not None and tune and score is not None:
        said = f"threshold {chosen.threshold:g} (panoptic quality {score:.3f}), from {chosen.min_size} px"
        session.tell(f"objects: {said}")
    return held_out


def _everywhere(net: torch.nn.Module, info: ModelInfo | None, ranks: Ranks) -> ModelInfo:
    """Give every rank the weights of rank 0 and what prediction needs besides them."""
    if ranks.world == 1:
        assert info is not None
        return info
    ranks.same_weights(net)
    return decode(ModelInfo, ranks.same_facts(encode(info) if info is not None else {}))


def _fresh_state(run: Run, prepared: Prepared, device: torch.device) -> TrainState:
    """The network with weights drawn from the seed, and its optimiser."""
    with kept_chance(device):  # the caller's random numbers stay as they are
        torch.manual_seed(run.training.seed)
        net: torch.nn.Module = net_for(run, prepared).build().to(device)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainState(net, run.optimiser.build(net))


def _plan(run: Run, head: Head, device: torch.device, dtype: torch.dtype, ranks: Ranks) -> Plan:
    settings = run.training
    return Plan(
        budget=Budget(settings.steps, settings.minutes),
        schedule=run.schedule,
        learning_rate=run.optimiser.learning_rate,
        clip_norm=settings.clip_norm,
        device=device,
        dtype=dtype,
        seed=settings.seed,
        classes_of=head.likeliest,
        ranks=ranks,
    )


def _batch(images: torch.Tensor, classes: torch.Tensor, weights: torch.Tensor, *planes: torch.Tensor) -> Batch:
    return Batch(images, classes, weights, planes)


def _crops(run: Run, parts: Split, net: torch.nn.Module, ranks: Ranks) -> Crops:
    settings = run.training
    size, device = settings.output_size, next(net.parameters()).device
    return Crops(parts.training, run.augment, geometry_of(net), size, settings.batch_size, settings.seed, device, ranks.rank)


def _objects(run: Run, parts: Split, prepared: Prepared) -> Objects | None:
    """The settings for objects, with the smallest object of the training masks; None if the masks hold classes."""
    if not prepared.reading.has_objects:
        return None
    if not run.training.tune_objects:
        return run.objects
    return with_smallest_object(run.objects, [s.instances for s in parts.training if s.instances is not None])


def _num_validations(run: Run) -> int:
    """The recipe's number of validations, but at most one in ten steps."""
    wanted, steps = run.training.validations, run.training.steps
    return wanted if steps is None else max(1, min(wanted, steps // 10))
