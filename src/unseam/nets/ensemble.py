"""Several networks of one kind as one: what cross-validation leaves, averaged."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unseam.geometry import Geometry


class Ensemble(nn.Module):
    """The mean of the probabilities of its members, as logits.

    The logarithm of a probability is a valid logit: the soft-max of log p is p. So whatever knows networks knows this one.
    One member computes at a time: beside all weights, the memory is that of one network.

    Parameters
    ----------
    members
        One or more, with the same settings.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        assert members, "the mean of no network"
        assert all(net.config == members[0].config for net in members)
        self.members = nn.ModuleList(members)
        self.config = members[0].config

    @property
    def geometry(self) -> Geometry:
        """That of each member."""
        geometry = self.members[0].geometry
        assert isinstance(geometry, Geometry)
        return geometry

    def forward(self, image: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch klass rows cols"]:
        """log of the mean over the members of soft-max, for the pixels whose whole context lies in the input."""
        total: Tensor | None = None
        for net in self.members:
            logits = net(image)
            logits = logits if logits.dtype == torch.float64 else logits.float()
            log_of_p = logits.log_softmax(dim=1)
            total = log_of_p if total is None else torch.logaddexp(total, log_of_p)
        assert total is not None
        return total - torch.tensor(len(self.members), dtype=total.dtype).log()


def members_of(net: nn.Module) -> tuple[nn.Module, ...]:
    """The networks of an ensemble; of any other network itself."""
    return tuple(net.members) if isinstance(net, Ensemble) else (net,)
