"""The energy of Eq. 1: pixel-wise soft-max over the final feature map, combined with the weighted cross entropy."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from unseam.errors import SettingsError
from unseam.shapes import IGNORE


@dataclass(frozen=True)
class WeightedCrossEntropy:
    """E = - mean over annotated pixels x of w(x) log p_l(x)(x), p the soft-max of the logits and l(x) the true class.

    Attributes
    ----------
    class_weights
        One factor per class, in the order of the classes; it multiplies w(x). Empty: 1 for each.

    Source: paper, section 3, Eq. 1.

    Departs: the paper sums over the tile. We take the mean over its annotated pixels, so that the step does not grow with the
    tile, and a sparsely annotated tile counts as much as a full one. Pixels of class ``IGNORE`` do not count: unannotated is
    not background. The paper prints Eq. 1 without the minus sign that makes it fall in training.

    Examples
    --------
    >>> logits = torch.zeros(1, 2, 1, 2)
    >>> classes = torch.tensor([[[1, IGNORE]]], dtype=torch.uint8)
    >>> round(float(WeightedCrossEntropy()(logits, classes)), 4)  # ln 2, from the one annotated pixel
    0.6931
    """

    class_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(0 <= weight <= 1e6 for weight in self.class_weights):
            raise SettingsError(
                f"class_weights are {self.class_weights}. Each may be 0 to 1e6; 1 leaves a class unchanged, 0 switches it off."
            )

    def __call__(
        self,
        logits: Float[Tensor, "batch klass height width"],
        classes: UInt8[Tensor, "batch height width"],
        weights: Float[Tensor, "batch height width"] | None = None,
    ) -> Float[Tensor, ""]:
        """Compute the energy of a batch; 0 if it has no annotated pixel.

        Parameters
        ----------
        logits
            (B, K, H, W), before the soft-max.
        classes
            True classes (B, H, W), ``IGNORE`` where not annotated.
        weights
            w(x) of Eq. 2 (B, H, W); by default 1 everywhere.

        Raises
        ------
        SettingsError
            There are class weights, but not one for each class.
        """
        if self.class_weights and len(self.class_weights) != logits.shape[1]:
            raise SettingsError(
                f"Got {len(self.class_weights)} class weights for {logits.shape[1]} classes. Give one for each class, or none."
            )
        class_weights = None
        if self.class_weights:  # made on the host: a tensor made on the device would make the host wait
            class_weights = torch.tensor(self.class_weights).to(logits.device, non_blocking=True)
        per_pixel_BHW = F.cross_entropy(
            logits.float(), classes.long(), weight=class_weights, ignore_index=IGNORE, reduction="none"
        )
        if weights is not None:
            per_pixel_BHW = per_pixel_BHW * weights
        num_annotated = (classes != IGNORE).sum()
        return per_pixel_BHW.sum() / num_annotated.clamp(min=1)
