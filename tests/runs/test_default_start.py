"""What a training begins with: by name, by nothing, by rule, or by two short trials."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import unseam.networks as room
from reference.shipped import CARD, bright_info
from reference.toy import spots, weights_of
from unseam import load, train
from unseam.api.choose_start import is_open
from unseam.errors import ModelFileError, OutputError, SettingsError
from unseam.model.model_file import save_model
from unseam.nets import UNetConfig
from unseam.recipes import recipe_named
from unseam.runs import default_start
from unseam.runs.default_start import decide
from unseam.runs.run_folder import RunFolder
from unseam.runs.watch import Watch

NOT_OF_THE_NET = ("training.output_size=24", "training.validations=3", "training.precision=float32", "average=none")
TRUNK = UNetConfig(first_width=2, depth=1, normalisation="batch")


class Killed(Exception):
    """Ends a training as a kill would, without a word to it."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A package that ships one start for every task, with its normalisation kept."""
    folder = tmp_path / "networks"
    folder.mkdir()
    card = replace(CARD, name="general", role="start", object_px=None, licence="BSD-3-Clause")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        net = TRUNK.build()
    save_model(folder / "general.safetensors", net, bright_info(card, net=TRUNK))
    monkeypatch.setattr(room, "files", lambda _: folder)
    return folder


@pytest.fixture
def pair(rng):
    return spots(rng)


def begun(pair, *, as_objects: bool, start="general", steps=3, settings=(), **more):
    image, labels = pair
    kind = "instances" if as_objects else "binary"
    mask = labels if as_objects else (labels > 0).astype(np.uint8)
    own = [*NOT_OF_THE_NET, f"data.masks='{kind}'", *settings]
    return train([image], [mask], start=start, steps=steps, settings=own, device="cpu", **more)


def first_weights(records: list) -> Watch:
    return Watch(on_record=lambda state, record: records.append((record.step, weights_of(state.net))))


def test_objects_keep_the_last_layer_of_a_start_for_every_task_and_its_normalisation(folder, pair, tmp_path):
    records, before = [], weights_of(_net(folder))
    model = begun(pair, as_objects=True, watch=first_weights(records))
    for name, weight in before.items():
        np.testing.assert_array_equal(records[0][1][name], weight)
    assert model.info.net.normalisation == "none"  # folded into the convolutions at the end
    assert "batch normalisation" in model.info.training.recipe
    begun(pair, as_objects=True, out=tmp_path / "run")
    rate = RunFolder(tmp_path / "run").read_config().optimiser.learning_rate
    assert rate == recipe_named("default").optimiser.learning_rate
    assert model.info.release is None
    assert model.info.training.start.model == "general"
    assert model.info.training.start.licence == "BSD-3-Clause"


def test_classes_keep_all_but_the_last_layer(folder, pair):
    records, told, before = [], [], weights_of(_net(folder))
    watch = replace(first_weights(records), tell=told.append)
    model = begun(pair, as_objects=False, watch=watch)
    for name, weight in before.items():
        is_equal = bool((records[0][1][name] == weight).all())
        assert is_equal != (name == "classify.weight"), name
    assert model.info.kind_facts.segments == "foreground"
    assert (
        "the start learnt objects, and these masks hold classes: the last layer is drawn anew for background, foreground"
        in told
    )


def test_a_run_with_kept_normalisation_resumes_to_the_bit(folder, pair, tmp_path):
    whole = begun(pair, as_objects=True, steps=20)

    def kill(state, _) -> None:
        if state.step == 13:
            raise Killed

    with pytest.raises(Killed):
        begun(pair, as_objects=True, steps=20, out=tmp_path / "run", watch=Watch(observers=(kill,)))
    (folder / "general.safetensors").unlink()
    image, labels = pair
    again = train([image], [labels], out=tmp_path / "run", resume=True, device="cpu")
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(again.net)[name], weight)
    assert again.info.training.steps == 20


def test_nothing_switches_a_start_off(folder, pair, tmp_path):
    small = ["net.unet.first_width=2", "net.unet.depth=1", "net.unet.resolution=full"]
    with_word = begun(pair, as_objects=False, start="nothing", settings=small)
    without = begun(pair, as_objects=False, start=None, settings=small)
    assert with_word.info.training.start is None
    for name, weight in weights_of(without.net).items():
        np.testing.assert_array_equal(weights_of(with_word.net)[name], weight)
    with pytest.raises(SettingsError, match="Got a start and resume"):
        begun(pair, as_objects=False, start="nothing", out=tmp_path / "run", resume=True)


def test_trials_choose_and_what_was_chosen_is_told_and_recorded(folder, pair, tmp_path):
    told = []
    model = begun(pair, as_objects=False, start="auto", steps=20, out=tmp_path / "run", watch=Watch(tell=told.append))
    (sentence,) = [one for one in told if one.startswith("training begins with ") and "trials" in one]
    choice = model.info.training.start_choice
    assert choice in sentence
    assert "after trials of 2 step(s) each: nothing " in choice
    assert choice.startswith("general" if model.info.training.start is not None else "nothing")
    assert RunFolder(tmp_path / "run").read_config().start_choice == choice
    assert load(tmp_path / "run").info.training.start_choice == choice
    assert choice in (tmp_path / "run/README.md").read_text()
    assert model.info.training.steps == 20
    resumed = train([pair[0]], [(pair[1] > 0).astype(np.uint8)], out=tmp_path / "run", resume=True, steps=22, device="cpu")
    assert resumed.info.training.start_choice == choice


class _Trial:
    """A trial that reaches given scores, in place of a training."""

    def __init__(self, scores: dict, steps: int = 10**6) -> None:
        self.scores, self.steps, self.calls = scores, steps, []

    def __call__(self, start, steps, minutes):
        self.calls.append((start, steps, minutes))
        record = bright_info().training
        score = self.scores[start]
        record = replace(record, steps=self.steps, seconds=self.steps, score=score, score_name="IoU")
        return type("Made", (), {"info": bright_info(training=record)})


def _asked(minutes: float | None, steps: int | None = None):
    run = recipe_named("default")
    return replace(run, training=replace(run.training, minutes=minutes, steps=steps))


@pytest.mark.parametrize(("general", "wins"), [(0.6, "general"), (0.5, "nothing"), (0.4, "nothing")])
def test_the_better_score_wins_and_nothing_wins_a_tie(general, wins):
    trial = _Trial({"nothing": 0.5, "general": general})
    chosen = decide(lambda: "classes", _asked(5.0), 5.0, trial)
    assert chosen.start == wins
    assert chosen.minutes == pytest.approx(4.0)
    assert trial.calls == [("nothing", None, 0.5), ("general", None, 0.5)]
    assert chosen.reason == f"{wins}, by IoU after trials of 30 s each: nothing 0.500, general {general:.3f}"


def test_steps_stay_and_trials_come_on_top():
    trial = _Trial({"nothing": 0.1, "general": 0.2})
    assert decide(lambda: "classes", _asked(None, 300), None, trial).minutes is None
    assert trial.calls[0] == ("nothing", 30, None)


def test_a_rule_needs_no_trial(monkeypatch):
    monkeypatch.setattr(default_start, "RULES", {"instances": "general"})
    chosen = decide(lambda: "instances", _asked(5.0), 5.0, _Trial({}))
    assert (chosen.start, chosen.minutes) == ("general", 5.0)
    assert "by the rule for masks of instances" in chosen.reason


def test_a_trial_that_is_stopped_ends_the_training():
    with pytest.raises(KeyboardInterrupt):
        decide(lambda: "classes", _asked(5.0), 5.0, _Trial({"nothing": 0.5}, steps=3))


def test_trials_without_a_score_are_refused():
    with pytest.raises(SettingsError, match=r"--from auto chooses by the score.*--from nothing"):
        decide(lambda: "classes", _asked(5.0), 5.0, _Trial({"nothing": None}))


def test_the_default_is_one_word(folder, monkeypatch):
    assert not is_open(None, None, (), is_alone=True, rescale=False)
    monkeypatch.setattr(default_start, "DEFAULT", "auto")
    assert is_open(None, None, (), is_alone=True, rescale=False)
    for settled in ({"recipe": "paper"}, {"settings": ("net.depth=2",)}, {"rescale": True}, {"is_alone": False}):
        given = {"recipe": None, "settings": (), "rescale": False, "is_alone": True} | settled
        assert not is_open(None, **given), settled
    assert not is_open("nothing", None, (), is_alone=True, rescale=False)
    (folder / "general.safetensors").unlink()
    assert not is_open(None, None, (), is_alone=True, rescale=False)


def test_several_processes_do_not_decide():
    with pytest.raises(SettingsError, match=r"Under torchrun, give --from general or --from nothing"):
        is_open("auto", None, (), is_alone=False, rescale=False)


def test_a_folder_that_is_taken_is_refused_before_any_trial(folder, pair, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.toml").write_text("")
    told = []
    with pytest.raises(OutputError, match="already holds a run"):
        begun(pair, as_objects=False, start="auto", out=tmp_path / "run", watch=Watch(tell=told.append))
    assert told == []


def test_an_unknown_start_is_one_line_with_what_was_meant(folder, pair):
    with pytest.raises(ModelFileError, match=r"genral: not a model file.*Did you mean 'general'\?$"):
        begun(pair, as_objects=False, start="genral")


def test_a_start_reads_other_channels_as_any_start_does(folder, pair):
    image, labels = pair
    colour = np.stack([image, image[::-1], image], -1)
    told = []
    model = begun((colour, labels), as_objects=True, watch=Watch(tell=told.append))
    assert model.info.net.in_channels == 3
    assert any("the weights are repeated in turn, times 1/3" in one for one in told)


def _net(folder):
    from unseam.model.model_file import load_model

    return load_model(folder / "general.safetensors")[0]
