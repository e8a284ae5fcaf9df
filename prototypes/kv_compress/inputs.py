"""A case's inputs: a cache in use, what its keys are worth, and what stays of it, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from prototypes.decode.inputs import Shape, cache
from prototypes.decode.pages import PAGE, packed
from prototypes.harness.workload import Tensors
from prototypes.kv_compress.eviction import Kept, by_sort, evicted_pages
from prototypes.kv_compress.metric import worth

Parameters = Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A case in numbers: a layer's shape, how many heads share a budget, and how many pages go."""

    shape: Shape
    rate: float
    layers: int = 1

    @classmethod
    def of(cls, parameters: Parameters) -> Plan:
        """Return the plan that a case's parameters give."""
        layers = int(parameters.get("layers", 1))
        return cls(Shape.of(parameters), float(parameters["rate"]), layers)

    @property
    def heads(self) -> int:
        """KV heads, of all layers, that share a sequence's budget."""
        return self.shape.kv_heads * self.layers

    @property
    def metric_shape(self) -> tuple[int, int, int]:
        """Sequences, heads, tokens."""
        return self.shape.batch, self.heads, self.shape.seq

    @property
    def evicted(self) -> int:
        """Pages of a sequence that go."""
        return evicted_pages(self.heads, self.shape.seq, self.rate)

    @property
    def kept_tokens(self) -> int:
        """Tokens of all heads and sequences that stay."""
        return self.shape.batch * (self.heads * self.shape.seq - PAGE * self.evicted)


@dataclass(frozen=True, slots=True)
class Made:
    """A cache (`prototypes.decode.inputs.cache`), its metric and what stays of it."""

    cache: dict[str, torch.Tensor]
    metric: torch.Tensor
    kept: Kept


def made(plan: Plan, device: torch.device, seed: int) -> Made:
    """Return a fresh cache; of several layers, the layers are sequences of it one after another."""
    shape = plan.shape
    layered = Shape(
        shape.batch * plan.layers, shape.heads, shape.kv_heads, shape.seq, shape.head_dim
    )
    in_use = cache(layered, device, seed)
    metric = worth(in_use["window"], in_use["k"]).view(plan.metric_shape)
    return Made(in_use, metric, by_sort(metric, plan.evicted))


def decode_inputs(plan: Plan, device: torch.device, seed: int) -> Tensors:
    """Return the full cache and what stays of it, with the query of one decode step.

    q (batch, heads, head_dim); k, v (batch, kv_heads, seq, head_dim); keys, values (pages, PAGE,
    head_dim) with table (batch, kv_heads, most) and lengths (batch, kv_heads) int32.
    """
    return in_pages(plan, made(plan, device, seed), seed)


def in_pages(plan: Plan, new: Made, seed: int) -> dict[str, torch.Tensor]:
    """Return `decode_inputs` of a cache that was made.

    On a GPU pages are in random order, as after long service. On a CPU each head's are in a run:
    its memory is allocated by the head.
    """
    k, v = new.cache["k"], new.cache["v"]
    total = plan.shape.batch * (plan.heads * -(-plan.shape.seq // PAGE) - plan.evicted)
    order = None
    if k.device.type == "cuda":
        generator = torch.Generator(device=k.device).manual_seed(seed)
        order = torch.randperm(total, generator=generator, device=k.device)
    pages = packed(k, v, new.kept.stays, total, order)
    return {"q": new.cache["q"], "k": k, "v": v, **pages}


def evict_inputs(plan: Plan, device: torch.device, seed: int) -> Tensors:
    """Return metric (batch, layers x kv_heads, seq) float32 of a cache as it is in use."""
    return {"metric": made(plan, device, seed).metric}
