"""Seeded inputs of the three tasks: a cache with a tree after it, a draft's logits, a path."""

from __future__ import annotations

import torch

from prototypes.decode.inputs import dtype_of
from prototypes.eagle3.oracle import visible
from prototypes.harness.declarations import Case
from prototypes.speculation.tree import Tree, chain, dynamic

ROOM = 64
"""Places after the prefix: the tree's nodes lie there."""
LEVELS, WIDTH = 8, 10
PEAKS = 48
"""Drafted tokens of a row that stand out, each by itself: what `torch.topk` does with equal ones is
its own choice, so that it could not be compared with."""


def make(case: Case, device: torch.device, seed: int) -> dict[str, torch.Tensor]:
    """Return the inputs of a case."""
    task = case.parameters["task"]
    if task == "attend":
        return attend(case, device, seed)
    return build(case, device, seed) if task == "build" else compact(case, device, seed)


def attend(case: Case, device: torch.device, seed: int) -> dict[str, torch.Tensor]:
    """Return q (batch, heads, nodes, head_dim), k, v (batch, kv_heads, seq + ROOM, head_dim).

    lengths (batch,) int32; masks (batch, nodes) int64; visible (batch, nodes, seq + ROOM) bool, the
    same for those who want to see it.
    """
    batch, heads, kv_heads, seq, dim, nodes = (
        int(case.parameters[name])
        for name in ("batch", "heads", "kv_heads", "seq", "head_dim", "nodes")
    )
    generator = torch.Generator(device=device).manual_seed(seed)
    kind = dtype_of(device)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator, device=device).to(kind)

    masks = tree(batch, nodes, seed).masks.to(device)
    sees = torch.zeros((batch, nodes, seq + ROOM), dtype=torch.bool, device=device)
    for b in range(batch):
        sees[b, :, : seq + nodes] = visible(seq, masks[b])
    return {
        "q": normal(batch, heads, nodes, dim),
        "k": normal(batch, kv_heads, seq + ROOM, dim),
        "v": normal(batch, kv_heads, seq + ROOM, dim),
        "lengths": torch.full((batch,), seq, dtype=torch.int32, device=device),
        "masks": masks,
        "visible": sees,
    }


def tree(batch: int, nodes: int, seed: int) -> Tree:
    """Return a chain of up to eight nodes, or a dynamic tree by a random draft's likelihoods."""
    if nodes <= LEVELS:
        return chain(torch.zeros((batch, nodes), dtype=torch.int64))
    generator = torch.Generator().manual_seed(seed)
    root = torch.zeros(batch, dtype=torch.int64)

    def follow(tokens: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        drawn = torch.randn((*tokens.shape, 64), generator=generator)
        return (2 * drawn).log_softmax(-1)

    return dynamic(root, follow(root[:, None], root)[:, 0], follow, LEVELS, WIDTH, nodes - 1)


def build(case: Case, device: torch.device, seed: int) -> dict[str, torch.Tensor]:
    """Return logits (levels, batch, width, vocabulary), ids (vocabulary,), root (batch,).

    A row's likeliest tokens are all different, log-likelihoods falling about as in text.
    """
    batch, vocabulary, levels, width = (
        int(case.parameters[name]) for name in ("batch", "vocabulary", "levels", "width")
    )
    generator = torch.Generator(device=device).manual_seed(seed)
    size = (levels, batch, width, vocabulary)
    logits = torch.randn(size, generator=generator, device=device).clamp_(max=2.5)
    peaks = min(PEAKS, vocabulary)
    # Steps of 1/64 are exact in float16 as long as it is below 16.
    step = torch.randint(1, 33, (*size[:3], peaks), generator=generator, device=device)
    heights = 12 - step.double().div_(64).cumsum(-1)
    places = torch.rand(size, generator=generator, device=device).topk(peaks, dim=-1).indices
    logits.scatter_(-1, places, heights.float().clamp_min_(3.0))
    ids = torch.randperm(4 * vocabulary, generator=generator, device=device)[:vocabulary]
    root = torch.randint(0, 4 * vocabulary, (batch,), generator=generator, device=device)
    return {"logits": logits.half(), "ids": ids.int(), "root": root.int()}


def compact(case: Case, device: torch.device, seed: int) -> dict[str, torch.Tensor]:
    """Return cache (layers, 2, batch, kv_heads, seq + ROOM, head_dim), path (batch, levels + 1).

    counts, lengths (batch,): a path of a random tree, as deep as it goes. right (layers, 2, batch,
    kv_heads, levels + 1, head_dim): the rows after the prefix, as they must be when it has moved.
    """
    layers, batch, kv_heads, seq, dim, nodes, levels = (
        int(case.parameters[name])
        for name in ("layers", "batch", "kv_heads", "seq", "head_dim", "nodes", "levels")
    )
    generator = torch.Generator(device=device).manual_seed(seed)
    size = (layers, 2, batch, kv_heads, seq + ROOM, dim)
    drawn = tree(batch, nodes, seed)
    path = torch.full((batch, levels + 1), -1, dtype=torch.int64)
    counts = drawn.depths.amax(1)
    for b in range(batch):
        node = int(drawn.depths[b].argmax())
        for step in range(int(counts[b]), -1, -1):
            path[b, step], node = node, int(drawn.parents[b, node])
    cache = torch.randn(size, generator=generator, device=device, dtype=torch.float16)
    right = cache[..., seq : seq + levels + 1, :].clone()
    for b in range(batch):
        for step in range(int(counts[b]) + 1):
            right[:, :, b, :, step] = cache[:, :, b, :, seq + int(path[b, step])]
    return {
        "cache": cache,
        "right": right,
        "path": path.int().to(device),
        "counts": counts.int().to(device),
        "lengths": torch.full((batch,), seq, dtype=torch.int32, device=device),
    }


def room(case: Case, device: torch.device) -> dict[str, torch.Tensor]:
    """Return empty outputs of a case."""
    at = case.parameters
    batch, nodes = int(at["batch"]), int(at["nodes"])

    def empty(*size: int, kind: torch.dtype = torch.int32) -> torch.Tensor:
        return torch.empty(size, dtype=kind, device=device)

    if at["task"] == "attend":
        size = (batch, int(at["heads"]), nodes, int(at["head_dim"]))
        return {"out": empty(*size, kind=dtype_of(device))}
    if at["task"] == "build":
        names = ("tokens", "parents", "depths")
        ints = {name: empty(batch, nodes) for name in names}
        return {**ints, "masks": empty(batch, nodes, kind=torch.int64)}
    return {"new_lengths": empty(batch)}
