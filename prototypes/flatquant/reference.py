"""FlatQuant's formulas in plain torch (arXiv 2410.09426, Sections 3.1 and 3.2): slow and clear.

x of width n is seen as (n1, n2), row by row. On-line: x' = P1ᵀ x P2. Off-line, for each output's
row of weights: w' = P1⁻¹ w P2⁻ᵀ. Then x'·w' = x·w, and both are flat enough to be rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

E4M3 = 448.0
"""The largest E4M3 number: as a limit, it stands for rounding to E4M3 instead of to integers."""

SMALLEST = 1e-30
"""A row that has nothing larger becomes zeros: its scale's inverse isn't a float32."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """Rows of integers (or E4M3 numbers) with a scale each: values (r, n), scales (r,) float32."""

    values: torch.Tensor
    scales: torch.Tensor

    @property
    def dequantized(self) -> torch.Tensor:
        """Return what they stand for, float32."""
        return self.values.float() * self.scales[:, None]


def transform(
    x: torch.Tensor,
    left: torch.Tensor,
    right: torch.Tensor,
    between: torch.dtype | None = None,
) -> torch.Tensor:
    """Return P1ᵀ x P2 of tokens (t, n), in the type of P1 and P2.

    `between`: what the first product is rounded to, as kernels with 16-bit matrix units do.
    """
    tokens = x.to(left.dtype).view(-1, left.shape[0], right.shape[0])
    first = torch.matmul(left.T, tokens)
    if between is not None:
        first = first.to(between).to(left.dtype)
    return torch.matmul(first, right).view(x.shape)


def transform_weights(
    weights: torch.Tensor, left: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Return P1⁻¹ w P2⁻ᵀ for rows (m, n), computed in float64 from P as it is stored."""
    inverse_left = torch.linalg.inv(left.double())
    inverse_right = torch.linalg.inv(right.double())
    rows = weights.double().view(-1, left.shape[0], right.shape[0])
    turned = torch.matmul(torch.matmul(inverse_left, rows), inverse_right.T)
    return turned.view(weights.shape)


def quantize(rows: torch.Tensor, limit: float, clip: float | torch.Tensor = 1.0) -> Quantized:
    """Return rows rounded half to even with the scale clip·max|row|/limit each (Section 3.1).

    What clipping leaves outside is cut to -limit - 1 … limit. `limit` E4M3 rounds to E4M3. A row
    that isn't finite gets the scale NaN; one with nothing above `SMALLEST` becomes zeros.
    """
    wide = rows.float()
    largest = wide.abs().amax(1) * clip
    up = torch.where(largest > SMALLEST, limit / largest, 0.0)
    scales = torch.where(largest < torch.inf, largest / limit, torch.nan)
    stretched = wide * up[:, None]
    if limit == E4M3:
        values = stretched.clamp(-limit, limit).to(torch.float8_e4m3fn)
        return Quantized(values, scales)
    values = stretched.round().clamp(-limit - 1, limit).nan_to_num(0.0).to(torch.int8)
    return Quantized(values, scales)


def product(tokens: Quantized, weights: Quantized) -> torch.Tensor:
    """Return Y = X W^T of quantized rows, (t, m) float32; sums of integers exact."""
    sums = tokens.values.double() @ weights.values.double().T
    scaled = sums * tokens.scales[:, None].double() * weights.scales.double()
    return scaled.float()


def linear(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the exact answer x W^T in float64."""
    return x.double() @ weights.double().T


def hadamard(size: int) -> torch.Tensor:
    """Return the orthogonal Hadamard matrix of a power of two; raises `ValueError` otherwise."""
    if size < 1 or size & (size - 1):
        raise ValueError(f"There is no Hadamard matrix of {size} here: take a power of two.")
    made = torch.ones(1, 1)
    while len(made) < size:
        made = torch.cat([torch.cat([made, made], 1), torch.cat([made, -made], 1)])
    orthogonal: torch.Tensor = made / size**0.5
    return orthogonal
