"""GPTQ (arXiv 2210.17323): rounds one input after another; the rest make up for the errors.

With a search for each group's clipping, as MARLIN's models are quantized (its Section 4).
"""

from __future__ import annotations

import torch

from prototypes.weights.quantize import GROUP, ZERO, Quantized, rounded, scales_of

DAMPING = 0.01
"""Added to the diagonal, as a share of its mean."""
SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
"""What a group's largest weight is tried to be clipped to."""


def searched_scales(weights: torch.Tensor, clip: bool) -> torch.Tensor:
    """Return float16 scales (outputs, 1) of one group (outputs, group); with `clip`, the best of
    `SHRINKS` by the squared error of rounding."""
    widest = scales_of(weights, weights.shape[1])
    if not clip:
        return widest
    best, least = widest, torch.full_like(widest, torch.inf, dtype=torch.float32)
    for shrink in SHRINKS:
        scales = (widest.float() * shrink).clamp(min=torch.finfo(torch.float16).tiny).half()
        back = (rounded(weights, scales).float() - ZERO) * scales.float()
        error = (back - weights).square().sum(1, keepdim=True)
        best = torch.where(error < least, scales, best)
        least = torch.minimum(error, least)
    return best


def nearest(weights: torch.Tensor, group: int = GROUP, clip: bool = False) -> Quantized:
    """Round each weight by itself."""
    parts = torch.split(weights.float(), group, dim=1)
    scales = torch.cat([searched_scales(part, clip) for part in parts], dim=1)
    return Quantized(rounded(weights, scales), scales)


def gptq(
    weights: torch.Tensor, seen: torch.Tensor, group: int = GROUP, clip: bool = False
) -> Quantized:
    """Round weights (outputs, inputs) so that x W^T changes least over `seen` x (rows, inputs).

    In float32. Raises `ValueError` where groups don't divide the inputs.
    """
    outputs, inputs = weights.shape
    if inputs % group:
        raise ValueError(f"{inputs} inputs don't divide into groups of {group}.")
    wide = seen.float()
    hessian = wide.t() @ wide
    diagonal = hessian.diagonal()
    diagonal += DAMPING * diagonal.mean().clamp(min=1e-12)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    upper = torch.linalg.cholesky(inverse, upper=True)
    left = weights.float().clone()
    codes = torch.empty((outputs, inputs), dtype=torch.uint8, device=weights.device)
    scales = []
    for start in range(0, inputs, group):
        end = start + group
        part, factors = left[:, start:end], upper[start:end, start:end]
        scale = searched_scales(part, clip)
        misses = torch.empty_like(part)
        for column in range(group):
            given = part[:, column : column + 1]
            code = rounded(given, scale)
            codes[:, start + column] = code[:, 0]
            back = (code.float() - ZERO) * scale.float()
            miss = (given - back) / factors[column, column]
            part[:, column:] -= miss * factors[column, column:]
            misses[:, column] = miss[:, 0]
        left[:, end:] -= misses @ upper[start:end, end:]
        scales.append(scale)
    return Quantized(codes, torch.cat(scales, dim=1))
