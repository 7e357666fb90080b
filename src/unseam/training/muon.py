"""Muon: the momentum of each convolution is made orthogonal before the step, so that all directions of a layer move alike.

Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". Not in the paper.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)  # of the source: drives singular values to between 0.7 and 1.2 in five rounds
_ROUNDS = 5
_BETAS, _EPSILON = (0.9, 0.99), 1e-8  # of Adam


class MuonAndAdam(torch.optim.Optimizer):
    """Muon for the kernels of the 3x3 and up-convolutions, Adam for all other numbers.

    Both in one optimiser, so that a checkpoint and the schedule see a single one.

    Parameters
    ----------
    weights
        All weights of a network.
    learning_rate
        Length of a step of a kernel, as a share of an orthogonal one.
    momentum
        Share of the mean gradient of a kernel that a step keeps.
    of_others
        Learning rate of Adam, as a share of ``learning_rate``.
    """

    def __init__(self, weights: Iterable[Tensor], learning_rate: float, momentum: float, of_others: float) -> None:
        super().__init__(weights, {"lr": learning_rate})
        self.momentum, self.of_others = momentum, of_others

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            moved = [weight for weight in group["params"] if weight.grad is not None]
            self._step_of_kernels([weight for weight in moved if _is_kernel(weight)], group["lr"])
            self._step_of_others([weight for weight in moved if not _is_kernel(weight)], group["lr"] * self.of_others)

    def _step_of_kernels(self, kernels: list[Tensor], rate: float) -> None:
        if not kernels:
            return
        means = [self._memory_of(kernel, "momentum_buffer") for kernel in kernels]
        gradients = _gradients(kernels)
        torch._foreach_lerp_(means, gradients, 1 - self.momentum)
        ahead = torch._foreach_lerp(gradients, means, self.momentum)  # Nesterov: the gradient counts once more
        for kernel, matrix in zip(kernels, orthogonal([mean.flatten(1) for mean in ahead]), strict=True):
            rows, columns = matrix.shape
            kernel.sub_(matrix.view(kernel.shape), alpha=rate * math.sqrt(max(1.0, rows / columns)))

    def _step_of_others(self, weights: list[Tensor], rate: float) -> None:
        if not weights:
            return
        gradients = _gradients(weights)
        means = [self._memory_of(weight, "exp_avg") for weight in weights]
        squares = [self._memory_of(weight, "exp_avg_sq") for weight in weights]
        for weight in weights:
            self.state[weight]["step"] = self.state[weight].get("step", 0.0) + 1.0
        step = self.state[weights[0]]["step"]
        torch._foreach_lerp_(means, gradients, 1 - _BETAS[0])
        torch._foreach_mul_(squares, _BETAS[1])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - _BETAS[1])
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, math.sqrt(1 - _BETAS[1] ** step))
        torch._foreach_add_(roots, _EPSILON)
        torch._foreach_addcdiv_(weights, means, roots, -rate / (1 - _BETAS[0] ** step))

    def _memory_of(self, weight: Tensor, name: str) -> Tensor:
        state = self.state[weight]
        if name not in state:
            state[name] = torch.zeros_like(weight)
        memory: Tensor = state[name]
        return memory


def _gradients(weights: Sequence[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]


def _is_kernel(weight: Tensor) -> bool:
    """Whether this is the kernel of a 3x3 or an up-convolution: not a bias, a factor of a normalisation, or the last layer."""
    return weight.dim() >= 4 and weight.shape[-1] > 1


def orthogonal(matrices: Sequence[Float[Tensor, "_ _"]]) -> list[Float[Tensor, "_ _"]]:
    """Return about the nearest matrices whose singular values are all 1, by Newton and Schulz's iteration.

    A round multiplies a matrix X by p(X X'), a polynomial of its small product with itself. All rounds together are therefore
    one small matrix, which the products X X' alone determine: X is multiplied twice instead of ten times. Matrices with equally
    many rows take their rounds together. The dtype of the results is float32.
    """
    wide = [matrix.T if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    found: list[Tensor] = [*matrices]
    with torch.autocast(matrices[0].device.type, enabled=False):
        for rows in sorted({len(matrix) for matrix in wide}):
            chosen = [index for index, matrix in enumerate(wide) if len(matrix) == rows]
            products = torch.stack([wide[index].float() @ wide[index].float().T for index in chosen])
            for index, factor in zip(chosen, _factors(products), strict=True):
                result = factor @ wide[index].float()
                found[index] = result.T if matrices[index] is not wide[index] else result
    return found


def _factors(products: Float[Tensor, "number rows rows"]) -> Float[Tensor, "number rows rows"]:
    """Return what each X is multiplied by, from X X'."""
    squared_norm = products.diagonal(dim1=1, dim2=2).sum(dim=1).clamp(min=1e-30)[:, None, None]
    g, (a, b, c) = products / squared_norm, _QUINTIC
    identity = torch.eye(g.shape[1], device=g.device)
    factor = identity / squared_norm.sqrt()
    for _ in range(_ROUNDS):
        polynomial = torch.baddbmm(a * identity + b * g, g, g, alpha=c)
        factor = polynomial @ factor
        g = polynomial @ g @ polynomial
    return factor
