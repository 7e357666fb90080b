"""The end of a training: which weights are kept, how much each class gains by a bias, and what was held out, predicted."""

from collections.abc import Callable

import torch

from unseam.data.split import HeldOut, Split, middles
from unseam.engines import TorchEngine
from unseam.evaluation.held_out import HeldOutPredictions, predict_held_out
from unseam.evaluation.logit_adjustment import measure_logit_adjustment
from unseam.heads import Head, Objects
from unseam.inference.predict import Predictor
from unseam.nets import add_to_logits
from unseam.recipes.run import Run
from unseam.training import TrainState
from unseam.training.observers import Validate

Tell = Callable[[str], None]

_ADJUSTED_ON = 1_000_000
"""px; the middles of the training images that the logits are adjusted on."""


def load_kept_weights(validate: Validate, state: TrainState, parts: Split, tell: Tell, *, needs_record: bool) -> None:
    """Load the weights that are kept into the network; warn if they are doubtful."""
    if validate.best_weights is None or needs_record:
        validate.record(state)
    if doubt := validate.doubt_of(validate.best if parts.chooses else validate.records[-1], state):
        tell(doubt)
    if parts.chooses:
        assert validate.best_weights is not None
        state.net.load_state_dict(validate.best_weights)
    elif state.averaged is not None:
        state.net.load_state_dict(state.averaged.net.state_dict())


def adjust_logits(net: torch.nn.Module, head: Head, parts: Split, run: Run, device: torch.device) -> None:
    """Take the recipe's share of the bias, which the weights of the energy leave between the classes, out of the network.

    A part that chooses nothing (in a fold of a cross-validation) has no say.

    Departs: not in the paper, whose recipe takes none of it.
    """
    share, known = run.training.logit_adjustment, middles(parts.training, _ADJUSTED_ON)
    known += parts.validation if parts.chooses else ()
    if share > 0 and known:
        predictor = Predictor(TorchEngine(net, str(device)), head=head)
        add_to_logits(net, torch.from_numpy(share * measure_logit_adjustment(predictor, head, known, run.training.seed)))


def predict_kept(
    net: torch.nn.Module, head: Head, parts: Split, objects: Objects | None, run: Run, device: torch.device, tell: Tell
) -> HeldOutPredictions:
    """Predict the held-out parts with the kept weights; report the threshold of objects that they choose."""
    tune = run.training.tune_objects
    of_each = [objects] if objects else None
    trained: tuple[HeldOut, ...] = middles(parts.training) if objects is not None else ()
    held_out = predict_held_out([net], head, [parts], of_each, device, tune=tune, average=run.average, trained=trained)
    score, chosen = held_out.score, held_out.objects
    if chosen is not None and tune and score is not None:
        split = f", split into parts of {chosen.split:.0%}" if chosen.split else ""
        tuned = f"threshold {chosen.threshold:g}{split} (panoptic quality {score:.3f}), from {chosen.min_size} px"
        tell(f"objects: {tuned}")
    return held_out
