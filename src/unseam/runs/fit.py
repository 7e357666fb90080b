"""One training run, from prepared samples to a trained network."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from unseam.data.fingerprint import fingerprint
from unseam.data.prepare import Prepared
from unseam.data.split import Split, split, spread_evenly
from unseam.engines import describe_choice, geometries_of, settle_precision
from unseam.evaluation.held_out import HeldOutPredictions, with_smallest_object
from unseam.evaluation.validation import prepare_validation
from unseam.heads import Head, Objects, fitted_to
from unseam.machine.channels_last import channels_last
from unseam.machine.kept_memory import keep_freed_memory
from unseam.model.model_file import ModelInfo
from unseam.nets import fast_on_cpu, folded, set_fixed, set_learning, set_momentum
from unseam.recipes.run import Run
from unseam.runs.batches import fixes_statistics, make_crops, renew_statistics, training_batches
from unseam.runs.checkpoints import Checkpoints
from unseam.runs.checks import check_classes, check_energy, choose_net
from unseam.runs.finish import adjust_logits, load_kept_weights, predict_kept
from unseam.runs.record import model_info
from unseam.runs.start import StartNet, carry_start, score_start
from unseam.settings import decode, encode
from unseam.training import Batch, Budget, Observer, Plan, TrainState, train_network
from unseam.training.average import AveragedWeights
from unseam.training.observers import Record, Validate, ValidationScore
from unseam.training.ranks import ALONE, Ranks, keep_random_state
from unseam.training.stop import AtStepEnd


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes
    ----------
    net
        On the CPU, with the weights that are kept, and without normalisations.
    info
        What prediction needs besides the weights.
    records
        The history.
    held_out
        The network's predictions of what was held out. Empty where they choose nothing (a fold of a cross-validation), and on
        all ranks but the first.
    was_interrupted
        Whether training stopped before the end of its budget.
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
    checkpoints
        Where the state of the run is saved; None: nowhere.
    resume
        Continue from the newest intact checkpoint, if there is one.
    start
        The network that training begins with, if the run has a start; not needed where a checkpoint is.
    observers
        Called after each step.
    on_start
        Called before the first step with the records of the checkpoint. A run that was killed after its last checkpoint may
        not have written them, and may make no further record.
    on_record
        Called after each validation with all records so far, including those of the checkpoint.
    tell
        Called with sentences for the user.
    should_stop
        Asked after each step. True ends training as Ctrl-C does: the state is saved, and the best weights so far are kept.
    ranks
        The processes that train together. Only rank 0 calls these functions and writes, and its ``should_stop`` stops all.
    """

    device: torch.device
    checkpoints: Checkpoints | None = None
    resume: bool = False
    start: StartNet | None = None
    observers: Sequence[Observer] = ()
    on_start: Callable[[Sequence[Record]], None] = lambda _: None
    on_record: Callable[[TrainState, Sequence[Record]], None] = lambda *_: None
    tell: Callable[[str], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False
    ranks: Ranks = ALONE


def fit(prepared: Prepared, run: Run, session: Session, parts: Split | None = None) -> Fitted:
    """Train a network by a recipe. Ctrl-C and ``session.should_stop`` end it early with the best weights so far.

    ``parts`` is what to hold out; None: what the recipe says. If it does not choose the weights (in a fold of a
    cross-validation), the last weights are kept and the threshold of objects stays as it is.

    Raises
    ------
    TrainingError
        If training diverged or makes no progress.
    DataError, SettingsError
        If there is only one class to learn, or the energy does not fit the head or the classes.
    ModelFileError
        If the checkpoint to resume from belongs to another run or other data, or if all checkpoints are damaged; or if there is
        none yet and the start of the run is gone.
    KeyboardInterrupt
        During the first step, when there is nothing to keep yet.
    """
    parts = parts or split(prepared.samples, run.data.validation, run.training.seed)
    check_energy(run, prepared)
    check_classes(parts, prepared, session.tell)
    session.tell(parts.reason)
    state = _fresh_state(run, prepared, session)
    plan = _plan(run, prepared.head, session, state.net)
    objects = _objects(run, parts, prepared)
    trained_on = fingerprint(prepared.samples, parts.validation)

    def save() -> None:
        if session.checkpoints is not None:
            session.checkpoints.save(state, validate, trained_on, session.ranks)

    def on_record(state: TrainState, _: Record) -> None:
        if not was_interrupted:
            save()
        session.on_record(state, validate.records)

    was_interrupted = False
    validate = Validate(_score_of(prepared, parts, objects, session), _num_validations(run), on_record)
    _resume(session, state, validate, trained_on)
    _settle_precision(run, state, session)
    validate.begin(plan.budget.progress(state.step, state.seconds))
    crops = make_crops(run, prepared, parts.training, state.net, session.ranks, session.tell)
    batches = training_batches(crops, state.step)
    if session.ranks.is_first:
        session.on_start(validate.records)  # last, so that a failure in the lines above leaves no folder behind
        if run.start is not None:
            score_start(state, validate, prepared.reading.kind_facts.score_name, session.tell)
    was_interrupted = _train_or_stop(state, batches, prepared.head.energy_of(run.energy), plan, session, validate)
    needs_record = was_interrupted and not (validate.records and validate.records[-1].step >= state.step)
    if needs_record and session.ranks.is_first:
        # Save now, because the process may soon be killed. The validation below happens only because of this stop: were it in
        # the checkpoint, a resumed run would differ from an uninterrupted one.
        save()
    if was_interrupted:
        session.tell(f"stopped at step {state.step}; the {'best' if parts.chooses else 'last'} weights so far are kept")
    info, held_out = None, HeldOutPredictions(objects=objects)
    if session.ranks.is_first:
        load_kept_weights(validate, state, parts, session.tell, needs_record=needs_record)
        # A run that had ended before took no step now.
        set_fixed(state.net, is_fixed=plan.budget.progress(state.step, state.seconds) >= run.training.statistics_fixed < 1)
        renew_statistics(state.net, crops, run.training.statistics_crops)
    net = folded(state.net)
    if session.ranks.is_first:
        if objects is None:  # for objects the threshold is chosen instead
            adjust_logits(net, prepared.head, parts, run, session.device)
        if parts.chooses:
            held_out = predict_kept(net, prepared.head, parts, objects, run, session.device, session.tell)
        info = model_info(prepared, run, parts, validate, state, plan, held_out)
    info = _share_result(net, info, session.ranks)
    return Fitted(net.cpu().eval(), info, tuple(validate.records), held_out, was_interrupted)


def _score_of(
    prepared: Prepared, parts: Split, objects: Objects | None, session: Session
) -> Callable[[TrainState], ValidationScore] | None:
    # A fold's validation only shows progress, since it chooses nothing: a few of the held-out windows are enough.
    watched = parts.validation if parts.chooses else spread_evenly(parts.validation)
    # Splits need a flood of the whole part, which would take time from training at each validation.
    unsplit = replace(objects, split=0.0) if objects is not None else None
    score_of = prepare_validation(watched, prepared.head, unsplit, session.device)
    if score_of is None and parts.validation and parts.chooses:
        session.tell("what is held out has no foreground to score: no validation, the last weights are kept")
    return score_of


def _resume(session: Session, state: TrainState, validate: Validate, trained_on: Sequence[str]) -> None:
    if session.resume and session.checkpoints is not None:
        has_checkpoint = session.checkpoints.load(state, validate, trained_on, session.tell, session.ranks)
        session.tell(f"resuming from step {state.step}" if has_checkpoint else "no checkpoint yet: training starts at step 0")


def _settle_precision(run: Run, state: TrainState, session: Session) -> None:
    """Settle the number format: as set; or as the run began; or the faster one, which rank 0 measures for all."""
    wanted, before = run.training.precision, state.precision
    if wanted != "auto":
        state.precision = wanted
    elif not before:
        is_faster = session.ranks.is_first and settle_precision("auto", session.device) == "bfloat16"
        state.precision = "bfloat16" if session.ranks.same(float(is_faster)) else "float32"
        if session.ranks.is_first:
            session.tell(describe_choice(session.device))
    else:
        session.tell(f"computing in {before}, in which the run began")


def _train_or_stop(
    state: TrainState,
    batches: Iterator[Batch],
    energy_of: Callable[..., torch.Tensor],
    plan: Plan,
    session: Session,
    validate: Validate,
) -> bool:
    """Train until the budget is used up; return whether a request stopped training before that."""
    is_first = session.ranks.is_first
    at_step_end = AtStepEnd(session.ranks, state, session.should_stop)

    def stop(state: TrainState, progress: float) -> bool:
        if is_first:
            validate.check_learning(state, progress)
        return at_step_end(state, progress)

    try:
        with at_step_end, fast_on_cpu(state.net):
            # Only rank 0 validates and reports. The other ranks wait for it in the next step.
            train_network(state, batches, energy_of, plan, [*session.observers, validate] if is_first else [], stop)
    except KeyboardInterrupt:
        if state.step == 0:  # nothing is learnt yet, so there is no model to keep
            raise
        return True
    return at_step_end.has_stopped


def _share_result(net: torch.nn.Module, info: ModelInfo | None, ranks: Ranks) -> ModelInfo:
    """Give every rank the weights of rank 0 and what prediction needs besides them."""
    if ranks.world == 1:
        assert info is not None
        return info
    ranks.same_weights(net)
    return decode(ModelInfo, ranks.same_facts(encode(info) if info is not None else {}))


def _fresh_state(run: Run, prepared: Prepared, session: Session) -> TrainState:
    """Build the network, with the weights of its start or drawn from the seed, and its optimiser."""
    device = session.device
    if device.type == "cpu":
        keep_freed_memory()  # from the first tensor on: each step frees and takes the same large blocks
    with keep_random_state(device):
        torch.manual_seed(run.training.seed)
        net: torch.nn.Module = choose_net(run, prepared, session.tell).build().to(device)
    has_checkpoint = session.resume and session.checkpoints is not None and session.checkpoints.exist()
    if run.start is not None and not has_checkpoint:
        carry_start(session.start, net, prepared)
    set_learning(net, run.training.layers)
    net = net.to(memory_format=channels_last(len(geometries_of(net))))  # type: ignore[call-overload]
    set_momentum(net, run.training.statistics_momentum)
    averaged = AveragedWeights(net, run.training.average) if run.training.average is not None else None
    return TrainState(net, run.optimiser.build(net), averaged=averaged)


def _plan(run: Run, head: Head, session: Session, net: torch.nn.Module) -> Plan:
    settings = run.training
    return Plan(
        budget=Budget(settings.steps, settings.minutes),
        schedule=run.schedule,
        learning_rate=run.optimiser.learning_rate,
        clip_norm=settings.clip_norm,
        device=session.device,
        seed=settings.seed,
        classes_of=head.likeliest,
        ranks=session.ranks,
        before_step=fixes_statistics(net, settings.statistics_fixed, session.ranks),
    )


def _objects(run: Run, parts: Split, prepared: Prepared) -> Objects | None:
    """Return how objects are separated, with a smallest size that fits the training masks; None for classes."""
    if not prepared.reading.has_objects:
        return None
    objects = fitted_to(prepared.head.objects, run.objects)
    if not run.training.tune_objects:
        return objects
    return with_smallest_object(objects, [s.instances for s in parts.training if s.instances is not None])


def _num_validations(run: Run) -> int:
    """Return the recipe's number of validations, but at most one for every ten steps or ten seconds.

    One takes a quarter of a second for four images of a megapixel: twenty would be a sixth of half a minute.
    """
    settings = run.training
    limits = [settings.validations]
    if settings.steps is not None:
        limits.append(settings.steps // 10)
    if settings.minutes is not None:
        limits.append(int(6 * settings.minutes))
    return max(1, min(limits))
