"""``unseam demo``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unseam.cli.console import Console


def demo(*, out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("demo"), minutes: float = 2.0) -> bool:
    """Train on real micrographs that ship with the package, segment another one, and score the result.

    Parameters
    ----------
    out
        Folder for the model, the segmentation, an overlay picture and the report.
    minutes
        How long to train.
    """
    from unseam.api.demo import run_demo
    from unseam.cli.table import print_scores

    with Console() as console:
        result = run_demo(out, minutes, console.watch())
    print("\nScores on a micrograph of another animal, not used for training: 1 = myelin, 2 = axon\n")
    print_scores(result.scores)
    print(f"\n{result.seconds / 60:.1f} minutes in total. Look at:")
    for path in result.files:
        print(f"  {path}")
    return True
