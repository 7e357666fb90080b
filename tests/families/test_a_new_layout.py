"""A folder layout is one new file and one line."""

import numpy as np

from families.package_copy import add_line, copy_package, run_python
from unseam.io import write_image

LAYOUT = """
from dataclasses import replace
from unseam.data.challenge_layouts import find_one_file_per_object

def toy(folder):
    found = find_one_file_per_object(folder / "toy") if (folder / "toy").is_dir() else None
    return found and replace(found, layout="a toy layout")
"""


def test_a_toy_layout_is_found(tmp_path):
    copy, data, rng = copy_package(tmp_path), tmp_path / "data", np.random.default_rng(0)
    (copy / "data/toy_layout.py").write_text(LAYOUT, encoding="utf-8")
    add_line(copy / "data/layout.py", "import DataError", "from unseam.data.toy_layout import toy")
    add_line(copy / "data/layout.py", "_training_folder,", "    toy,")
    cell = np.zeros((64, 64), np.uint8)
    cell[8:30, 8:30] = 255
    for folder in ("images", "masks"):
        (data / "toy/one" / folder).mkdir(parents=True)
    write_image(data / "toy/one/images/one.png", (cell // 2 + rng.integers(0, 60, cell.shape)).astype(np.uint8))
    for name, mask in (("a", cell), ("b", cell[::-1, ::-1])):
        write_image(data / f"toy/one/masks/{name}.png", np.ascontiguousarray(mask))
    code = f"""
from pathlib import Path
from unseam.data.annotated import read_annotated
said = []
(one,) = read_annotated(Path({str(data)!r}), said.append).images
assert one.name == "one" and "a toy layout" in said[0], (one.name, said)
"""
    run_python(copy, code)
