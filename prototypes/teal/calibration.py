"""One threshold a tensor from a histogram, as the paper has it, and what it realises.

Distributions are taken to be symmetric around zero with one peak: the threshold for a share p of
zeros is the quantile 0.5 + p / 2 (TEAL, Section 4). Nothing is trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

BINS = 10_000
TAIL = 0.01
"""The lowest and the highest hundredth go into two open bins."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """`edges` (bins + 1,) float32 and `counts` (bins + 2,), with an open bin at each end."""

    edges: torch.Tensor
    counts: torch.Tensor

    @classmethod
    def of(cls, values: torch.Tensor, bins: int = BINS) -> Histogram:
        """Count values of any shape. Raises `ValueError` where there is no finite one."""
        flat = values.flatten().float().cpu()
        flat = flat[torch.isfinite(flat)]
        if not flat.numel():
            raise ValueError("No finite value to take a threshold from.")
        ordered = flat.sort().values
        last = flat.numel() - 1
        low, high = ordered[int(TAIL * last)], ordered[last - int(TAIL * last)]
        edges = torch.linspace(float(low), float(high), bins + 1)
        under, over = int((flat < low).sum()), int((flat > high).sum())
        within = torch.histc(flat[(flat >= low) & (flat <= high)], bins, float(low), float(high))
        ends = torch.tensor([[float(under)], [float(over)]])
        return cls(edges, torch.cat([ends[0], within, ends[1]]))

    def threshold(self, sparsity: float) -> float:
        """Return the size at or under which a share `sparsity` of the values lies.

        0 for no sparsity. Raises `ValueError` where the quantile lies in an open bin: what is in
        there isn't known.
        """
        if sparsity <= 0:
            return 0.0
        cumulative = self.counts.double().cumsum(0)
        target = (0.5 + sparsity / 2) * float(cumulative[-1])
        if target >= float(cumulative[-2]) and sparsity < 1 and float(self.counts[-1]) > 0:
            raise ValueError(f"A sparsity of {sparsity:g} lies in the histogram's open end.")
        place = int(torch.searchsorted(cumulative[1:-1], target))
        place = min(place, len(self.edges) - 2)
        before = float(cumulative[place])
        share = (target - before) / max(float(self.counts[place + 1]), 1e-30)
        width = float(self.edges[place + 1] - self.edges[place])
        return max(float(self.edges[place]) + min(max(share, 0.0), 1.0) * width, 0.0)


def realised(x: torch.Tensor, thresholds: torch.Tensor | float) -> torch.Tensor:
    """Return the share of each row's inputs that a threshold drops, (tokens,) float64.

    An input at its threshold is dropped; one that isn't a number is kept.
    """
    return (x.abs() <= thresholds).double().mean(dim=-1)


def weight_aware(
    x: torch.Tensor, weights: torch.Tensor, sparsity: float, exponent: float = 1.0
) -> torch.Tensor:
    """Return a threshold a channel (channels,) that ranks by |x_k| · ‖W[k, :]‖ instead of |x_k|.

    x (tokens, channels) is the calibration sample, weights (channels, outputs). A channel without
    weights is always dropped.
    """
    norms = weights.float().norm(dim=1) ** exponent
    worth = (x.float().abs() * norms).flatten()
    rank = min(int(sparsity * worth.numel()), worth.numel() - 1)
    border = 0.0 if sparsity <= 0 else float(worth.kthvalue(rank + 1).values)
    return torch.where(norms > 0, border / norms.clamp(min=1e-30), torch.inf)
