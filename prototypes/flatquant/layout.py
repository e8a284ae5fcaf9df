"""How a width is factored, and in which order a transformed token's integers are stored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

GROUP = 64
"""Columns that are put into a thread's order together."""


@dataclass(frozen=True, slots=True)
class Factors:
    """A width n = n1·n2: a token is seen as (n1, n2), row by row."""

    n1: int
    n2: int

    @property
    def width(self) -> int:
        """Channels."""
        return self.n1 * self.n2

    @classmethod
    def of(cls, width: int) -> Factors:
        """Return the most balanced factors, n1 ≤ n2 (paper, Section 3.1); 1 and n for a prime."""
        n1 = max(d for d in range(1, math.isqrt(width) + 1) if width % d == 0)
        return cls(n1, width // n1)


def is_turned(factors: Factors) -> bool:
    """Whether the stored order differs from the plain one: whole groups of 64 columns."""
    return factors.n2 % GROUP == 0


def stored_order(factors: Factors) -> torch.Tensor:
    """Return which channel of a transformed token is stored at each place, (n,) int64.

    A matrix unit leaves a thread columns 2l, 2l + 1 of every eight; stored together, they are 16
    bytes. Weights whose columns are in this order give the same product.
    """
    plain = torch.arange(factors.width)
    if not is_turned(factors):
        return plain
    return plain.view(-1, 8, 4, 2).transpose(1, 2).reshape(-1)


BLOCK4 = 128
"""Places of a row that 4-bit weights are packed by."""


def pack4(rows: torch.Tensor) -> torch.Tensor:
    """Pack integers -8 … 7 (m, n) int8 into words (m, n/8) int32; n is a multiple of 128.

    Byte i of a block of 128 holds places i (lower half) and i + 64 (upper half).
    """
    blocks = rows.view(len(rows), -1, 2, BLOCK4 // 2)
    bytes_ = (blocks[:, :, 0] & 15) | (blocks[:, :, 1] << 4)
    return bytes_.reshape(len(rows), -1).contiguous().view(torch.int32)


def unpack4(words: torch.Tensor) -> torch.Tensor:
    """Return the integers (m, n) int8 of packed words (m, n/8)."""
    bytes_ = words.contiguous().view(torch.int8).view(len(words), -1, 1, BLOCK4 // 2)
    halves = torch.cat([(bytes_ << 4) >> 4, bytes_ >> 4], dim=2)
    return halves.reshape(len(words), -1)
