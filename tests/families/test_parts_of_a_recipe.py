"""An augmentation, an optimiser, a schedule and a recipe are each one new file and one line (with its import)."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from families.package_copy import add_line, copy_package, run_python
from unseam.io import write_image

TESTS = Path(__file__).parents[1]

FILES = {
    "augment/toy.py": """
from dataclasses import dataclass
from unseam.augment.base import Appearance

@dataclass(frozen=True)
class Toy(Appearance):
    strength: float = 0.5

    def __call__(self, image, rng):
        image += self.strength
""",
    "training/toy.py": """
from dataclasses import dataclass
import torch

@dataclass(frozen=True)
class ToyOptimiser:
    learning_rate: float = 0.1
    eps: float = 1e-3

    def build(self, net):
        return torch.optim.Adagrad(net.parameters(), lr=self.learning_rate, eps=self.eps)

@dataclass(frozen=True)
class ToySchedule:
    rate: float = 1.0

    def factor(self, progress):
        return self.rate
""",
    "recipes/toy.py": """
from unseam.augment import Augment
from unseam.nets import UNetConfig
from unseam.recipes.run import Run, TrainingSettings

def toy():
    training = TrainingSettings(steps=2, minutes=None, output_size=32)
    return Run(net=UNetConfig(first_width=2, depth=2), augment=Augment(elastic=None), training=training)
""",
}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} must hold {old!r} once"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package with a toy member in each family, added through the documented line."""
    copy = copy_package(tmp_path_factory.mktemp("toys"))
    for name, text in FILES.items():
        (copy / name).write_text(text, encoding="utf-8")
    add_line(copy / "augment/augment.py", "import GreyValues", "from unseam.augment.toy import Toy")
    add_line(copy / "augment/augment.py", "    grey: GreyValues | None", "    toy: Toy | None = None")
    add_line(copy / "training/optim.py", "import check_range", "from unseam.training.toy import ToyOptimiser, ToySchedule")
    replace(
        copy / "training/optim.py", "\nOptimiser = SGD | AdamW | Muon\n", "\nOptimiser = SGD | AdamW | Muon | ToyOptimiser\n"
    )
    replace(copy / "training/optim.py", "\nSchedule = Cosine\n", "\nSchedule = Cosine | ToySchedule\n")
    add_line(copy / "recipes/__init__.py", '"paper": ', '    "toy": "two steps of a tiny network",')
    return copy


@pytest.fixture(scope="module")
def trained(copy):
    """The settings that a training by the toys wrote."""
    data, rng = copy.parent / "data", np.random.default_rng(0)
    mask = np.zeros((72, 72), np.uint8)
    mask[8:30, 8:30] = mask[8:30, 40:62] = mask[40:62, 24:46] = 255
    for folder in ("images", "masks"):
        (data / folder).mkdir(parents=True)
    for name in ("a", "b"):
        write_image(data / "images" / f"{name}.png", (mask // 2 + rng.integers(0, 60, mask.shape)).astype(np.uint8))
        write_image(data / "masks" / f"{name}.png", mask)
    words = ["-m", "unseam", "train", data, "--out", copy.parent / "run", "--recipe", "toy", "--device", "cpu"]
    for setting in ("augment.toy.strength=1", "optimiser.toy_optimiser.eps=0.5", "schedule.toy_schedule.rate=0.5"):
        words += ["--set", setting]
    assert "2 steps" in run_python(copy, words)
    return tomllib.loads((copy.parent / "run" / "config.toml").read_text(encoding="utf-8"))


def test_a_toy_augmentation_is_found_in_settings_and_files_and_changes_crops(copy, trained):
    assert trained["augment"]["toy"] == {"strength": 1.0}
    assert trained["augment"]["elastic"] is False
    run_python(
        copy,
        """
import numpy as np
from unseam.augment import Augment
from unseam.augment.toy import Toy
from unseam.recipes.run import Run
from unseam.settings import decode, encode
assert encode(Run())["augment"]["toy"] is False
assert decode(Run, {"augment": {"scale": False}}).augment == Augment()  # a file from before the toy
image, place = np.zeros((1, 9, 9), np.float32), {"centre": (4.0, 4.0), "input_size": 5, "output_size": 5}
crops = [Augment(grey=None, toy=toy)(image, image[0].astype(np.uint8), **place, rng=np.random.default_rng(0))
         for toy in (None, Toy(2.0))]
assert (crops[1].image - crops[0].image == 2).all() and (crops[1].classes == crops[0].classes).all()
""",
    )


def test_a_toy_optimiser_is_found_in_settings_and_files(copy, trained):
    assert trained["optimiser"] == {"toy_optimiser": {"learning_rate": 1e-3, "eps": 0.5}}, "the rate is carried over"


def test_a_toy_schedule_is_found_in_settings_and_files_and_old_files_stay_valid(copy, trained):
    assert trained["schedule"] == {"toy_schedule": {"rate": 0.5}}
    run_python(
        copy,
        """
from unseam.recipes.run import Run
from unseam.settings import decode, encode, with_overrides
from unseam.training import Cosine
old = decode(Run, {"schedule": {"warm_up": 0.25, "decay": False}})
assert old.schedule == Cosine(0.25, False)
assert with_overrides(old, ["schedule.decay=true"]).schedule == Cosine(0.25, True)
assert encode(old)["schedule"] == {"cosine": {"warm_up": 0.25, "decay": False}}
""",
    )


def test_a_toy_recipe_trains_and_stands_in_the_help(copy, trained):
    assert trained["net"]["unet"]["first_width"] == 2
    assert "toy (two steps of a tiny network)" in run_python(copy, ["-m", "unseam", "train", "--help"])


@pytest.mark.parametrize("suite", ["augment/test_members.py", "training/test_optim.py"])
def test_the_inherited_suites_test_the_toys(copy, suite):
    said = run_python(copy, ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "toy or Toy", TESTS / suite])
    assert int(said.split(" passed")[0].split()[-1]) >= 4, said
