"""Small inputs at the edges of what may come, each held against the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from prototypes.decode.pages import packed
from prototypes.eagle3 import inputs, oracle
from prototypes.harness.declarations import Case
from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Tensors
from prototypes.speculation.tree import Tree, dynamic

LENGTHS = (0, 1, 63, 64, 200)
LEAST_MARGIN = 1e-5
"""Scores of paths are sums of eight float32 numbers: what lies nearer is a tie to them."""


def checks(name: str, case: Case, device: torch.device, seed: int, bar: float) -> Iterator[Check]:
    """Yield the checks of the case's task."""
    from prototypes.eagle3.workload import build

    task = str(case.parameters["task"])
    if task == "attend":
        small = _small(case, batch=1, heads=8, kv_heads=2, head_dim=64)
        for nodes in (1, 5, 33, 64):
            for length in LENGTHS[:: 1 if nodes == 33 else 2]:
                for edge, given in caches(replace_seq(small, length, nodes), device, seed):
                    own = replace_seq(small, length, nodes)
                    out = inputs.room(own, device)
                    out["out"].fill_(99)
                    build(name, own, device)(given, out)
                    exact = oracle.attention(
                        given["q"], given["k"], given["v"], given["lengths"], given["masks"]
                    )
                    yield from errors(f"edge: {edge}", out, {"out": exact}, bar)
        if name == "triton_tree":
            yield from paged(small, device, seed, bar)
    elif task == "build":
        small = _small(case, batch=3, vocabulary=700, levels=4, width=5, nodes=41)
        kernel = build(name, small, device)
        if name != "triton_tree":
            return
        for edge, given in logits(small, device, seed):
            out = inputs.room(small, device)
            kernel(given, out)
            yield replace(built_otherwise(given, 40, out), name=f"edge: {edge}")


def _small(case: Case, **changed: int) -> Case:
    return replace(case, parameters={**case.parameters, **changed})


def replace_seq(case: Case, seq: int, nodes: int) -> Case:
    """Return the case with another prefix and tree."""
    return _small(case, seq=seq, nodes=nodes)


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
    rest = k.clone()
    rest[:, :, seq + nodes :] = torch.inf
    values = given["v"].clone()
    values[:, :, seq + nodes :] = torch.nan
    if device.type == "cuda":
        # Torch's own products let a value of a hidden place through: 0 times NaN.
        yield "infinities after the last node", {**given, "k": rest, "v": values}


def paged(case: Case, device: torch.device, seed: int, bar: float) -> Iterator[Check]:
    """Yield checks of a cache in pages of 16, in random order."""
    from prototypes.eagle3.triton_tree import TreeAttention

    own = _small(case, seq=100, nodes=26, batch=2)
    given = inputs.attend(own, device, seed)
    stays = torch.ones(given["k"].shape[:3], dtype=torch.bool, device=device)
    stays[:, :, 126:] = False
    pages = 2 * 2 * 8 + 3
    generator = torch.Generator(device=device).manual_seed(seed)
    order = torch.randperm(pages, generator=generator, device=device)
    held = packed(given["k"], given["v"], stays, pages, order)
    attend = TreeAttention(2, 8, 2, 26, 64, device)
    out = inputs.room(own, device)
    attend.paged(
        given["q"],
        held["keys"],
        held["values"],
        held["table"],
        given["lengths"],
        given["masks"],
        out["out"],
    )
    exact = oracle.attention(given["q"], given["k"], given["v"], given["lengths"], given["masks"])
    yield from errors("edge: pages in random order", out, {"out": exact}, bar)


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
