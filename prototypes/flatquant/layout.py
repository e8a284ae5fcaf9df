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
