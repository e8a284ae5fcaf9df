"""Small inputs at the edges of what may come, each held against the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from prototypes.decode.pages import PAGE, packed
from prototypes.eagle3 import inputs, oracle
from prototypes.harness.declarations import Case
from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, Tensors
from prototypes.speculation.tree import Tree, dynamic

LENGTHS = (0, 1, 63, 64, 200)
LEAST_MARGIN = 1e-5
"""Scores of paths are sums of eight float32 numbers: what lies nearer is a tie to them."""


def checks(name: str, case: Case, device: torch.device, seed: int, bar: float) -> Iterator[Check]:
    """Yield the checks of the case's task."""
    if case.parameters["task"] == "attend":
        # On a GPU trees of the case's kind: each is compiled for itself.
        on_gpu = device.type == "cuda"
        chain = int(case.parameters["nodes"]) < 9
        for nodes in ((5,) if chain else (33,)) if on_gpu else (5, 33):
            yield from _attend(name, case, nodes, device, seed, bar)
        if name == "triton_tree" and not chain:
            yield from _paged(case, device, seed, bar)
    elif case.parameters["task"] == "build" and name == "triton_tree":
        small = changed(case, batch=3, vocabulary=700, levels=4, width=5, nodes=41)
        kernel = _built(name, small, device)
        for edge, given in logits(small, device, seed):
            out = inputs.room(small, device)
            kernel(given, out)
            yield replace(built_otherwise(given, 40, out), name=f"edge: {edge}")


def _built(name: str, case: Case, device: torch.device) -> Kernel:
    from prototypes.eagle3.workload import build

    return build(name, case, device)


def _attend(
    name: str, case: Case, nodes: int, device: torch.device, seed: int, bar: float
) -> Iterator[Check]:
    dim = 128 if device.type == "cuda" else 64
    for length in LENGTHS:
        own = changed(case, batch=1, heads=8, kv_heads=2, head_dim=dim, seq=length, nodes=nodes)
        kernel = _built(name, own, device)
        for edge, given in caches(own, device, seed):
            out = inputs.room(own, device)
            out["out"].fill_(99)
            kernel(given, out)
            exact = oracle.attention(
                given["q"], given["k"], given["v"], given["lengths"], given["masks"]
            )
            yield from errors(f"edge: {edge}", out, {"out": exact}, bar)


def changed(case: Case, **parameters: int) -> Case:
    """Return the case with other parameters."""
    return replace(case, parameters={**case.parameters, **parameters})


def caches(
    case: Case, device: torch.device, seed: int
) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield inputs by name: values that are hard to add up, a random tree."""
    given = inputs.attend(case, device, seed)
    nodes, seq = int(case.parameters["nodes"]), int(case.parameters["seq"])
    host = torch.Generator().manual_seed(seed)
    parents = [-1, *(int(torch.randint(0, i, (), generator=host)) for i in range(1, nodes))]
    one = torch.tensor([parents])
    given["masks"] = Tree(one, one).masks.to(device)
    given["visible"] = torch.zeros_like(given["visible"])
    given["visible"][0, :, : seq + nodes] = oracle.visible(seq, given["masks"][0])
    yield "random tree", given
    if nodes != 33:
        return
    k = given["k"]
    yield "every key zero", {**given, "k": torch.zeros_like(k)}
    yield "every key the same", {**given, "k": k[:, :, :1].expand_as(k).contiguous()}
    yield "keys near the least there are", {**given, "k": k * 1e-7}
    loud = k.clone()
    loud[:, :, seq + 1] *= 30
    yield "a node that takes all of those who see it", {**given, "k": loud}
    rest = {name: given[name].clone() for name in ("k", "v")}
    for tensor in rest.values():
        tensor[:, :, seq + nodes :] = 1e4
    yield "loud leftovers after the last node", {**given, **rest}


def _paged(case: Case, device: torch.device, seed: int, bar: float) -> Iterator[Check]:
    """Yield checks of a cache in pages of 16, in random order."""
    from prototypes.eagle3.triton_tree import TreeAttention

    own = changed(case, batch=2, heads=8, kv_heads=2, head_dim=128, seq=100, nodes=33)
    given = inputs.attend(own, device, seed)
    pages, table = in_pages(given["k"], given["v"], 133, seed)
    attend = TreeAttention(2, 8, 2, 33, 128, device)
    out = inputs.room(own, device)
    attend.paged(given["q"], *pages, table, given["lengths"], given["masks"], out["out"])
    exact = oracle.attention(given["q"], given["k"], given["v"], given["lengths"], given["masks"])
    yield from errors("edge: pages in random order", out, {"out": exact}, bar)


def in_pages(
    k: torch.Tensor, v: torch.Tensor, tokens: int, seed: int
) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the first tokens of caches in pages in random order, and where they are.

    k, v (batch, kv_heads, capacity, head_dim); keys, values (pages, PAGE, head_dim); table (batch,
    kv_heads, most) int32.
    """
    stays = torch.zeros(k.shape[:3], dtype=torch.bool, device=k.device)
    stays[:, :, :tokens] = True
    count = k.shape[0] * k.shape[1] * -(-tokens // PAGE) + 3
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).to(k.device)
    held = packed(k, v, stays, count, order)
    return (held["keys"], held["values"]), held["table"]


def logits(
    case: Case, device: torch.device, seed: int
) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield logits by name: ties, infinities, what is not a number."""
    given = inputs.build(case, device, seed)
    drawn = given["logits"]
    yield "no two alike", given
    yield "ties", {**given, "logits": drawn.round()}
    yield "all alike, zeros of both signs", {**given, "logits": drawn * 0}
    yield "one token of a row certain", {**given, "logits": (drawn - 6) * 100}
    few = drawn.clone()
    few[..., 7:] = -torch.inf
    yield "seven tokens possible", {**given, "logits": few}
    yield "subnormal", {**given, "logits": drawn * 1e-7}


def built_otherwise(given: Tensors, nodes: int, outputs: Tensors) -> Check:
    """Count what differs from the oracle's tree, unless float32 can't tell its scores apart."""
    # On a CPU, where sorting is stable whatever the type.
    told = given["logits"].cpu().double().log_softmax(-1)
    ids, root = given["ids"].cpu().long(), given["root"].cpu().long()
    levels, _, width, _ = told.shape
    level, margins = 0, []

    def follow(_: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
        nonlocal level
        level += 1
        return told[level]

    def margin(scores: torch.Tensor, count: int) -> None:
        ordered = scores.sort(-1, descending=True).values
        if ordered.shape[1] > count:
            gap = ordered[:, count - 1] - ordered[:, count]
            # Equal ones are equal in float32 too, if their parents' scores are.
            margins.append(gap[gap > 0].amin() if (gap > 0).any() else torch.tensor(1.0))

    tree = dynamic(root, told[0][:, 0], follow, levels, width, nodes, margin)
    right = {
        "tokens": torch.cat([root[:, None], ids[tree.tokens[:, 1:]]], 1),
        "parents": tree.parents,
        "depths": tree.depths,
        "masks": tree.masks,
    }
    wrong = sum(int((outputs[key].cpu() != value).sum()) for key, value in right.items())
    if wrong and min(float(m) for m in margins) < LEAST_MARGIN:
        wrong = 0
    return Check.none("elements of the tree that differ from the oracle's", wrong)
