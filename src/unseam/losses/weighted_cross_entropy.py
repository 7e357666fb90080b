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
        One factor per class, in the order of the classes; multiplies w(x). Empty: 1 for each.

    Source: paper, section 3, Eq. 1.

    Departs: the paper sums over the tile, we take the mean over its annotated pixels, so that the step does not grow
    with the tile and a sparsely annotated tile counts no less than a full one. Pixels whose class is ``IGNORE`` count
    nothing: unlabelled is not background. The paper prints Eq. 1 without the minus sign that makes it fall in training.

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
                f"Class weights came as {self.class_weights}. Each may be 0 to 1e6; 1 leaves a class alone, "
                "0 switches it off."
            )

    def __call__(
        self,
        logits: Float[Tensor, "batch klass height width"],
        classes: UInt8[Tensor, "batch height width"],
        weights: Float[Tensor, "batch height width"] | None = None,
    ) -> Float[Tensor, ""]:
        """The energy of a batch.

        Parameters
        ----------
        logits
            (B, K, H, W), before the soft-max.
        classes
            True classes (B, H, W), ``IGNORE`` where the mask is not annotated.
        weights
            w(x) of Eq. 2 (B, H, W); 1 everywhere if left out.

        Returns
        -------
        energy
            A number; 0 if no pixel of the batch is annotated.

        Raises
        ------
        SettingsError
            If there are class weights, but not one for each class.
        """
        if self.class_weights and len(self.class_weights) != logits.shape[1]:
            raise SettingsError(
                f"{len(self.class_weights)} class weights came for {logits.shape[1]} classes. "
                "Give one for each class, or none."
            )
        class_weights = None
        if self.class_weights:  # not made on the device, for which the host would wait
            class_weights = torch.tensor(self.class_weights).to(logits.device, non_blocking=True)
        per_pixel_BHW = F.cross_entropy(
            logits.float(), classes.long(), weight=class_weights, ignore_index=IGNORE, reduction="none"
        )
        if weights is not None:
            per_pixel_BHW = per_pixel_BHW * weights
        num_annotated = (classes != IGNORE).sum()
        return per_pixel_BHW.sum() / num_annotated.clamp(min=1)
