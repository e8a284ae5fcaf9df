"""Seeded caches as they are in use: sinks, local windows, heavy hitters, needles; or none of it.

`heavy`: a head's queries share a direction, so that some keys matter to all of them (their weights
are lognormal, and alike among neighbours); the first tokens take a share of the attention, the last
ones another, runs of heavy hitters a third, and in half of the heads the last queries ask for
needles at random depths. Heads
differ in all of these, from nearly flat to nearly local. Values have a mean of their head and one
of their stretch of text, so that dropped tokens don't average out. `flat`: the same
with heads less peaked. `normal`: N(0, 1) throughout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

WINDOW = 8
"""Last queries that are remembered: what KV-Compress scores by (Section 3.2 of the paper)."""
OTHERS = 16
"""Queries as like the step's as those are, which nobody sees: what a head looks for on average."""
SPREADS = {"heavy": (2.0, 4.0), "flat": (1.0, 3.0)}
"""Standard deviation of an ordinary token's score, from the flattest head to the most peaked. So
the top 1/32 of 32 768 tokens have 0.956 of the attention (mean of heads, three seeds); in
Llama-3-8B at 131 072 tokens they have 0.968 (arXiv 2407.02490, Section 2.1). Flat: about 0.84."""
CLUSTER = 8
"""Tokens that matter come in clusters about so long, as words of a passage do; a quarter of a
token's importance (its variance) is its own. That is what pooling of scores is for."""
SINKS, RUN, NEEDLES, STRETCH = 4, 4, 4, 512
ASKING = 2.0
"""How strongly the last queries ask for needles, in units of sqrt(head_dim)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A layer's cache: sequences, query heads, KV heads, tokens, channels."""

    batch: int
    heads: int
    kv_heads: int
    seq: int
    head_dim: int

    @classmethod
    def of(cls, parameters: Mapping[str, int | float | str]) -> Shape:
        """Return the shape that a case's parameters give."""
        names = ("batch", "heads", "kv_heads", "seq", "head_dim")
        return cls(*(int(parameters[name]) for name in names))

    @property
    def queries(self) -> int:
        """Query heads that share a KV head."""
        return self.heads // self.kv_heads

    @property
    def rows(self) -> int:
        """Pairs of a sequence and a KV head."""
        return self.batch * self.kv_heads

    @property
    def cache_bytes(self) -> int:
        """Keys and values in 16 bits."""
        return 2 * 2 * self.rows * self.seq * self.head_dim


def dtype_of(device: torch.device) -> torch.dtype:
    """Return the type of a cache: float16, and what CPUs multiply fastest, bfloat16."""
    return torch.float16 if device.type == "cuda" else torch.bfloat16


def cache(
    shape: Shape,
    device: torch.device,
    seed: int,
    family: str = "heavy",
    dtype: torch.dtype | None = None,
) -> dict[str, torch.Tensor]:
    """Return a decode step's inputs and the queries before it.

    q (batch, heads, head_dim); window (batch, kv_heads, WINDOW, queries, head_dim), the oldest
    first; others likewise, OTHERS of them; k, v (batch, kv_heads, seq, head_dim); needles (batch,
    NEEDLES) int64, first tokens of runs of RUN, and asking (batch, kv_heads) bool, the heads that
    ask for them.
    """
    generator = torch.Generator(device=device).manual_seed(seed)
    dtype = dtype_of(device) if dtype is None else dtype
    full = (shape.batch, shape.kv_heads, shape.seq, shape.head_dim)
    k, v = (
        torch.empty(full, dtype=dtype, device=device),
        torch.empty(full, dtype=dtype, device=device),
    )
    steps = (shape.batch, shape.kv_heads, WINDOW + OTHERS + 1, shape.queries, shape.head_dim)
    asked = torch.randn(steps, generator=generator, device=device)
    needles = torch.zeros((shape.batch, NEEDLES), dtype=torch.int64, device=device)
    asking = torch.zeros((shape.batch, shape.kv_heads), dtype=torch.bool, device=device)
    for b in range(shape.batch):
        if family in SPREADS:
            head = _heads(shape, SPREADS[family], generator, device)
            needles[b], asking[b] = head.needles, head.asking
            asked[b] += head.direction()
            k[b] = _keys(shape, head, generator, device)
            v[b] = _values(shape, generator, device)
        elif family == "normal":
            k[b] = _noise(shape, generator, device)
            v[b] = _noise(shape, generator, device)
        else:
            raise ValueError(f"There is no family {family!r} of caches: heavy, flat or normal.")
    asked = asked.to(dtype)
    return {
        "q": asked[:, :, -1].reshape(shape.batch, shape.heads, shape.head_dim).contiguous(),
        "window": asked[:, :, :WINDOW].contiguous(),
        "others": asked[:, :, WINDOW:-1].contiguous(),
        "k": k,
        "v": v,
        "needles": needles,
        "asking": asking,
    }


@dataclass(frozen=True, slots=True)
class _Heads:
    """What the KV heads of one sequence attend to; tensors begin with kv_heads."""

    way: torch.Tensor
    """Unit direction that the keys' importance lies in, (kv_heads, head_dim)."""
    each: torch.Tensor
    """Unit direction of each query head, near `way`, (kv_heads, queries, head_dim)."""
    needle: torch.Tensor
    spread: torch.Tensor
    """Standard deviation of the scores of ordinary tokens, (kv_heads,)."""
    sink: torch.Tensor
    local: torch.Tensor
    """Weight of sinks and of the local window, in units of what all ordinary tokens weigh."""
    reach: torch.Tensor
    """Tokens after which local attention has fallen to 1/e."""
    asking: torch.Tensor
    needles: torch.Tensor

    def direction(self) -> torch.Tensor:
        """Return what is added to each query, (kv_heads, 1, queries, head_dim)."""
        root = math.sqrt(self.way.shape[-1])
        own = root * self.spread[:, None, None] * self.each
        asks = root * ASKING * self.asking[:, None] * self.needle
        return (own + asks[:, None])[:, None]


def _heads(
    shape: Shape,
    spreads: tuple[float, float],
    generator: torch.Generator,
    device: torch.device,
) -> _Heads:
    def uniform(low: float, high: float) -> torch.Tensor:
        drawn = torch.rand(shape.kv_heads, generator=generator, device=device)
        scaled: torch.Tensor = low + (high - low) * drawn
        return scaled

    def directions(*count: int) -> torch.Tensor:
        drawn = torch.randn(*count, shape.head_dim, generator=generator, device=device)
        unit: torch.Tensor = drawn / drawn.norm(dim=-1, keepdim=True)
        return unit

    way = directions(shape.kv_heads)
    each = 0.9 * way[:, None] + 0.44 * directions(shape.kv_heads, shape.queries)
    spread = _mixed(shape.kv_heads, *spreads, generator, device)
    low, high = shape.seq // 16, max(shape.seq - shape.seq // 16 - RUN, shape.seq // 16 + 1)
    return _Heads(
        way=way,
        each=each / each.norm(dim=-1, keepdim=True),
        needle=directions(shape.kv_heads),
        spread=spread,
        sink=uniform(math.log(0.1), math.log(1.5)).exp(),
        # Heads whose scores are flat are the local ones.
        local=uniform(math.log(0.1), math.log(1.0)).exp() * (spreads[1] + 1 - spread),
        reach=uniform(math.log(16), math.log(shape.seq / 32 + 17)).exp(),
        asking=spread >= spread.median(),
        needles=torch.randint(low, high, (NEEDLES,), generator=generator, device=device),
    )


def _mixed(
    count: int, low: float, high: float, generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    """Return one value in each of so many equal parts of a range, in random order.

    Every layer has flat and peaked heads: how many is no matter of luck.
    """
    part = torch.rand(count, generator=generator, device=device)
    order = torch.randperm(count, generator=generator, device=device)
    spaced: torch.Tensor = low + (high - low) * (order + part) / count
    return spaced


def _noise(shape: Shape, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    size = (shape.kv_heads, shape.seq, shape.head_dim)
    return torch.randn(size, generator=generator, device=device)


def _keys(
    shape: Shape, head: _Heads, generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    """Noise, and along the head's direction what makes tokens matter, (kv_heads, seq, head_dim)."""
    keys = _noise(shape, generator, device)
    spread, way = head.spread[:, None], head.way[:, None]
    sought = head.spread[:, None] * head.way + ASKING * head.asking[:, None] * head.needle
    own, scores = (keys @ torch.stack([head.way, sought], dim=-1)).unbind(dim=-1)
    white = torch.randn(shape.kv_heads, shape.seq + CLUSTER - 1, generator=generator, device=device)
    together = white.unfold(1, CLUSTER, 1).sum(dim=-1) / math.sqrt(CLUSTER)
    more = math.sqrt(0.75) * together - 0.5 * own
    runs = max(shape.seq // 256, 1)
    starts = torch.randint(
        0, max(shape.seq - RUN, 1), (shape.kv_heads, runs), generator=generator, device=device
    )
    hitters = (starts[..., None] + torch.arange(RUN, device=device)).flatten(1)
    hitters.clamp_max_(shape.seq - 1)
    more.scatter_add_(1, hitters, torch.full(hitters.shape, 2.0, device=device))
    # What all tokens so far weigh; the query's own part adds half a unit to their mean.
    scores = scores + more * (head.way * sought).sum(dim=1, keepdim=True)
    ordinary = scores.logsumexp(dim=1, keepdim=True) + 0.5
    age = shape.seq - 1 - torch.arange(shape.seq, device=device)
    reach = head.reach[:, None]
    near = ordinary + (head.local[:, None] / reach).log() - age / reach
    near -= (sought.square().sum(dim=1, keepdim=True) + 1) / 2
    more += near.clamp_min(0.0) / spread
    keys.baddbmm_(more[..., None], way)
    sinks = min(SINKS, shape.seq)
    sink = (ordinary + (head.sink[:, None] / SINKS).log() - 0.5) / spread
    _set_along(keys[:, :sinks], way, sink)
    # All needles together weigh 0.3 of that in a head that asks for them: not by their own noise.
    score = (ordinary + math.log(0.3 / (NEEDLES * RUN)) - 0.5) / ASKING
    for start in head.needles.tolist():
        run = keys[head.asking, start : start + RUN]
        _set_along(run, way[head.asking], torch.zeros_like(score[head.asking]))
        _set_along(run, head.needle[head.asking, None], score[head.asking])
        keys[head.asking, start : start + RUN] = run
    return keys


def _set_along(keys: torch.Tensor, way: torch.Tensor, value: torch.Tensor) -> None:
    """Give keys (kv_heads, tokens, head_dim) this component along a unit direction.

    `value` (kv_heads, tokens) or (kv_heads, 1).
    """
    along = (keys * way).sum(dim=-1, keepdim=True)
    keys += (value[..., None] - along) * way


def _values(shape: Shape, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """Noise, a mean of the head, and one of each stretch; sinks hold next to nothing."""
    values = _noise(shape, generator, device)
    stretches = -(-shape.seq // STRETCH)
    drawn = torch.randn(
        shape.kv_heads, stretches + 1, shape.head_dim, generator=generator, device=device
    )
    means = 0.5 * (drawn[:, :1] + drawn[:, 1:])
    for number, mean in enumerate(means.unbind(dim=1)):
        values[:, STRETCH * number : STRETCH * (number + 1)] += mean[:, None]
    values[:, :SINKS] *= 0.1
    return values
