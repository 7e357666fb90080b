"""A folder layout is one new file and one line."""

import numpy as np

from families.package_copy import add_line, copy_package, run_python
from unseam.io import write_image

LAYOUT = '''
from unseam.data.pairs import Pair, Pairs

def toy(folder):
    """``x.png`` is the image and ``toy-of-x.png`` its mask."""
    masks = sorted(folder.glob("toy-of-*.png"))
    pairs = tuple(Pair(mask.stem[7:], (folder / mask.name[7:],), (mask,)) for mask in masks)
    return Pairs(folder, pairs, "a toy layout") if pairs else None
'''


def test_a_toy_layout_is_found(tmp_path):
    copy, data, rng = copy_package(tmp_path), tmp_path / "data", np.random.default_rng(0)
    (copy / "data/toy_layout.py").write_text(LAYOUT, encoding="utf-8")
    add_line(copy / "data/layout.py", "import DataError", "from unseam.data.toy_layout import toy")
    add_line(copy / "data/layout.py", "_training_folder,", "    toy,")
    data.mkdir()
    mask = np.zeros((64, 64), np.uint8)
    mask[8:30, 8:30] = mask[36:60, 36:60] = 255
    write_image(data / "one.png", (mask // 2 + rng.integers(0, 60, mask.shape)).astype(np.uint8))
    write_image(data / "toy-of-one.png", mask)
    code = f"""
from pathlib import Path
from unseam.data.annotated import read_annotated
said = []
(one,) = read_annotated(Path({str(data)!r}), said.append).images
assert one.name == "one" and "a toy layout" in said[0], (one.name, said)
"""
    run_python(copy, code)
