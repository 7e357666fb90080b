"""Cross-validation: one network for each fold, their ensemble, and the predictions of images that a network did not see."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from unseam.data.folds import split_into_folds
from unseam.data.prepare import Prepared
from unseam.data.split import Split
from unseam.evaluation.held_out import HeldOutPredictions, predict_held_out
from unseam.model import Model
from unseam.model.model_file import ModelInfo
from unseam.nets import Ensemble
from unseam.recipes.run import Run
from unseam.runs.fit import Fitted, Session, fit

_FEWEST_VALIDATIONS = 6


@dataclass(frozen=True)
class TrainedFolds:
    """The networks of the finished folds, and what each fold held out."""

    fitted: tuple[Fitted, ...]
    parts: tuple[Split, ...]
    num_folds: int

    def info(self, found: HeldOutPredictions | None = None) -> ModelInfo:
        """Return what prediction needs, with the out-of-fold score if ``found`` has one."""
        score = found.score if found is not None else None
        infos = [fitted.info for fitted in self.fitted]
        records = [info.training for info in infos]
        kept = f"{len(records)} of {self.num_folds} folds" if len(records) < self.num_folds else f"{len(records)} folds"
        training = replace(
            records[0],
            held_out=f"{kept}, each image scored by the network that did not see it",
            steps=sum(record.steps for record in records),
            best_step=0,
            first_score=None,
            seconds=round(sum(record.seconds for record in records), 1),
            score=score,
            score_range=found.score_range if found is not None else None,
            score_name=infos[0].kind_facts.score_name if score is not None else "",
        )
        objects = found.objects if found is not None and found.objects is not None else infos[0].objects
        return replace(infos[0], training=training, members=tuple(records), objects=objects)

    def model(self, device: str, found: HeldOutPredictions | None = None) -> Model:
        return Model(Ensemble([fitted.net for fitted in self.fitted]), self.info(found), device)


def cross_validate(
    prepared: Prepared,
    run: Run,
    session_of: Callable[[int], Session],
    on_fold: Callable[[TrainedFolds], None] = lambda _: None,
) -> tuple[TrainedFolds, HeldOutPredictions]:
    """Train one network for each fold by the same recipe, fold i with the seed of the recipe plus i.

    What a fold holds out chooses neither weights nor threshold of its network. So the out-of-fold scores come from images that
    no part of the training saw. Ctrl-C keeps the finished folds; in the first fold it keeps what that has learnt.

    Parameters
    ----------
    prepared, run
        The samples and the recipe. Its budget is for one fold.
    session_of
        Returns the session of fold 1, 2, ... A fold whose checkpoint has used up its budget is not trained again.
    on_fold
        Called after each fold with all finished folds.

    Raises
    ------
    DataError, SettingsError
        If the annotation cannot be cut into that many folds, and as for :func:`unseam.runs.fit.fit`.
    KeyboardInterrupt
        If there is nothing to keep yet.
    """
    parts = split_into_folds(prepared.samples, run.data.folds, run.training.seed)
    fitted: list[Fitted] = []
    trained: TrainedFolds | None = None
    for index, part in enumerate(parts):
        session = session_of(index + 1)
        session.tell(f"fold {index + 1} of {len(parts)}")
        try:
            one = fit(prepared, _run_of_fold(run, index), session, part)
        except KeyboardInterrupt:
            if trained is None:
                raise
            session.tell(_kept(trained))
            break
        if one.was_interrupted and trained is not None:
            session.tell(_kept(trained))
            break
        fitted.append(one)
        trained = TrainedFolds(tuple(fitted), parts[: len(fitted)], len(parts))
        on_fold(trained)
        if one.was_interrupted:
            break
    assert trained is not None
    nets, objects = [one.net for one in trained.fitted], [one.held_out.objects for one in trained.fitted]
    of_each = [one for one in objects if one is not None] or None
    device = session_of(1).device
    held_out = predict_held_out(
        nets, prepared.head, trained.parts, of_each, device, tune=run.training.tune_objects, average=run.average
    )
    return trained, held_out


def _run_of_fold(run: Run, index: int) -> Run:
    """Return the recipe with the seed of a fold, and fewer validations, because they choose nothing."""
    training = run.training
    times = max(_FEWEST_VALIDATIONS, training.validations // run.data.folds)
    return replace(run, training=replace(training, seed=training.seed + index, validations=min(times, training.validations)))


def _kept(trained: TrainedFolds) -> str:
    return f"kept: {len(trained.fitted)} finished fold(s) of {trained.num_folds}; --resume continues with the others"


def shared_budget(run: Run, steps: int | None, minutes: float | None) -> Run:
    """Return the run with a budget for all folds together, split into equal shares."""
    number = run.data.folds
    each_steps = max(min(steps, 1), round(steps / number)) if steps is not None else None
    each_minutes = minutes / number if minutes is not None else None
    return replace(run, training=replace(run.training, steps=each_steps, minutes=each_minutes))


def describe_budget(run: Run) -> str:
    """Describe to the user how long a cross-validation takes."""
    number, limits = run.data.folds, []
    for each, unit in ((run.training.minutes, "minute(s)"), (run.training.steps, "step(s)")):
        if each is not None:
            limits.append(f"{round(number * each, 2):g} {unit} in all, {round(each, 2):g} each")
    return f"{number} folds, one network each: {' or '.join(limits)}, plus the scoring at the end"
