"""A small language model in the shape of Llama: RMSNorm, rotary positions, SwiGLU, no biases.

Small enough to be trained in a minute or two, and large enough that acceptance is a property of
trained models: random weights have margins between tokens that tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

Past = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values (batch, heads, tokens, head_dim) of each layer, rotated already."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a model is."""

    vocabulary: int = 128
    width: int = 128
    heads: int = 4
    layers: int = 4
    hidden: int = 384


class Block(nn.Module):
    """One decoder layer; linears `qkv`, `out`, `gate_up`, `down`.

    `inputs`: the width of what its attention reads, where that isn't the residual stream's.
    """

    def __init__(self, size: Size, inputs: int | None = None) -> None:
        super().__init__()
        w = size.width
        self.heads = size.heads
        self.before, self.between = nn.RMSNorm(inputs or w), nn.RMSNorm(w)
        self.qkv = nn.Linear(inputs or w, 3 * w, bias=False)
        self.out = nn.Linear(w, w, bias=False)
        self.gate_up = nn.Linear(w, 2 * size.hidden, bias=False)
        self.down = nn.Linear(size.hidden, w, bias=False)

    def forward(
        self,
        stream: torch.Tensor,
        read: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        past: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Return the stream (batch, tokens, width) and the layer's keys and values, past and new.

        mask: True where a token (rows) sees a key (columns, past ones first); None: causal.
        """
        batch, tokens, _ = read.shape
        q, k, v = self.qkv(self.before(read)).view(batch, tokens, 3, self.heads, -1).unbind(2)
        q, k = (rotated(x.transpose(1, 2), positions) for x in (q, k))
        v = v.transpose(1, 2)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        causal = mask is None and past is None
        if mask is None and past is not None:
            mask = _causal(tokens, k.shape[2], k.device)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        stream = stream + self.out(seen.transpose(1, 2).reshape(batch, tokens, -1))
        gate, up = self.gate_up(self.between(stream)).chunk(2, dim=-1)
        return stream + self.down(functional.silu(gate) * up), (k, v)


class SmallModel(nn.Module):
    """Embedding, `blocks`, norm, head. Tokens are the bytes of `speculation.text`."""

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        self.size = size or Size()
        self.embedding = nn.Embedding(self.size.vocabulary, self.size.width)
        self.blocks = nn.ModuleList(Block(self.size) for _ in range(self.size.layers))
        self.norm = nn.RMSNorm(self.size.width)
        self.head = nn.Linear(self.size.width, self.size.vocabulary, bias=False)

    def forward(
        self,
        tokens: torch.Tensor,
        past: Past | None = None,
        positions: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, list[torch.Tensor], Past]:
        """Return logits (batch, tokens, vocabulary), each layer's output, and the cache.

        positions (tokens,) or (batch, tokens); without them they follow the past. A tree gives its
        own positions (the prefix's plus its depth) and its mask (tokens, past + tokens).
        """
        begin = past[0][0].shape[2] if past else 0
        if positions is None:
            positions = torch.arange(begin, begin + tokens.shape[1], device=tokens.device)
        stream = self.embedding(tokens)
        features, cache = [], []
        for number, block in enumerate(self.blocks):
            before = past[number] if past else None
            stream, new = block(stream, stream, positions, mask, before)
            features.append(stream)
            cache.append(new)
        return self.head(self.norm(stream)), features, cache


def rotated(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Return x (batch, heads, tokens, head_dim) turned by its positions (rotary embedding)."""
    half = x.shape[-1] // 2
    rates = 10000.0 ** (-torch.arange(half, device=x.device) / half)
    angles = positions[..., None] * rates
    if angles.dim() == 3:
        angles = angles[:, None]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def shortened(past: Past, tokens: int) -> Past:
    """Return the cache's first `tokens` tokens: what was drafted and not accepted goes."""
    return [(k[:, :, :tokens], v[:, :, :tokens]) for k, v in past]


def _causal(tokens: int, keys: int, device: torch.device) -> torch.Tensor:
    row = torch.arange(keys - tokens, keys, device=device)[:, None]
    return torch.arange(keys, device=device)[None] <= row
