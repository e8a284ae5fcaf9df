"""Learns the transform of one layer: P1, P2, a scale a channel, and clipping (paper, Section 3.1).

P_i = U diag(s) Vᵀ; U and V stay orthogonal through the Cayley map: the inverse is V diag(1/s) Uᵀ.
The loss is the layer's squared error after rounding both operands, relative to the answer's energy;
gradients pass roundings straight through. Adam with a falling rate, as the authors have it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from prototypes.flatquant.layout import Factors

RATE = 5e-3
CLIP_RATE = 10 * RATE
LAST_RATE = 1e-3
"""Share of the rate that is left in the last step."""
FIRST_LOGIT = 4.0
"""Clipping starts at sigmoid(4) = 0.982 of the largest magnitude."""
ALPHA = 0.3
"""The channel scales start at max|x|^α / max|w|^(1-α)."""
FIRST_DECAY, SECOND_DECAY = 0.9, 0.999
BATCH = 128


@dataclass(frozen=True, slots=True)
class Bits:
    """What weights and activations are rounded to; 16 leaves them alone."""

    weights: int
    tokens: int

    @property
    def weight_limit(self) -> float:
        """The largest integer of a weight."""
        return 2.0 ** (self.weights - 1) - 1

    @property
    def token_limit(self) -> float:
        """The largest integer of an activation."""
        return 2.0 ** (self.tokens - 1) - 1


@dataclass(frozen=True, slots=True)
class Learned:
    """A layer's transform, in float32: x/channels goes in, and weights·channels.

    channels (n,), left (n1, n1), right (n2, n2); clipping as a share of the largest magnitude.
    """

    channels: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    token_clip: float
    weight_clip: torch.Tensor
    """Of each row of weights that it was learned on."""
    losses: tuple[float, ...]
    """The relative squared error before each step."""


class _Orthogonal:
    """U = U0 (I - A)(I + A)⁻¹ with A skew: a free matrix of numbers, always orthogonal."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        noise = torch.randn(size, size, generator=generator, device=generator.device)
        self.first = torch.linalg.qr(noise)[0]
        self.free = torch.zeros(size, size, device=generator.device, requires_grad=True)
        self.one = torch.eye(size, device=generator.device)

    def matrix(self) -> torch.Tensor:
        skew = self.free - self.free.T
        cayley: torch.Tensor = torch.linalg.solve(self.one + skew, self.one - skew)
        turned: torch.Tensor = self.first @ cayley
        return turned


class _Factor:
    """One of the two small matrices: U diag(exp s) Vᵀ, and its inverse."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self.u, self.v = _Orthogonal(size, generator), _Orthogonal(size, generator)
        self.s = torch.zeros(size, device=generator.device, requires_grad=True)

    @property
    def free(self) -> list[torch.Tensor]:
        return [self.u.free, self.v.free, self.s]

    def both(self) -> tuple[torch.Tensor, torch.Tensor]:
        u, v = self.u.matrix(), self.v.matrix()
        return (u * self.s.exp()) @ v.T, (v * (-self.s).exp()) @ u.T


class _Adam:
    """Adam with a rate for each tensor: torch's own brings in its compiler, which takes seconds."""

    def __init__(self, free: list[torch.Tensor], rates: list[float]) -> None:
        self.free, self.rates = free, rates
        self.mean = [torch.zeros_like(tensor) for tensor in free]
        self.square = [torch.zeros_like(tensor) for tensor in free]
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor], share: float) -> None:
        """Move every tensor by its gradient, at this share of its rate."""
        self.steps += 1
        of_mean, of_square = (1 - decay**self.steps for decay in (FIRST_DECAY, SECOND_DECAY))
        for tensor, rate, gradient, mean, square in zip(
            self.free, self.rates, gradients, self.mean, self.square, strict=True
        ):
            mean.lerp_(gradient, 1 - FIRST_DECAY)
            square.lerp_(gradient.square(), 1 - SECOND_DECAY)
            spread = (square / of_square).sqrt_().add_(1e-8)
            tensor.addcdiv_(mean, spread, value=-rate * share / of_mean)


def rounded(rows: torch.Tensor, limit: float, clip: torch.Tensor | float = 1.0) -> torch.Tensor:
    """Return rows as they are after rounding; the gradient passes the rounding straight through."""
    largest = rows.abs().amax(1, keepdim=True) * clip
    scale = (largest / limit).clamp(min=1e-30)
    stretched = rows / scale
    whole = stretched + (stretched.round() - stretched).detach()
    return whole.clamp(-limit - 1, limit) * scale


def turned(rows: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return leftᵀ x right of each row (r, n) seen as (n1, n2)."""
    seen = rows.view(-1, left.shape[0], right.shape[0])
    return torch.matmul(torch.matmul(left.T, seen), right).reshape(rows.shape)


def smoothing(tokens: torch.Tensor, weights: torch.Tensor, alpha: float) -> torch.Tensor:
    """Return channel scales max|x|^α / max|w|^(1-α), (n,), their geometric mean 1."""
    of_tokens = tokens.float().abs().amax(0).clamp(min=1e-5)
    of_weights = weights.float().abs().amax(0).clamp(min=1e-5)
    logs = alpha * of_tokens.log() - (1 - alpha) * of_weights.log()
    return (logs - logs.mean()).exp()


def learn(
    tokens: torch.Tensor, weights: torch.Tensor, factors: Factors, bits: Bits, steps: int, seed: int
) -> Learned:
    """Learn from tokens (t, n) and rows of weights (m, n), on the device where they are."""
    generator = torch.Generator(device=tokens.device).manual_seed(seed)
    x, w = tokens.float(), weights.float()
    left, right = (_Factor(size, generator) for size in (factors.n1, factors.n2))
    channels = smoothing(x, w, ALPHA).log().requires_grad_()
    token_logit = torch.full((), FIRST_LOGIT, device=x.device, requires_grad=True)
    weight_logits = torch.full((len(w), 1), FIRST_LOGIT, device=x.device, requires_grad=True)
    slow = [*left.free, *right.free, channels]
    free = [*slow, token_logit, weight_logits]
    adam = _Adam(free, [RATE] * len(slow) + [CLIP_RATE] * 2)
    losses = []
    for step in range(steps):
        chosen = torch.randint(len(x), (min(BATCH, len(x)),), generator=generator, device=x.device)
        p1, inverse1 = left.both()
        p2, inverse2 = right.both()
        scale = channels.exp()
        seen = rounded(turned(x[chosen] / scale, p1, p2), bits.token_limit, token_logit.sigmoid())
        stored = rounded(
            turned(w * scale, inverse1.T, inverse2.T), bits.weight_limit, weight_logits.sigmoid()
        )
        exact = x[chosen] @ w.T
        loss = (seen @ stored.T - exact).square().sum() / exact.square().sum()
        losses.append(loss.detach())
        falling = 0.5 * (1 + math.cos(math.pi * step / steps))
        adam.step(torch.autograd.grad(loss, free), LAST_RATE + (1 - LAST_RATE) * falling)
    with torch.no_grad():
        return Learned(
            channels=channels.exp(),
            left=left.both()[0],
            right=right.both()[0],
            token_clip=float(token_logit.sigmoid()),
            weight_clip=weight_logits.sigmoid()[:, 0],
            losses=tuple(torch.stack(losses).tolist()),
        )
