"""An energy added by the documented line is found by settings and command line, trains, and is named in the model."""

import numpy as np
import tifffile

from families.package_copy import add_line, copy_package, run_python
from reference.toy import SMALL, spots

TOY = '''
from dataclasses import dataclass

from unseam.shapes import IGNORE


@dataclass(frozen=True)
class Brier:
    """The squared distance of the probabilities from the truth."""

    power: float = 2.0

    def __call__(self, logits, classes, weights):
        of_truth = logits.softmax(1).gather(1, (classes.long() % logits.shape[1])[:, None])[:, 0]
        return (((1 - of_truth) ** self.power) * weights * (classes != IGNORE)).mean()
'''


def test_an_energy_through_the_documented_line(tmp_path, rng):
    copy = copy_package(tmp_path)
    (copy / "losses/brier.py").write_text(TOY, encoding="utf-8")
    add_line(copy / "losses/__init__.py", "import WeightedCrossEntropy", "from unseam.losses.brier import Brier")
    add_line(copy / "losses/__init__.py", "Loss = WeightedCrossEntropy", "Loss = WeightedCrossEntropy | Brier")
    image, labels = spots(rng)
    for kind, array in (("images", image), ("masks", (labels > 0).astype(np.uint8))):
        (tmp_path / "data" / kind).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "data" / kind / "a.tif", array)
    words = [word for setting in (*SMALL, "energy.brier.power=3") for word in ("--set", setting)]
    run_python(copy, ["-m", "unseam", "train", "data", "--out", "run", "--steps", 20, "--device", "cpu", *words])
    written = (tmp_path / "run/config.toml").read_text()
    assert "[energy.brier]" in written
    assert "power = 3" in written
    assert "brier" in (tmp_path / "run/README.md").read_text(), "the card names the energy"
