"""Rows that samplers get wrong: ties, masks, one survivor, filters that are off or take all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from prototypes.sampling.inputs import Tensors

VOCAB = 1000
"""No multiple of any block: the last group is a short one."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One row, repeated with different seeds: logits of a family, changed by `change`."""

    name: str
    family: str = "normal3"
    change: str = ""
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0


EDGES = (
    Edge("no filter", "normal1"),
    Edge("k 1", top_k=1),
    Edge("k 1 with ties", "ties", top_k=1),
    Edge("k 40, p 0.95, min-p 0.05", "zipf", top_k=40, top_p=0.95, min_p=0.05),
    Edge("k 50 with ties", "ties", top_k=50),
    Edge("k 300", "normal1", top_k=300),
    Edge("k of the whole vocabulary", top_k=VOCAB, top_p=0.9),
    Edge("k past the vocabulary", top_k=10 * VOCAB),
    Edge("k 3, all equal", "equal", top_k=3),
    Edge("p 0.5, all equal", "equal", top_p=0.5),
    Edge("p 0.9, flat", "normal1", top_p=0.9),
    Edge("p 0.9 with ties", "ties", top_p=0.9),
    Edge("p 0.5, peaked", "zipf", top_p=0.5),
    Edge("p 1e-6", top_p=1e-6),
    Edge("k 20 then p 0.8", "normal1", top_k=20, top_p=0.8),
    Edge("min-p 0.1", min_p=0.1),
    Edge("min-p 1", "ties", min_p=1.0),
    Edge("p 0.7, min-p 0.02", "normal1", top_p=0.7, min_p=0.02),
    Edge("all masked but one", change="all but one"),
    Edge("99 % masked, p 0.9", change="most", top_p=0.9),
    Edge("99 % masked, k 40", change="most", top_k=40),
    Edge("cold, p 0.95", temperature=0.3, top_p=0.95),
    Edge("hot, k 100, p 0.9", temperature=2.0, top_k=100, top_p=0.9),
    Edge("nearly greedy", temperature=1e-3),
    Edge("large offsets", change="offset", top_p=0.9),
)


def rows(device: torch.device, seed: int, repeats: int, edges: tuple[Edge, ...] = EDGES) -> Tensors:
    """Return inputs in which each edge takes `repeats` rows in a row, differing in the seed."""
    from prototypes.sampling.inputs import logits_of

    generator = torch.Generator(device=device).manual_seed(seed)
    logits = torch.cat(
        [_changed(logits_of(e.family, 1, VOCAB, device, generator), e.change) for e in edges]
    )

    def column(name: str, dtype: torch.dtype) -> torch.Tensor:
        values = torch.tensor([getattr(e, name) for e in edges], device=device, dtype=dtype)
        return values.repeat_interleave(repeats)

    return {
        "logits": logits.repeat_interleave(repeats, dim=0),
        "temperature": column("temperature", torch.float32),
        "top_k": column("top_k", torch.int32),
        "top_p": column("top_p", torch.float32),
        "min_p": column("min_p", torch.float32),
        "seeds": torch.randint(
            0, 2**31, (repeats * len(edges),), device=device, generator=generator
        ),
    }


def _changed(logits: torch.Tensor, change: str) -> torch.Tensor:
    if change == "all but one":
        masked = torch.full_like(logits, -math.inf)
        masked[:, 617] = logits[:, 617]
        return masked
    if change == "most":
        keep = torch.arange(logits.shape[-1], device=logits.device) % 100 == 7
        return logits.masked_fill(~keep, -math.inf)
    if change == "offset":
        return logits - 700.0
    return logits
