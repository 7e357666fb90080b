"""Checks before the first step of a run, and the network that fits its data."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import torch

from unseam.data.prepare import Prepared
from unseam.data.resolution import choose_resolution
from unseam.data.split import Split
from unseam.errors import DataError, SettingsError
from unseam.nets import NetConfig, UNetConfig
from unseam.recipes.run import Run
from unseam.settings import table_name


def choose_net(run: Run, prepared: Prepared, tell: Callable[[str], None] = lambda _: None) -> NetConfig:
    """Return the recipe's network with the channels, classes and resolution of the data.

    Raises SettingsError if the recipe sets other channels or classes, or a network for volumes.
    """
    if isinstance(run.net, UNetConfig) and run.net.dims == 3:
        raise SettingsError("net.dims = 3: training reads planes, not volumes. Leave it out: planes of a stack are images.")
    given = type(run.net)()
    for name, found in (("in_channels", prepared.channels), ("num_classes", prepared.num_logits)):
        asked = getattr(run.net, name)
        if asked not in (getattr(given, name), found):
            raise SettingsError(f"net: {name} is set to {asked}, but the data have {found}. Leave it out: the data decide.")
    net = replace(run.net, in_channels=prepared.channels, num_classes=prepared.num_logits)
    if isinstance(net, UNetConfig) and net.resolution == "auto":
        resolution, reason = choose_resolution(prepared.samples)
        tell(reason)
        net = replace(net, resolution=resolution)
    return net


def check_energy(run: Run, prepared: Prepared) -> None:
    """Raise SettingsError if the energy does not fit the head or the number of classes."""
    energies = prepared.head.energies()
    if not isinstance(run.energy, energies):
        known = ", ".join(table_name(energy) for energy in get_args(energies) or (energies,))
        raise SettingsError(
            f"energy: the head {table_name(type(prepared.head))} cannot learn by {table_name(type(run.energy))}, only by "
            f"{known}. Set one of these, or another head."
        )
    pixel = torch.zeros(1, 1, 1)
    planes = (pixel for _ in prepared.samples[0].planes)
    try:
        prepared.head.energy_of(run.energy)(torch.zeros(1, prepared.num_logits, 1, 1), pixel.to(torch.uint8), pixel, *planes)
    except SettingsError as error:
        names = ", ".join(prepared.reading.class_names)
        raise SettingsError(f"{error} The classes of the data, in order: {names}.") from error


def check_classes(parts: Split, prepared: Prepared, tell: Callable[[str], None]) -> None:
    """Raise DataError if fewer than two classes are annotated; report classes that are declared and not annotated."""
    seen = np.zeros(256, dtype=bool)
    for sample in parts.training:
        seen |= np.bincount(sample.classes.ravel(), minlength=256) > 0
    names = prepared.reading.class_names
    found = [name for index, name in enumerate(names) if seen[index]]
    missing = [name for index, name in enumerate(names) if not seen[index]]
    if len(found) < 2:
        raise DataError(
            f"All annotated pixels are of one class ({', '.join(found) or 'none'}); training needs at least two. Annotate "
            f"{' and '.join(missing)} as well."
        )
    if missing:
        tell(f"no pixel is annotated as {', '.join(missing)}: the network cannot learn to find it")
