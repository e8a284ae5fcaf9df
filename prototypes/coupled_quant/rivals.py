"""Other ways to make a cache small, as emulations: what they lose is set beside the technique."""

from __future__ import annotations

import torch

from prototypes.coupled_quant.study import Codec

GROUP = 32
"""Numbers that share a scale and a zero point in the group quantizers."""


def fp8() -> tuple[Codec, Codec]:
    """8 bits: e4m3 with one scale a head and token."""

    def read(x: torch.Tensor) -> torch.Tensor:
        scale = x.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12) / 448
        return (x / scale).to(torch.float8_e4m3fn).float() * scale

    return read, read


def int8() -> tuple[Codec, Codec]:
    """8 bits: integers with one scale a head and token."""

    def read(x: torch.Tensor) -> torch.Tensor:
        scale = x.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12) / 127
        return (x / scale).round().clamp(-127, 127) * scale

    return read, read


def grouped(bits: int) -> tuple[Codec, Codec]:
    """As in KIVI: keys in groups of tokens a channel, values in groups of channels a token.

    Scale and zero point are 16 bits each: 1 bit a number more at groups of 32.
    """

    def read(x: torch.Tensor) -> torch.Tensor:
        low = x.amin(dim=-1, keepdim=True)
        step = (x.amax(dim=-1, keepdim=True) - low).clamp_min(1e-12) / (2**bits - 1)
        rounded: torch.Tensor = ((x - low) / step).round() * step + low
        return rounded

    def keys(x: torch.Tensor) -> torch.Tensor:
        heads, tokens, dim = x.shape
        whole = tokens // GROUP * GROUP
        parts = x[:, :whole].view(heads, -1, GROUP, dim).transpose(2, 3)
        done = read(parts).transpose(2, 3).reshape(heads, whole, dim)
        return torch.cat([done, x[:, whole:]], dim=1)

    def values(x: torch.Tensor) -> torch.Tensor:
        return read(x.reshape(*x.shape[:2], -1, GROUP)).flatten(-2)

    return keys, values
