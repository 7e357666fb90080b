"""One training in a folder: when its settings, history, checkpoints and model are written."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from unseam.data.prepare import Prepared
from unseam.data.split import Split
from unseam.engines import choose_device
from unseam.model import Model
from unseam.recipes.run import Run
from unseam.runs.fit import Fitted, Session, fit
from unseam.runs.run_folder import RunFolder
from unseam.runs.start import StartNet
from unseam.runs.watch import Watch
from unseam.training import TrainState
from unseam.training.joining import launch_id
from unseam.training.observers import Record
from unseam.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class TrainingCall:
    """What one call of training sets besides data and recipe.

    ``resume`` continues from existing checkpoints, and ``start`` is the network of a run that has one.
    """

    device: str
    watch: Watch = field(default_factory=Watch)
    resume: bool = False
    ranks: Ranks = ALONE
    start: StartNet | None = None


def fit_into(
    folder: RunFolder | None, prepared: Prepared, run: Run, call: TrainingCall, parts: Split | None = None
) -> tuple[Model, Fitted]:
    """Train one network; write settings, history, checkpoints and model into ``folder`` (None: nowhere).

    Raises OutputError if something cannot be written; otherwise as :func:`unseam.runs.fit.fit`.
    """
    session = make_session(folder, folder, run, call, prepared.reading.kind_facts.score_name)
    fitted = fit(prepared, run, session, parts)
    model = Model(fitted.net, fitted.info, call.device)
    if folder is not None and call.ranks.is_first:
        model.save(folder.model)
    return model, fitted


def make_session(root: RunFolder | None, folder: RunFolder | None, run: Run, call: TrainingCall, score_name: str) -> Session:
    """Make a session that writes settings into ``root``, checkpoints and history into ``folder`` (in a fold, another one).

    Raises ModelFileError if the session should resume, but its checkpoints are gone.
    """
    if call.resume and folder is not None and call.ranks.is_first:
        folder.check_resumable()

    def on_start(records: Sequence[Record]) -> None:
        if root is not None and folder is not None:
            root.begin(run, launch_id())
            if call.start is not None:
                root.keep_start(call.start.net, call.start.info)
            folder.make()
            if records:
                folder.write_history(records, score_name)

    def on_record(state: TrainState, records: Sequence[Record]) -> None:
        if folder is not None:
            folder.write_history(records, score_name)
        call.watch.on_record(state, records[-1])

    return Session(
        device=choose_device(call.device),
        checkpoints=folder.checkpoints if folder else None,
        resume=call.resume,
        start=call.start,
        observers=call.watch.observers,
        on_start=on_start,
        on_record=on_record,
        tell=call.watch.tell,
        should_stop=call.watch.should_stop,
        ranks=call.ranks,
    )
