"""What the EAGLE-3 prototype implements, and the cases it is measured on.

A layer of Llama-3.1-8B (32 query heads, 8 KV heads, 128 channels): a chain of four drafted tokens
(t5: it and the last emitted token), or the paper's tree of 60 (t61). None is a target case:
speculation gains by passes that aren't made, and what is timed here is the step that it adds, one
way of doing it against another.
"""

from __future__ import annotations

from prototypes.harness.declarations import (
    Baseline,
    Case,
    Declaration,
    Device,
    Implementation,
    Role,
)

GPU, BOTH = (Device.CUDA,), (Device.CPU, Device.CUDA)
SEED = 20250303
PAPER = "2503.01840"
# All are of whole decoding: these runs measure parts of it, and verdicts say so.
OF_TREES = tuple(
    f"{PAPER}/{name}" for name in ("speedup", "speedup-over-eagle2", "speedup-llama31-8b")
)
OF_CHAINS = (f"{PAPER}/sglang-batch-1", f"{PAPER}/sglang-batch-2")


def _attend(
    batch: int,
    seq: int,
    nodes: int,
    *,
    quick: bool = False,
    devices: tuple[Device, ...] = GPU,
) -> Case:
    return Case(
        id=f"b{batch}-h32-kv8-s{seq}-d128-t{nodes}",
        parameters={
            "task": "attend",
            "batch": batch,
            "heads": 32,
            "kv_heads": 8,
            "seq": seq,
            "head_dim": 128,
            "nodes": nodes,
        },
        seed=SEED,
        devices=devices,
        quick=quick,
        claims=OF_CHAINS if nodes < 9 else OF_TREES,
    )


CASES = (
    _attend(1, 32768, 61),
    _attend(1, 8192, 61, devices=BOTH),
    _attend(1, 8192, 5, quick=True, devices=BOTH),
    _attend(4, 8192, 61),
    _attend(1, 2048, 5, quick=True, devices=(Device.CPU,)),
    Case(
        "build-b1-v32000-l8-k10-t61",
        {
            "task": "build",
            "batch": 1,
            "vocabulary": 32000,
            "levels": 8,
            "width": 10,
            "nodes": 61,
        },
        seed=SEED,
        devices=GPU,
    ),
    Case(
        "compact-b1-l32-kv8-s512-d128-t61",
        {
            "task": "compact",
            "batch": 1,
            "layers": 32,
            "kv_heads": 8,
            "seq": 512,
            "head_dim": 128,
            "nodes": 61,
            "levels": 8,
        },
        seed=SEED,
        devices=GPU,
    ),
)


def _attends(case: Case) -> bool:
    return case.parameters["task"] == "attend"


def _prepares(case: Case) -> bool:
    return not _attends(case)


DECLARATION = Declaration(
    name="eagle3",
    title="A drafted tree: built, verified, committed",
    paper="eagle3",
    part="decode_attention",
    module="prototypes.eagle3.workload",
    implements=(
        "Builds EAGLE's dynamic tree of 60 drafted tokens from the draft's logits, verifies it "
        "with one pass of attention over the prefix and the tree under its mask, and moves the "
        "accepted path's keys and values to the prefix's end. Acceptance of three kinds of draft "
        "is measured on small models that are trained on text that Python ships with."
    ),
    deviates=(
        "Timed are attention of the verifying pass, the building of the tree and the move of its "
        "path. The speed of whole decoding is modelled from these, from bytes of weights and from "
        "acceptance, and each such figure says so.",
        "Target and draft are small models of characters, trained in minutes: orders between "
        "drafts carry over, absolute acceptance doesn't.",
        "The draft reads 3 of 4 layers' features and is trained with 5 steps of its own output; "
        "the paper's code has 7.",
        "Of equally likely nodes the one made first stays, and the chosen ones keep the order of "
        "their making; the authors' code takes any of them, by likelihood.",
        "Caches are synthetic, N(0, 1).",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "torch_tree",
            Device.CPU,
            "prefix without a mask, a group's heads as rows, the tree by itself, joined; torch",
            shipped=True,
        ),
        Implementation(
            "triton_tree",
            Device.CUDA,
            "split along the tokens, groups packed, ancestors as bits; a launch a level; Triton",
            shipped=True,
        ),
    ),
    baselines=(
        Baseline(
            "sdpa_mask",
            "fused attention of torch with the tree's mask, KV heads repeated, as in transformers",
            (Role.PAPER, Role.ENGINE),
            applies=_attends,
        ),
        Baseline(
            "sdpa_grouped_mask",
            "the same with a group's heads as rows, nothing repeated",
            applies=_attends,
        ),
        Baseline(
            "two_parts",
            "flash attention of the prefix without a mask, the tree by products, joined",
            devices=GPU,
            applies=_attends,
        ),
        Baseline(
            "torch_eager",
            "torch, an operation at a time, without a look back from the GPU",
            (Role.PAPER, Role.ENGINE),
            devices=GPU,
            applies=_prepares,
        ),
    ),
    claims=(*OF_TREES, *OF_CHAINS),
    bars={
        "fidelity": "attention against float64, node by node: 0.003 in float16, 0.03 in bfloat16; "
        "trees and moved rows exactly those of the oracle, ties included; empty prefixes, pages, "
        "extreme values; the same answer twice",
        "quality": "every node's answer is that of plain decoding along its path (the same bars); "
        "tokens emitted by cycles over a tree follow the target: chi-square over pairs of tokens "
        "in 100 000 draws, p at least 1e-6",
    },
    untargeted="Every baseline speculates too: the runs time how a step of a cycle is done, and "
    "passes saved by accepted drafts, which are the gain, aren't in them.",
)
