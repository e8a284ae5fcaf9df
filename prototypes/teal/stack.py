"""A small stack of Llama's blocks with random weights: what sparsity does to a model's output.

No trained model, so no perplexity: the divergence from the dense stack's distribution and how
often the most probable token stays are proxies, for comparing ways to spend one sparsity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

LINEARS = ("q", "k", "v", "o", "gate", "up", "down")
READS = {"q": "in", "k": "in", "v": "in", "o": "mixed", "gate": "mid", "up": "mid", "down": "wide"}
"""Which of a block's four hidden states each linear reads."""

Thresholds = Mapping[str, "torch.Tensor | float"]
"""A threshold a linear: a number, or one a channel; a linear without one is dense."""
Weights = Mapping[str, torch.Tensor]
"""(inputs, outputs) of each linear."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the stack, in Llama 3 8B's proportions: 4 queries a key, hidden layers 3.5 wide."""

    hidden: int = 256
    wide: int = 896
    heads: int = 8
    kv_heads: int = 2
    blocks: int = 4
    vocab: int = 1024

    @property
    def head_dim(self) -> int:
        """Channels of a head."""
        return self.hidden // self.heads

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return (inputs, outputs) of each linear of a block."""
        keys = self.kv_heads * self.head_dim
        return {
            "q": (self.hidden, self.hidden),
            "k": (self.hidden, keys),
            "v": (self.hidden, keys),
            "o": (self.hidden, self.hidden),
            "gate": (self.hidden, self.wide),
            "up": (self.hidden, self.wide),
            "down": (self.wide, self.hidden),
        }


@dataclass(frozen=True, slots=True)
class Stack:
    """Blocks of weights and a head (hidden, vocab)."""

    shape: Shape
    blocks: tuple[Weights, ...]
    gains: torch.Tensor
    """Of each block's two norms, (blocks, 2, hidden): lognormal, as trained ones vary."""
    head: torch.Tensor

    @classmethod
    def random(cls, shape: Shape, device: torch.device, seed: int) -> Stack:
        """Return weights N(0, 1 / inputs) whose rows vary in size, lognormal(0.3)."""
        generator = torch.Generator(device=device).manual_seed(seed)

        def normal(*size: int) -> torch.Tensor:
            return torch.randn(size, device=device, generator=generator)

        def matrix(inputs: int, outputs: int) -> torch.Tensor:
            return normal(inputs, outputs) * (normal(inputs, 1) * 0.3).exp() / math.sqrt(inputs)

        blocks = tuple(
            {name: matrix(*size) for name, size in shape.sizes().items()}
            for _ in range(shape.blocks)
        )
        gains = (normal(shape.blocks, 2, shape.hidden) * 0.3).exp()
        return cls(shape, blocks, gains, matrix(shape.hidden, shape.vocab) * 3)

    def changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Stack:
        """Return the stack with `change` done to every linear's weights (a rounding, say)."""
        blocks = tuple({n: change(w) for n, w in block.items()} for block in self.blocks)
        return Stack(self.shape, blocks, self.gains, self.head)

    def block(
        self,
        number: int,
        x: torch.Tensor,
        thresholds: Thresholds | None = None,
        seen: dict[str, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Return a block's output (tokens, hidden), causal; `seen` is given its hidden states."""
        shape, weights, gains = self.shape, self.blocks[number], self.gains[number]
        thresholds = thresholds or {}

        def linear(name: str, given: torch.Tensor) -> torch.Tensor:
            if seen is not None:
                seen[READS[name]] = given
            if name in thresholds:
                given = torch.where(given.abs() <= thresholds[name], 0.0, given)
            return given @ weights[name]

        given = _norm(x) * gains[0]
        q = linear("q", given).view(-1, shape.heads, shape.head_dim).transpose(0, 1)
        k, v = (
            linear(name, given)
            .view(-1, shape.kv_heads, shape.head_dim)
            .repeat_interleave(shape.heads // shape.kv_heads, dim=1)
            .transpose(0, 1)
            for name in ("k", "v")
        )
        mixed = functional.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)
        x = x + linear("o", mixed[0].transpose(0, 1).reshape(len(x), shape.hidden))
        given = _norm(x) * gains[1]
        wide = functional.silu(linear("gate", given)) * linear("up", given)
        return x + linear("down", wide)

    def logits(
        self, x: torch.Tensor, thresholds: tuple[Thresholds, ...] | None = None
    ) -> torch.Tensor:
        """Return logits (tokens, vocab) of embedded tokens x (tokens, hidden)."""
        for number in range(len(self.blocks)):
            x = self.block(number, x, thresholds[number] if thresholds else None)
        return _norm(x) @ self.head


def embedded(shape: Shape, tokens: int, device: torch.device, seed: int) -> torch.Tensor:
    """Return tokens' embeddings (tokens, hidden), N(0, 1)."""
    generator = torch.Generator(device=device).manual_seed(seed)
    return torch.randn((tokens, shape.hidden), device=device, generator=generator)


@dataclass(frozen=True, slots=True)
class Loss:
    """How far a changed stack's predictions are from the dense one's."""

    divergence: float
    """Kullback-Leibler, nats a token, dense against changed."""
    same_first: float
    """Share of tokens whose most probable successor stays."""

    @classmethod
    def between(cls, dense: torch.Tensor, changed: torch.Tensor) -> Loss:
        """Compare logits (tokens, vocab)."""
        right, other = dense.double().log_softmax(-1), changed.double().log_softmax(-1)
        divergence = float((right.exp() * (right - other)).sum(-1).mean())
        return cls(divergence, float((dense.argmax(-1) == changed.argmax(-1)).double().mean()))


def _norm(x: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5)
