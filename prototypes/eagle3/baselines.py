"""Attention of a drafted tree with what torch has; each returns a kernel.

Inputs q (batch, heads, nodes, head_dim); k, v (batch, kv_heads, capacity, head_dim); visible (nodes
of a group, capacity) bool, what each query sees of the whole cache; output `out` like q.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

from prototypes.harness.declarations import Case
from prototypes.harness.workload import Kernel, Tensors
from prototypes.speculation.tree import Tree
from prototypes.weights.baselines import made_by


def sdpa_tree_mask(inputs: Tensors) -> torch.Tensor:
    """Fused attention of torch over the whole cache with the mask, KV heads repeated for a group.

    As in transformers, where a mask turns the flash kernel off.
    """
    q, k, v = inputs["q"], inputs["k"], inputs["v"]
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, dim=1) for x in (k, v))
    mask = inputs["visible"][:, None]
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def sdpa_grouped_mask(inputs: Tensors) -> torch.Tensor:
    """The same with a group's heads as rows, so that no KV head is repeated."""
    q, k = inputs["q"], inputs["k"]
    rows = q.view(q.shape[0], k.shape[1], -1, q.shape[-1])
    group = q.shape[1] // k.shape[1]
    mask = inputs["visible"].repeat(1, group, 1)[:, None]
    out = functional.scaled_dot_product_attention(rows, k, inputs["v"], attn_mask=mask)
    return out.view(q.shape)


def two_parts(inputs: Tensors, length: int) -> torch.Tensor:
    """Flash attention of the prefix without a mask, the tree by products, joined by their sums."""
    q, k, v = inputs["q"], inputs["k"], inputs["v"]
    rows = q.view(q.shape[0], k.shape[1], -1, q.shape[-1])
    nodes = q.shape[2]
    first, sums = _with_sums(rows, k[:, :, :length], v[:, :, :length])
    mask = inputs["visible"][:, :, length : length + nodes].repeat(1, q.shape[1] // k.shape[1], 1)
    tail = slice(length, length + nodes)
    scores = (rows @ k[:, :, tail].transpose(2, 3)).float() / math.sqrt(q.shape[-1])
    scores = scores.masked_fill(~mask[:, None], -math.inf)
    own = scores.logsumexp(-1, keepdim=True)
    second = (scores - own).exp().to(q.dtype) @ v[:, :, tail]
    share = torch.sigmoid(own - sums[..., None])
    return torch.lerp(first.float(), second.float(), share).to(q.dtype).view(q.shape)


def _with_sums(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return attention without a mask and the logarithms of its sums (batch, kv_heads, rows)."""
    if q.device.type == "cuda":
        found = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)
        return found[0], found[1][:, :, : q.shape[2]]
    scores = (q @ k.transpose(2, 3)) / math.sqrt(q.shape[-1])
    sums = scores.float().logsumexp(-1)
    return scores.softmax(-1) @ v, sums


def eager_build(inputs: Tensors, nodes: int) -> dict[str, torch.Tensor]:
    """Return the tree by torch, level after level, without a look back from the GPU."""
    logits, ids, root = inputs["logits"], inputs["ids"], inputs["root"]
    levels, batch, width, _ = logits.shape
    scores, tokens = logits[0, :, 0].float().log_softmax(-1).topk(width, dim=-1)
    parents = torch.full_like(tokens, -1)
    made = [(scores, tokens, parents)]
    chosen = torch.arange(width, device=root.device).expand(batch, width)
    begin = 0
    for level in range(1, levels):
        own, token = logits[level].float().log_softmax(-1).topk(width, dim=-1)
        parents = (begin + chosen)[..., None].expand_as(own).flatten(1)
        begin += scores.shape[1]
        scores = (scores.gather(1, chosen)[..., None] + own).flatten(1)
        made.append((scores, token.flatten(1), parents))
        chosen = scores.topk(width, dim=-1).indices.sort().values
    scores, tokens, parents = (torch.cat(part, 1) for part in zip(*made, strict=True))
    kept = scores.topk(nodes, dim=-1).indices.sort().values
    order = torch.arange(1, nodes + 1, device=root.device).expand(batch, nodes)
    place = torch.zeros_like(tokens).scatter_(1, kept, order)
    above = parents.gather(1, kept)
    above = torch.where(above < 0, 0, place.gather(1, above.clamp_min(0)))
    top = torch.full((batch, 1), -1, dtype=above.dtype, device=root.device)
    tree = Tree(
        torch.cat([root[:, None], ids[tokens.gather(1, kept)]], 1), torch.cat([top, above], 1)
    )
    return {
        "tokens": tree.tokens,
        "parents": tree.parents,
        "depths": tree.depths,
        "masks": tree.masks,
    }


def eager_compact(inputs: Tensors, outputs: Tensors) -> None:
    """Gather the path's rows of all layers at once and copy them to the prefix's end."""
    cache, path, lengths = inputs["cache"], inputs["path"].long(), inputs["lengths"].long()
    steps = torch.arange(path.shape[1], device=path.device)
    # Rows past the path stay where they are.
    path = torch.where(steps <= inputs["counts"][:, None], path, steps)
    shape = (*cache.shape[:2], len(lengths), cache.shape[3], path.shape[1], cache.shape[5])

    def at(places: torch.Tensor) -> torch.Tensor:
        return (lengths[:, None] + places)[None, None, :, None, :, None].expand(shape)

    cache.scatter_(4, at(steps.expand_as(path)), cache.gather(4, at(path)))
    torch.add(inputs["lengths"], inputs["counts"] + 1, out=outputs["new_lengths"])


def build(name: str, case: Case) -> Kernel:
    """Return the baseline of this name for a case."""
    return BUILDERS[name](case)


def _prepare(case: Case) -> Kernel:
    if case.parameters["task"] == "compact":
        return eager_compact
    nodes = int(case.parameters["nodes"]) - 1

    def run(inputs: Tensors, outputs: Tensors) -> None:
        for key, tensor in eager_build(inputs, nodes).items():
            outputs[key].copy_(tensor)

    kernel: Any = run
    kernel.uncopied = lambda inputs: eager_build(inputs, nodes)
    return run


def _two_parts(case: Case) -> Kernel:
    length = int(case.parameters["seq"])
    return made_by(lambda inputs: two_parts(inputs, length))


BUILDERS: Mapping[str, Callable[[Case], Kernel]] = {
    "sdpa_mask": lambda _: made_by(sdpa_tree_mask),
    "sdpa_grouped_mask": lambda _: made_by(sdpa_grouped_mask),
    "two_parts": _two_parts,
    "torch_eager": _prepare,
}
