"""A metric is one file, its import and one line: a toy one appears in every table without anything else being touched."""

import json

import numpy as np
import tifffile

from families.package_copy import add_line, copy_package, run_python

TOY = '''
"""The share of pixels that are foreground in both maps."""

from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import PixelMetric
from unseam.metrics.score import Column, Counts, ratio

COLUMN = Column("toy_share", "Toy", "share of pixels that are foreground twice", 1, place=1, place_of_objects=1)


@dataclass(frozen=True)
class ToyScore(Counts):
    num_both: int
    num_pixels: int

    def figures(self):
        return ((COLUMN, ratio(self.num_both, self.num_pixels)),)


@dataclass(frozen=True)
class Toy(PixelMetric[ToyScore]):
    pooling: ClassVar = "pixels of all images together"

    def from_contingency(self, table):
        both = (table.predicted > 0) & (table.truth > 0)
        return ToyScore(int(table.count[both].sum()), table.num_pixels)
'''


def test_a_toy_metric_is_in_every_table(tmp_path):
    copy = copy_package(tmp_path / "copy")
    (copy / "metrics" / "toy.py").write_text(TOY, encoding="utf-8")
    add_line(copy / "metrics" / "__init__.py", "import ThresholdPoint", "from unseam.metrics.toy import Toy")
    add_line(copy / "metrics" / "__init__.py", "    | ThresholdScan", "    | Toy")
    truth = np.zeros((20, 30), np.uint8)
    truth[5:15, 5:15] = 1
    for kind, folder in (("binary", tmp_path / "classes"), ("instances", tmp_path / "objects")):
        folder.mkdir()
        tifffile.imwrite(folder / "truth.tif", truth)
        tifffile.imwrite(folder / "predicted.tif", np.roll(truth, 2, axis=1))
        files = (folder / "predicted.tif", folder / "truth.tif", "--masks", kind)
        scores, page = folder / "scores.json", folder / "page.html"
        said = run_python(copy, ["-m", "unseam", "evaluate", *files, "--json", scores, "--report", page])
        assert json.loads(scores.read_text())["all"]["toy_share"] == 80 / 600
        assert "Toy" in said.splitlines()[1].split()[1:3]
        assert "Toy: share of pixels that are foreground twice; 1 is best" in said
        text = page.read_text(encoding="utf-8")
        assert '<th scope="col">Toy</th>' in text
        assert "<dt>Toy</dt><dd>share of pixels that are foreground twice; 1 is best</dd>" in text
    code = """
import numpy as np
from unseam.metrics import evaluate_class_maps
print(evaluate_class_maps([("a", np.array([[0, 1]]), np.array([[1, 1]]))]).pooled()["toy_share"])
"""
    assert run_python(copy, code) == "0.5\n"
