"""The tables of the paper beside ours: each experiment is trained by the paper's recipe, within a budget, and scored."""

from collections.abc import Callable, Mapping
from functools import partial

from unseam.api.reproduce.cells import DIC_HELA, PHC_U373, tracking
from unseam.api.reproduce.experiment import Asked
from unseam.api.reproduce.membranes import isbi2012
from unseam.api.reproduce.table import PaperTable, Row

EXPERIMENTS: Mapping[str, Callable[[Asked], PaperTable]] = {
    "isbi2012": isbi2012,
    "phc-u373": partial(tracking, PHC_U373),
    "dic-hela": partial(tracking, DIC_HELA),
}
"""The closed list: every table that can be reproduced."""

__all__ = ["Asked", "EXPERIMENTS", "PaperTable", "Row"]
