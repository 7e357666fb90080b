"""Settings: what is written is what is read, and every mistake is named with its place."""

import json
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from functools import reduce
from typing import Literal

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from unseam.augment import Augment, Elastic, GreyValues, Mirror, Rotate, Scale, Sharpness
from unseam.data.copy_paste import CopyPaste
from unseam.errors import SettingsError
from unseam.losses import WeightedCrossEntropy
from unseam.nets import FCNConfig, UNetConfig
from unseam.recipes import RECIPES, recipe_named
from unseam.recipes.run import DataSettings, Run, TrainingSettings, WeightMap
from unseam.settings import check_range, decode, encode, table_name, with_overrides
from unseam.training.optim import SGD, AdamW, Cosine

NOTHING = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)

RUNS = {
    "as it stands": Run(),
    "other members": Run(net=FCNConfig(in_channels=3, depth=2), optimiser=SGD(momentum=0.5)),
    "every part off": Run(augment=NOTHING),
    "every part on": Run(augment=replace(NOTHING, elastic=Elastic(4, 3.0), scale=Scale(0.5, 2.0), mirror=Mirror(False))),
    "steps alone": Run(training=TrainingSettings(steps=7, minutes=None, clip_norm=None)),
    "no budget": Run(training=TrainingSettings(steps=None, minutes=None)),
    "a value for not annotated": Run(data=DataSettings(masks="classes", ignore=255, validation=0.0)),
    "a tuple": Run(energy=WeightedCrossEntropy(class_weights=(0.5, 2.0, 1.0))),
    "copies of objects, by class": Run(paste=CopyPaste(copies=1.0), training=TrainingSettings(crops="by_class")),
    "no gap weights": Run(weight_map=WeightMap(w0=0.0)),
} | {recipe: recipe_named(recipe) for recipe in RECIPES}


@pytest.fixture(params=RUNS.values(), ids=RUNS.keys())
def run(request):
    return request.param


def test_decode_undoes_encode(run):
    assert decode(Run, encode(run)) == run


def test_through_toml(run):
    assert decode(Run, tomllib.loads(tomli_w.dumps(encode(run)))) == run


def test_through_json(run):
    assert decode(Run, json.loads(json.dumps(encode(run)))) == run


def test_overriding_nothing_changes_nothing(run):
    assert with_overrides(run, []) == run


NETS = st.builds(UNetConfig, st.integers(1, 9), st.integers(2, 9), st.integers(1, 64), st.integers(1, 7)) | st.builds(
    FCNConfig, st.integers(1, 9), st.integers(2, 9), st.integers(1, 64), st.integers(1, 7), st.floats(0, 0.95)
)
AUGMENTS = st.builds(
    Augment,
    elastic=st.none() | st.builds(Elastic, st.integers(2, 64), st.floats(0, 200)),
    rotate=st.none() | st.builds(Rotate, st.floats(0, 180)),
    mirror=st.none() | st.builds(Mirror, st.booleans(), st.booleans()),
    scale=st.none() | st.builds(Scale, st.floats(0.25, 1), st.floats(1, 4)),
    sharpness=st.none() | st.builds(Sharpness, st.floats(0, 20)),
    grey=st.none() | st.builds(GreyValues, st.floats(0, 1), per_channel=st.booleans()),
)
TRAININGS = st.builds(
    TrainingSettings,
    steps=st.none() | st.integers(1, 10**6),
    minutes=st.none() | st.floats(0.1, 1e4),
    clip_norm=st.none() | st.floats(0.1, 10),
    precision=st.sampled_from(["auto", "float32", "bfloat16"]),
)


@settings(max_examples=60)
@given(
    net=NETS,
    augment=AUGMENTS,
    optimiser=st.builds(SGD, st.floats(0, 1e3)) | st.builds(AdamW, st.floats(0, 1e3)),
    training=TRAININGS,
    class_weights=st.lists(st.floats(0, 100), max_size=4),
)
def test_any_run_through_toml(net, augment, optimiser, training, class_weights):
    energy = WeightedCrossEntropy(tuple(class_weights))
    run = Run(net=net, augment=augment, optimiser=optimiser, training=training, energy=energy)
    assert decode(Run, tomllib.loads(tomli_w.dumps(encode(run)))) == run


def test_tables_as_a_reader_meets_them():
    table = encode(Run(net=FCNConfig(first_width=8), augment=replace(NOTHING, elastic=Elastic())))
    net = {"in_channels": 1, "num_classes": 2, "first_width": 8, "depth": 4, "dropout": 0.5, "normalisation": "none"}
    assert table["net"] == {"fcn": net}
    assert table["optimiser"] == {"adam_w": {"learning_rate": 1e-3, "weight_decay": 1e-4}}
    assert table["augment"] == {
        "elastic": {"grid": 3, "sigma": 10.0},
        "rotate": False,
        "mirror": False,
        "scale": False,
        "sharpness": False,
        "grey": False,
        "still": 0.0,
    }
    assert "steps" not in table["training"], "a limit that is off unless it is given is left out"


def test_what_is_off_against_its_default_is_written():
    """Left out, it would come back as the default: the paper's run would end after five minutes."""
    table = encode(TrainingSettings(steps=10, minutes=None, clip_norm=None))
    assert (table["minutes"], table["clip_norm"]) == (False, False)


def test_what_is_left_out_has_its_default():
    assert decode(Run, {}) == Run()
    assert decode(Run, {"net": {"fcn": {}}}) == Run(net=FCNConfig())


def test_false_is_off():
    run = decode(Run, {"augment": {"elastic": False}, "training": {"minutes": False, "clip_norm": False}})
    assert run.augment.elastic is None
    assert run.augment.rotate == Rotate()
    assert (run.training.minutes, run.training.clip_norm) == (None, None)


def test_a_table_without_the_name_of_a_member_is_the_default_members():
    table = {"net": {"depth": 3}, "optimiser": {"learning_rate": 0.1}}
    assert decode(Run, table) == Run(UNetConfig(depth=3), optimiser=AdamW(0.1))


def test_a_path_without_the_name_of_a_member_is_the_chosen_ones():
    run = Run(FCNConfig(first_width=8), optimiser=SGD(0.1))
    after = with_overrides(run, ["net.depth=3", "optimiser.momentum=0.5"])
    assert after == Run(FCNConfig(first_width=8, depth=3), optimiser=SGD(0.1, 0.5))


def test_a_whole_number_serves_as_a_real_one():
    sigma = decode(Run, {"weight_map": {"sigma": 4}}).weight_map.sigma
    assert (sigma, type(sigma)) == (4.0, float)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"trainig": {}}, "'trainig'.* 'training'"),
        ({"training": {"step": 5}}, "'training.step'.* 'steps'"),
        ({"augment": {"elastic": {"sigmas": 1}}}, "'augment.elastic.sigmas'.* 'sigma'"),
        ({"schedule": {"zzz": 1}}, "'schedule.zzz'.* decay, warm_up."),
        ({"net": {"unett": {}}}, r"\[net.unett\].* 'unet'"),
        ({"net": {"unet": {}, "unett": {}}}, r"\[net.unett\].* 'unet'"),
        ({"net": {"unet": {"first_widht": 1, "depth": 2}}}, "'net.unet.first_widht'.* 'first_width'"),
        ({"net": {"unet": {}, "fcn": {}}}, r"net: .*one of \[net.unet\], \[net.fcn\]"),
        ({"net": "unet"}, r"net: .*one of \[net.unet\]"),
        ({"net": {}}, r"net: .*one of \[net.unet\]"),
        ({"net": False}, r"net: .*one of \[net.unet\]"),
        ({"net": {"unet": 3}}, "net.unet: .*3.* in_channels, num_classes"),
        ({"augment": {"elastic": True}}, "augment.elastic: .*True.* grid, sigma"),
        ({"training": {"seed": 1.5}}, "training.seed = 1.5: .* int"),
        ({"training": {"seed": True}}, "training.seed = True: .* int"),
        ({"training": {"seed": False}}, "training.seed = False: .* int"),
        ({"training": {"steps": "many"}}, "training.steps = 'many': .* int"),
        ({"training": {"minutes": [5]}}, r"training.minutes = \[5\]: .* float"),
        ({"weight_map": {"w0": "10"}}, "weight_map.w0 = '10': .* float"),
        ({"weight_map": {"w0": float("nan")}}, "weight_map.w0 is not a number"),
        ({"weight_map": {"w0": 10**400}}, "weight_map.w0 .*digits"),
        ({"schedule": {"decay": 1}}, "schedule.decay = 1: .* bool"),
        ({"training": {"precision": "float16"}}, "training.precision = 'float16': .*'auto', 'float32'"),
        ({"training": {"precision": ["auto"]}}, "training.precision = .*'auto'"),
        ({"energy": {"class_weights": 2.0}}, "energy.class_weights = 2.0: .*list"),
        ({"energy": {"class_weights": [1, "a"]}}, r"energy.class_weights\[1\] = 'a': .* float"),
        ({"net": {"unet": {"depth": 0}}}, "unet.depth = 0: .* 1 and 7"),
        ({"optimiser": {"sgd": {"momentum": 1}}}, "sgd.momentum = 1.0: .*between"),
        ({"weight_map": {"w0": float("inf")}}, "weight_map.w0 = inf: .*between"),
    ],
)
def test_mistakes_are_named_with_their_place(table, message):
    with pytest.raises(SettingsError, match=message):
        decode(Run, table)


def test_a_table_is_needed():
    with pytest.raises(SettingsError, match=r"The settings: .*3.* net, data"):
        decode(Run, 3)


@dataclass(frozen=True)
class Needs:
    """A setting without a default, and a tuple of fixed length."""

    size: int
    pair: tuple[float, float] = (1.0, 2.0)
    kind: Literal["a", 1] = "a"
    inner: Cosine = field(default_factory=Cosine)


def test_a_setting_without_a_default_must_come():
    with pytest.raises(SettingsError, match="size is missing"):
        decode(Needs, {})
    with pytest.raises(SettingsError, match=r"here.size is missing"):
        decode(Needs, {"pair": [1, 2]}, "here")


def test_a_tuple_has_its_length():
    assert decode(Needs, {"size": 1, "pair": [3, 4]}).pair == (3.0, 4.0)
    with pytest.raises(SettingsError, match=r"pair .*3.* 2"):
        decode(Needs, {"size": 1, "pair": [1, 2, 3]})


OVERRIDES = {
    "training.steps=5000": lambda run: replace(run, training=replace(run.training, steps=5000)),
    " training.steps = 5_000 ": lambda run: replace(run, training=replace(run.training, steps=5000)),
    "training.minutes=false": lambda run: replace(run, training=replace(run.training, minutes=None)),
    "training.precision=bfloat16": lambda run: replace(run, training=replace(run.training, precision="bfloat16")),
    'data.masks="binary"': lambda run: replace(run, data=DataSettings(masks="binary")),
    "optimiser.adam_w.learning_rate=1e-4": lambda run: replace(run, optimiser=AdamW(1e-4)),
    "augment.elastic=false": lambda run: replace(run, augment=replace(run.augment, elastic=None)),
    "augment.scale.low=0.5": lambda run: replace(run, augment=replace(run.augment, scale=Scale(0.5))),
    "augment.scale={}": lambda run: replace(run, augment=replace(run.augment, scale=Scale())),
    "energy.class_weights=[1, 2.5]": lambda run: replace(run, energy=WeightedCrossEntropy((1.0, 2.5))),
    "net.depth=2": lambda run: replace(run, net=UNetConfig(depth=2)),
    "optimiser.learning_rate=1e-4": lambda run: replace(run, optimiser=AdamW(1e-4)),
    "net.fcn.depth=2": lambda run: replace(run, net=FCNConfig(depth=2)),
    "net.fcn={}": lambda run: replace(run, net=FCNConfig()),
    "net.fcn={depth = 3, first_width = 8}": lambda run: replace(run, net=FCNConfig(depth=3, first_width=8)),
    "net={fcn = {depth = 3}}": lambda run: replace(run, net=FCNConfig(depth=3)),
    "optimiser.sgd.momentum=0.9": lambda run: replace(run, optimiser=SGD(momentum=0.9, weight_decay=1e-4)),
    "optimiser.sgd={}": lambda run: replace(run, optimiser=SGD(weight_decay=1e-4)),
}


@pytest.mark.parametrize("override", OVERRIDES)
def test_override(override):
    assert with_overrides(Run(), [override]) == OVERRIDES[override](Run())


def test_overrides_come_in_order():
    after = with_overrides(Run(), ["net.fcn.depth=2", "net.fcn.first_width=4", "training.seed=1", "training.seed=2"])
    assert (after.net, after.training.seed) == (FCNConfig(depth=2, first_width=4), 2)


def test_the_last_network_named_is_meant():
    assert with_overrides(Run(), ["net.fcn.depth=2", "net.unet.depth=3"]).net == UNetConfig(depth=3)


def test_what_two_members_share_is_carried_over():
    """A comparator is one only at the same width: naming the FCN must not bring back its class's own."""
    run = Run(net=UNetConfig(first_width=16, depth=3, dropout=0.1))
    assert with_overrides(run, ["net.fcn={}"]).net == FCNConfig(first_width=16, depth=3, dropout=0.1)
    assert with_overrides(run, ["net.fcn.depth=2"]).net == FCNConfig(first_width=16, depth=2, dropout=0.1)


def test_an_override_leaves_the_rest_of_its_member():
    run = Run(net=UNetConfig(first_width=8, depth=2), optimiser=SGD(momentum=0.5))
    after = with_overrides(run, ["net.unet.depth=3", "optimiser.sgd.learning_rate=0.1"])
    assert after == replace(run, net=UNetConfig(first_width=8, depth=3), optimiser=SGD(0.1, 0.5))


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_override_leaves_the_rest_of_a_recipe(recipe):
    run = recipe_named(recipe)
    assert with_overrides(run, ["training.seed=3"]) == replace(run, training=replace(run.training, seed=3))


def test_a_member_that_is_no_table_is_refused_or_replaced():
    with pytest.raises(SettingsError, match=r"net\.fcn: .*3"):
        with_overrides(Run(), ["net.fcn=3"])
    assert with_overrides(Run(), ["net={fcn=3}", "net.unet.depth=2"]).net == UNetConfig(depth=2)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.steps", "--set training.steps: .*path.to.setting=value"),
        ("steps=5", "Unknown setting 'steps'"),
        ("=5", "Unknown setting ''"),
        ("nett.unet.depth=2", "'nett'.* 'net'"),
        ("net.resnet.depth=2", r"\[net.resnet\].* 'unet'"),
        ("net.momentum=2", "'net.momentum'.* 'optimiser.momentum'"),
        ("net=fcn", r"net: .*one of \[net.unet\], \[net.fcn\]"),
        ("training.seed.deep=1", "training.seed = .*: .* int"),
        ("training.steps=soon", "training.steps = 'soon': .* int"),
        ("training.steps=", "training.steps = '': .* int"),
        ("net.unet.first_width=0", "unet.first_width = 0: .* 1 and 512"),
    ],
)
def test_wrong_overrides_are_named(override, message):
    with pytest.raises(SettingsError, match=message):
        with_overrides(Run(), [override])


def test_overriding_leaves_the_original_alone():
    run = Run()
    with_overrides(run, ["training.seed=9"])
    assert run == Run()


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_check_range_refuses(value):
    with pytest.raises(SettingsError, match=r"part.share = .*: .* 0 and 1"):
        check_range("part", "share", value, 0, 1)


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_check_range_lets_through(value):
    check_range("part", "share", value, 0, 1)


def test_every_part_of_a_run_has_a_default():
    written_if_chosen = {"start_choice"}  # by training, never by its user
    assert {f.name for f in fields(Run)} - written_if_chosen == set(encode(Run()))


@pytest.mark.parametrize(
    ("cls", "name"),
    [(UNetConfig, "unet"), (AdamW, "adam_w"), (SGD, "sgd"), (WeightedCrossEntropy, "weighted_cross_entropy")],
)
def test_table_name(cls, name):
    assert table_name(cls) == name


@pytest.mark.parametrize(
    "value", ["[" * 2000, "[" * 300 + "]" * 300, "9" * 5000, "0x" + "f" * 5000, "a" * 5000, "[" + "0x" + "f" * 5000 + "]"]
)
@pytest.mark.parametrize("name", ["training.steps", "training.minutes", "data.masks", "net.unet", "net", "b" * 5000])
def test_values_without_end_are_settings_errors_of_one_line(name, value):
    with pytest.raises(SettingsError) as refused:
        with_overrides(Run(), [f"{name}={value}"])
    assert len(str(refused.value)) < 1000


def test_a_whole_number_beyond_64_bits():
    with pytest.raises(SettingsError, match=r"training\.steps .*digits"):
        with_overrides(Run(), ["training.steps=9223372036854775808"])


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("data.normalise.over", "normalise.over"),
        ("training.normalise.over", "normalise.over"),
        ("data.normalize.over", "normalise.over"),
        ("over", "normalise.over"),
        ("data.over", "normalise.over"),
        ("data.steps", "training.steps"),
        ("normalize.over", "normalise"),
    ],
)
def test_a_setting_in_a_wrong_table_is_named(path, meant):
    with pytest.raises(SettingsError, match=rf"Did you mean '{re.escape(meant)}'\?"):
        with_overrides(Run(), [f"{path}=stack"])
    *tables, name = path.split(".")
    with pytest.raises(SettingsError, match=rf"Did you mean '{re.escape(meant)}'\?"):
        decode(Run, reduce(lambda value, table: {table: value}, reversed([*tables, name]), "stack"))


def test_the_setting_that_is_named_exists():
    assert with_overrides(Run(), ["normalise.over=stack"]).normalise.over == "stack"
