"""Bars of the gates, set before anything was measured."""

from __future__ import annotations

FIDELITY = {"cuda": 1e-3, "cpu": 1e-3}
"""Code against float64 over the same inputs: an output is rounded to float16 once (2e-4)."""
DENSE = 1e-2
"""A call's outputs against the sparse answer or the dense one, the nearer: bfloat16 ones too."""
ERROR = {0: 1e-3, 25: 0.12, 40: 0.22, 50: 0.30, 60: 0.40, 70: 0.50}
"""The technique against the dense product, by sparsity in percent. A normal distribution loses
.091, .188, .267, .359 and .465 by its closed form; heavier tails lose less."""
REALISED, REALISED_BY_HEADS = 0.04, 0.15
"""How far a token's share of dropped inputs may be from the calibrated one: five standard
deviations of counting 4096 inputs that are independent, or 32 heads that have a scale each."""


def realised_of(family: str) -> float:
    """Return the bar of a family's share of dropped inputs."""
    return REALISED_BY_HEADS if family == "headscale" else REALISED


def error_of(sparsity: float) -> float:
    """Return the bar of the next sparsity that has one."""
    return next(bar for percent, bar in ERROR.items() if percent >= 100 * sparsity - 1e-6)
