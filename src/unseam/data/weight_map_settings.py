"""The settings of Eq. 2 (paper, section 3), as a run holds them."""

from dataclasses import dataclass

from unseam.settings import check_range


@dataclass(frozen=True)
class WeightMapSettings:
    """w(x) of Eq. 2.

    Attributes
    ----------
    w0
        Weight of the gap between two objects that touch; 0 switches the term off.
    sigma
        How fast it falls with the distance to the two nearest objects, px.
    balance
        Class weights are frequencies to the power of minus this: 1 balances the classes, 0 leaves them alone.
    """

    w0: float = 10.0
    sigma: float = 5.0
    balance: float = 1.0

    def __post_init__(self) -> None:
        check_range("weight_map", "w0", self.w0, 0.0, 1e4)
        check_range("weight_map", "sigma", self.sigma, 0.1, 100.0)
        check_range("weight_map", "balance", self.balance, 0.0, 1.0)
