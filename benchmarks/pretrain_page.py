"""The page of ``pretrain.py``: the scores of all networks that lie in a folder, as benchmarks/results/networks.md."""

import json
from collections.abc import Sequence
from pathlib import Path

from common import heading, write_result

COLUMNS = ("f1_measured", "f1", "seg", "pq")
TEXT = """# Networks that ship: scores on images that they have not seen

{heading}

Objects of the prediction and of the truth match at an IoU above 0.5; F1, SEG (mean over true objects) and PQ are pooled over
the images of a row. "F1, size measured" is what `unseam predict` gives: the network measures how large objects are. The other
figures are for the true median diameter of each image (`--diameter`). "size" is the median ratio of both. A row of a network
*without* a set says how well it does on images of a kind that no training image is of; dsb2018 and bbbc039-u2os-nuclei are left
out together. Threshold and split were chosen on training images. Of images larger than 1024 px at the scale of the network
the middle is scored.

`cells` was trained and does not ship ([log](../../docs/log.md#networks-that-ship)). In colicoords-ecoli-brightfield only the
neighbourhood of annotated cells counts, which makes its figures too good.

| network | steps | images of | seen before | images | F1, size measured | F1 | SEG | PQ | size |
|---|---:|---|---|---:|---:|---:|---:|---:|---:|
{rows}
"""


def write_page(folder: Path, results: Path) -> None:
    """Join the score files of a folder into one result and its page."""
    found = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    lines = [line for one in found for line in rows_of(one)]
    text = TEXT.format(heading=heading(found[0]), rows="\n".join(lines))
    write_result(results, "networks", {"networks": found}, text)


def rows_of(result: dict) -> Sequence[str]:
    name, *left_out = result["network"].split("-without-")
    name = " without ".join([name, " and ".join(left_out)]) if left_out else name
    lines = []
    for row in result["scores"]:
        cells = [f"{row[key]:.3f}" if row[key] is not None else "" for key in COLUMNS]
        ratio = f"{row['size_ratio']:.2f}" if row["size_ratio"] is not None else ""
        lines.append(
            f"| {name} | {result['steps']} | {row['set']} | {row['seen']} | {row['images']} | {' | '.join(cells)} | {ratio} |"
        )
    return lines
