"""The tables of the paper next to ours. Each experiment trains with the paper's recipe, within a budget, and is scored."""

from collections.abc import Callable, Mapping
from functools import partial

from unseam.api.reproduce.cells import DIC_HELA, PHC_U373, tracking
from unseam.api.reproduce.experiment import ExperimentCall
from unseam.api.reproduce.membranes import isbi2012
from unseam.api.reproduce.table import PaperRow, PaperTable

EXPERIMENTS: Mapping[str, Callable[[ExperimentCall], PaperTable]] = {
    "isbi2012": isbi2012,
    "phc-u373": partial(tracking, PHC_U373),
    "dic-hela": partial(tracking, DIC_HELA),
}
"""Every table that can be reproduced. The list is closed."""

__all__ = ["ExperimentCall", "EXPERIMENTS", "PaperTable", "PaperRow"]
