"""The networks of a cross-validation, kept together in one model."""

from collections.abc import Sequence

from torch import Tensor, nn

from unseam.geometry import Geometry
from unseam.nets.base import Net


class Ensemble(Net):
    """One or more networks with the same settings. :class:`unseam.engines.EnsembleEngine` averages their probabilities."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        assert members, "the mean of no network"
        assert all(net.config == members[0].config for net in members)
        self.members = nn.ModuleList(members)
        self.config = members[0].config  # type: ignore[assignment]

    @property
    def geometry(self) -> Geometry:
        return members_of(self)[0].geometry

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        return members_of(self)[0].geometries

    @property
    def last_bias(self) -> Tensor:
        raise AssertionError("each member has its own last bias")


def members_of(net: nn.Module) -> tuple[Net, ...]:
    """Return the networks of an ensemble; any other network is its only member."""
    return tuple(net.members) if isinstance(net, Ensemble) else (net,)  # type: ignore[return-value, arg-type]
