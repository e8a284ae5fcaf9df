"""Do draws come from the exact distribution? Chi-square and total variation, with their bars."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from prototypes.harness.gates import Check

LEAST_EXPECTED = 8.0
"""Draws that a pooled bin must expect: under about 5 the chi-square law doesn't hold."""

Z = 4.753424
"""Normal quantile of 1 - 1e-6: one false alarm in a million gates."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How draws compare with a distribution, after pooling rare tokens."""

    chi2_per_dof: float
    dof: int
    total_variation: float
    noise: float
    """Total variation that exact draws would show on average."""
    noise_sd: float

    def checks(self, label: str) -> tuple[Check, ...]:
        """Return both checks; a distribution of one bin has nothing to test."""
        if self.dof == 0:
            return ()
        bar = chi2_quantile(self.dof) / self.dof
        return (
            Check.at_most(f"{label}: chi-square a degree of freedom", self.chi2_per_dof, bar),
            Check.at_most(
                f"{label}: total variation", self.total_variation, self.noise + 6 * self.noise_sd
            ),
        )


def fit(tokens: torch.Tensor, probabilities: torch.Tensor) -> Fit:
    """Compare draws (n,) with probabilities (vocab,); draws outside the support aren't for here."""
    draws = tokens.numel()
    p = probabilities.double().cpu()
    counts = torch.bincount(tokens.clamp(0, p.numel() - 1).cpu(), minlength=p.numel()).double()
    bins = _pool(p, draws)
    size = int(bins.max()) + 1
    expected = torch.zeros(size, dtype=torch.float64).index_add_(0, bins, p) * draws
    seen = torch.zeros(size, dtype=torch.float64).index_add_(0, bins, counts)
    share = expected / draws
    chi2 = float(((seen - expected) ** 2 / expected.clamp(min=1e-300)).sum())
    variance = share * (1 - share) / draws
    dof = size - 1
    return Fit(
        chi2_per_dof=chi2 / dof if dof else 0.0,
        dof=dof,
        total_variation=float((seen / draws - share).abs().sum() / 2),
        # A count is nearly normal: its mean absolute deviation is sqrt(2/pi) of its own spread.
        noise=float((2 / math.pi * variance).sqrt().sum() / 2),
        noise_sd=float(((1 - 2 / math.pi) * variance).sum().sqrt() / 2),
    )


def chi2_quantile(dof: int, z: float = Z) -> float:
    """Return the chi-square quantile at normal quantile `z` (Wilson and Hilferty, 1931)."""
    a = 2 / (9 * dof)
    return float(dof * (1 - a + z * math.sqrt(a)) ** 3)


def _pool(p: torch.Tensor, draws: int) -> torch.Tensor:
    """Return a bin for each token: rare ones share bins that expect at least LEAST_EXPECTED."""
    order = p.argsort(descending=True)
    expected = p[order] * draws
    own = int((expected >= LEAST_EXPECTED).sum())
    tail = expected[own:].cumsum(dim=0)
    shared = (tail / LEAST_EXPECTED).floor().long() if tail.numel() else tail.long()
    if shared.numel():
        # The last pool takes what is left over, so that no bin expects too little; if the whole
        # tail expects too little, it joins the rarest token that has a bin.
        shared = shared.clamp(max=int(float(tail[-1]) / LEAST_EXPECTED) - 1)
        shared = shared.clamp(min=-1 if own else 0)
        if float(tail[-1]) >= LEAST_EXPECTED:
            shared = shared.clamp(min=0)
    bins = torch.empty_like(order)
    bins[order] = torch.cat([torch.arange(own), own + shared])
    return bins
