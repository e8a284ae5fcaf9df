"""What thresholds lose, without a clock: by distribution, by token, by calibration."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from prototypes.harness.figures import Figure
from prototypes.teal import allocation, families, rows4
from prototypes.teal.calibration import Histogram, realised, weight_aware
from prototypes.teal.stack import LINEARS, Loss, Shape, Stack, embedded

SPARSITIES = (25, 40, 50, 60, 70)
TOKENS, CHANNELS = 256, 2048
STACK = Shape(hidden=256, wide=896, heads=8, kv_heads=2, blocks=3, vocab=1024)
STACK_TOKENS = 96
GREEDY_RATIOS = {25: 0.87, 40: 0.91, 50: 0.93}
"""Greedy error over uniform error that the authors' tables for Llama 3 8B give, layers' mean."""


def of(seed: int, quick: bool) -> Iterator[Figure]:
    """Yield them all; a quick run leaves out the stack."""
    yield from by_family(seed)
    yield from by_token(seed)
    yield from by_weights(seed)
    yield from by_batch(seed)
    if not quick:
        yield from by_stack(seed)


def by_family(seed: int) -> Iterator[Figure]:
    """Yield the error of an output whose weights are independent: what is dropped, over all."""
    for family in ("gauss", "laplace", "student3", "swiglu", "headscale", "outlier"):
        sample, x = _tokens(family, seed), _tokens(family, seed + 1)
        histogram = Histogram.of(sample)
        for percent in SPARSITIES:
            yield Figure(
                f"{family}: error at {percent} %",
                100 * _lost(x, histogram.threshold(percent / 100)),
                "%",
                note="relative L2 of what a threshold from other tokens drops",
            )
    gauss, laplace = _tokens("gauss", seed), _tokens("laplace", seed)
    for name, sample, x in (
        ("laplace's threshold on gauss", laplace / laplace.std(), gauss),
        ("gauss's threshold on laplace", gauss * laplace.std(), laplace),
    ):
        threshold = Histogram.of(sample).threshold(0.5)
        note = "the wrong histogram, same variance, meant for 50 %"
        share = 100 * float(realised(x, threshold).mean())
        yield Figure(f"{name}: sparsity", share, "%", note=note)
        yield Figure(f"{name}: error", 100 * _lost(x, threshold), "%", note=note)


def by_token(seed: int) -> Iterator[Figure]:
    """Yield how much the sparsity of tokens varies under one threshold."""
    generator = torch.Generator().manual_seed(seed)
    for spread in (0.0, 0.15, 0.3):
        sample, x = (
            _tokens("gauss", seed + n)
            * (torch.randn(TOKENS, 1, generator=generator) * spread).exp()
            for n in (0, 1)
        )
        shares = realised(x, Histogram.of(sample).threshold(0.5))
        note = f"tokens' scales lognormal({spread:g}), one threshold for 50 %, {CHANNELS} channels"
        for name, quantile in (
            ("5th percentile", 0.05),
            ("median", 0.5),
            ("95th percentile", 0.95),
        ):
            share = 100 * float(shares.quantile(quantile))
            yield Figure(f"sparsity of tokens, scales {spread:g}: {name}", share, "%", note=note)


def by_weights(seed: int) -> Iterator[Figure]:
    """Yield what ranking by |x| times the norm of a row of weights gains."""
    generator = torch.Generator().manual_seed(seed)
    sample, x = _tokens("gauss", seed), _tokens("gauss", seed + 1)
    threshold = Histogram.of(sample).threshold(0.5)
    for spread in (0.0, 0.3, 0.6):
        rows = torch.randn((CHANNELS, 256), generator=generator)
        weights = rows * (torch.randn((CHANNELS, 1), generator=generator) * spread).exp()
        right = x @ weights
        for name, border in (
            ("|x|", threshold),
            ("|x| times norm", weight_aware(sample, weights, 0.5)),
        ):
            kept = torch.where(x.abs() <= border, 0.0, x)
            yield Figure(
                f"norms lognormal({spread:g}), ranked by {name}: error at 50 %",
                100 * float((kept @ weights - right).norm() / right.norm()),
                "%",
            )


def by_batch(seed: int) -> Iterator[Figure]:
    """Yield how many rows of weights several tokens need together."""
    x = _tokens("gauss", seed)
    kept = x.abs() > Histogram.of(x).threshold(0.5)
    for batch in (1, 2, 4, 8):
        share = float(kept.view(-1, batch, CHANNELS).any(dim=1).double().mean())
        note = "independent tokens at 50 %: 1 - 0.5^batch"
        yield Figure(f"rows of weights that {batch} tokens read", 100 * share, "%", note=note)


def by_stack(seed: int) -> Iterator[Figure]:
    """Yield what ways to spend one sparsity make of a stack's output, and 4-bit weights beside."""
    device = torch.device("cpu")
    stack = Stack.random(STACK, device, seed)
    sample, x = (embedded(STACK, STACK_TOKENS, device, seed + n) for n in (1, 2))
    dense = stack.logits(x)
    note = f"{STACK.blocks} random blocks of {STACK.hidden} channels: a proxy, no perplexity"
    for percent in (25, 40, 50):
        sparsity = percent / 100
        uniform = allocation.uniform(stack, sample, sparsity)
        found, shares = allocation.greedy(stack, sample, sparsity)
        ways = {
            "alike": uniform,
            "greedy": found,
            "by weights": allocation.by_weights(stack, sample, sparsity),
        }
        off = {way: allocation.block_error(stack, x, taken) for way, taken in ways.items()}
        for way, taken in ways.items():
            label = f"stack at {percent} %, {way}"
            loss = Loss.between(dense, stack.logits(x, taken))
            yield Figure(f"{label}: a block's error", 100 * off[way], "%", note=note)
            yield Figure(f"{label}: divergence", loss.divergence, "nats", note=note)
            yield Figure(f"{label}: same first token", 100 * loss.same_first, "%", note=note)
        yield Figure(
            f"stack at {percent} %: greedy error over the error alike",
            off["greedy"] / off["alike"],
            "x",
            note=f"{GREEDY_RATIOS[percent]} by the tables that the authors ship for Llama 3 8B",
        )
        if percent == 50:
            for name in LINEARS:
                share = sum(block[name] for block in shares) / len(shares)
                yield Figure(f"greedy at 50 %: dropped of {name}", 100 * share, "%", note=note)
    rounded = stack.changed(lambda w: rows4.dequantize(rows4.quantize(w, 64), torch.float32))
    loss = Loss.between(dense, rounded.logits(x))
    yield Figure("stack with 4-bit weights: divergence", loss.divergence, "nats", note=note)
    yield Figure(
        "stack with 4-bit weights: same first token", 100 * loss.same_first, "%", note=note
    )
    both = Loss.between(dense, rounded.logits(x, allocation.uniform(stack, sample, 0.5)))
    yield Figure("stack with 4-bit weights at 50 %: divergence", both.divergence, "nats", note=note)


def _tokens(family: str, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return families.drawn(family, (TOKENS, CHANNELS), torch.device("cpu"), generator)


def _lost(x: torch.Tensor, threshold: float) -> float:
    dropped = torch.where(x.abs() <= threshold, x, 0.0)
    return float(dropped.norm() / x.norm())
