"""``unseam reproduce``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unseam.cli.console import Console, Terminal


def reproduce(
    table: Literal["isbi2012", "phc-u373", "dic-hela"],
    /,
    *,
    data: Path,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    minutes: float = 60.0,
    recipe: str = "paper",
    average: Literal["none", "rotations", "flips"] = "rotations",
    device: str = "auto",
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    resume: Annotated[bool, Parameter(negative=())] = False,
) -> bool:
    """Train as the paper did, and print the paper's scores next to ours, with all differences.

    Also writes table.md and table.json next to the model. The paper trained for ten hours on a GPU. A CPU makes only a few
    steps of that recipe per minute, too few to learn; --recipe default shows what is possible in little time.

    Parameters
    ----------
    table
        isbi2012: membranes in electron micrographs (table 1). phc-u373, dic-hela: cells of the Cell Tracking Challenge
        (table 2).
    data
        Folder of the challenge's data: train-volume.tif and train-labels.tif (or images and masks, one slice per file); or the
        sequences 01 and 02 with 01_GT/SEG and 02_GT/SEG.
    out
        Folder for the model and the table. Default: reproduced-TABLE.
    minutes
        How long to train.
    recipe
        paper, or another recipe of unseam train, such as default, which is made for little time.
    average
        The paper averages over seven rotations. none is seven times as fast.
    device
        auto, cpu, cuda, ...
    set_
        Any setting of the recipe, as path.to.setting=value; repeat for several. The table lists the changes.
    resume
        Continue the run in --out with the same recipe. A larger --minutes trains it for longer.
    """
    from rich.table import Table

    from unseam.api.reproduce import EXPERIMENTS, ExperimentCall

    folder = out or Path(f"reproduced-{table}")
    with Console() as console:
        call = ExperimentCall(data, folder, minutes, recipe, set_, average, device, console.watch(), resume)
        result = EXPERIMENTS[table](call)
    head, *rows = result.lines()
    shown = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for index, title in enumerate(head):
        shown.add_column(title, justify="right" if index else "left")
    for row in rows:
        shown.add_row(*row, style="bold" if row[0].startswith("ours") else "")
    print(f"{result.title}\n")
    Terminal(width=None if console.terminal.is_terminal else 120).print(shown)
    print("\nWhat differs:")
    for sentence in result.differences:
        print(f"- {sentence}")
    print(f"\ntable: {folder / 'table.md'}")
    return True
