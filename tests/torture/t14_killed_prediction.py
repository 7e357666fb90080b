"""Prediction of many files is killed at any moment, goes on with --skip-existing, and writes the same bytes

Eight images, three results each. Nothing finished is computed again, and nothing is left beside the results. At the end three
processes share one folder: each image is computed by one of them.
"""

import random
import shutil
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from torture.children import child, ended
from torture.harness import Result, Scale
from torture.trainee import begin_or_go_on, predict_all, write_data

_IMAGES = 8


def run(scale: Scale) -> Result:
    wanted = scale.of(3, 100)
    chance = random.Random(scale.seed)
    data, model, images = write_data(scale.folder / "data"), scale.folder / "model", scale.folder / "many"
    assert ended(child(begin_or_go_on, data, model)) == 0
    images.mkdir()
    for index in range(_IMAGES):
        Image.open(data / "images/a.png").resize((400 + 20 * index, 380)).save(images / f"{index}.png")
    began = time.monotonic()
    assert ended(child(predict_all, model, images, scale.folder / "whole", scale.folder / "whole.log")) == 0
    took = time.monotonic() - began
    whole = _bytes(scale.folder / "whole")
    assert len(whole) == 3 * _IMAGES
    out, log = scale.folder / "out", scale.folder / "log"
    kills = silent = 0
    lost: list[str] = []
    while kills < wanted:
        process = child(predict_all, model, images, out, log)
        process.join(chance.uniform(0, 1.1 * took))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
            continue
        lost += _lost(process.exitcode, out, whole)
        silent += _computed_twice(log)
        shutil.rmtree(out)
        log.unlink()
    lost += _lost(ended(child(predict_all, model, images, out, log)), out, whole)
    silent += _computed_twice(log)
    shared, log = scale.folder / "shared", scale.folder / "shared.log"
    together = [child(predict_all, model, images, shared, log) for _ in range(3)]
    codes = [ended(process) for process in together]
    lost += _lost(max(codes, key=lambda code: code != 0), shared, whole)
    silent += _computed_twice(log)
    return Result("T14", kills, len(lost), silent, "; ".join(["silent: an image computed twice", *lost[:5]]))


def _lost(code: int | None, out: Path, whole: dict[str, bytes]) -> list[str]:
    """What is not as it should be, in words; nothing if all is."""
    found = _bytes(out)
    wrong = sorted(name for name in found.keys() | whole.keys() if found.get(name) != whole.get(name))
    return [f"exit code {code}, not as they should be: {', '.join(wrong) or 'none'}"] if code != 0 or wrong else []


def _computed_twice(log: Path) -> int:
    """Images that were finished twice, or begun with all three results there."""
    lines = [line.split() for line in log.read_text().splitlines()]
    finished = Counter(words[1] for words in lines if words[0] == "finished")
    return sum(number > 1 for number in finished.values()) + sum(words[0] == "begun" and words[2] == "3" for words in lines)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
