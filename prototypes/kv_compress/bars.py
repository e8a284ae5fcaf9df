"""The bars of both gates, set before anything was measured, with their reasons."""

from __future__ import annotations

FIDELITY = {"cuda": 3e-3, "cpu": 3e-2}
"""Code against float64 over the same tokens. float16: shares and answer are rounded at 2^-11, five
times that is allowed. bfloat16 on a CPU: scores themselves are rounded, and up to 16 that is 0.03,
which is what the shares are then off by; the full cache in bfloat16 is as far off."""

ERROR = {2: 0.05, 4: 0.08, 8: 0.12, 16: 0.2, 64: 0.4}
"""The answer against that of the full cache, by rate. The paper calls the loss negligible up to 8,
and small enough for most tasks at 64: an answer may be off by an eighth at 8, by 0.4 at 64."""

MASS = {8: 0.95, 64: 0.9}
"""Attention of the step that the kept tokens have, mean over heads, against that of the best choice
of as many tokens which knows what a head looks for on average, but not this step's query, as no
choice made before can. Nothing absolute: how much that is, is a property of the caches drawn."""

NEEDLES = {2: 0.99, 4: 0.99, 8: 0.99, 16: 0.99, 64: 0.9}
"""Share of the needles' tokens that the heads which ask for them must keep."""


def of(bars: dict[int, float], rate: float) -> float:
    """Return the bar of the least rate that is declared and not under this one."""
    return bars[min((r for r in bars if r >= rate), default=max(bars))]
