"""Figures beside EAGLE-3's times: costs of verifying, acceptance, and the speedup, modelled.

Measured on the device: attention by tree size, building, committing; acceptance of the small
drafts; linear layers on a CPU by rows. Modelled: whole steps of Llama-3.1-8B, from these and from
bytes of weights, and every speedup.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from prototypes.eagle3 import costs
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.speculation.law import speedup

TEXTS = 48
"""Texts of 128 characters that acceptance is measured on."""
PAPER_TOKENS = {"eagle2": 4.05, "unbound": 5.37, "eagle3": 6.13}
TABLE_2 = "Table 2: MT-bench, Llama-3.1-8B, temperature 0; ours: small models of characters"
WIDTH, NODES = 10, 60


def of(case: Case, device: torch.device, seed: int, quick: bool) -> Iterator[Figure]:
    """Yield the figures of a case; a quick run has none that takes long."""
    at = case.parameters
    if at["task"] != "attend" or at["batch"] != 1 or quick:
        return
    if device.type == "cuda":
        if at["nodes"] == 61:
            yield from verifying(int(at["seq"]), device)
    elif at["nodes"] == 61:
        yield from on_cpu()
    elif at["seq"] == 8192:
        yield from acceptance(device, seed)


def verifying(seq: int, device: torch.device) -> Iterator[Figure]:
    """Yield what verifying costs by tree size, and the speedup that follows for an 8B model."""
    one = costs.one_token(seq, device)
    yield Figure("one token by split_kv_fp16", one, "µs", note="measured in this run")
    last = one
    for nodes in (27, 61):
        last = costs.tree(seq, nodes, device)
        yield Figure(
            f"attention of {nodes} nodes, relative to one token", last / one, "x", note="measured"
        )
    build, commit = costs.preparing(device)
    yield Figure("building the tree, 8 levels", build, "µs", note="measured; 60 µs was the aim")
    yield Figure("committing the path, 32 layers", commit, "µs", note="measured; 10 µs the aim")
    step = costs.step_us(seq, one)
    verify = costs.step_us(seq, last) / step
    draft = costs.DRAFT_US / step
    overhead = (build + commit) / step
    for tokens, levels, paper, note in (
        (
            6.13,
            8,
            4.40,
            "tokens a cycle as in Table 1, MT-bench; the paper's time is of an RTX 3090",
        ),
        (4.05, 6, 3.16, "EAGLE-2's tokens a cycle, Table 2"),
    ):
        gain = speedup(tokens, levels, draft, verify, overhead)
        yield Figure(
            f"modelled: Llama-3.1-8B, {tokens} tokens a cycle, tree of 60, {levels} levels",
            gain,
            "x",
            paper,
            f"modelled: bytes of weights, measured attention, building and commit; {note}",
        )


def acceptance(device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield tokens a cycle by draft, depth and tree size, beside the paper's ablation.

    Nothing, where the models aren't kept (`python -m prototypes.speculation.train`): training them
    takes minutes.
    """
    from prototypes.eagle3.acceptance import Plan, accepted, by_step, per_cycle, written
    from prototypes.speculation import training
    from prototypes.speculation.draft import KINDS, trained

    if not training.are_kept(kind.label for kind in KINDS):
        return
    target = training.target(device)
    texts = {
        "greedy": written(target, TEXTS, True, seed),
        "temperature 1": written(target, TEXTS, False, seed),
    }
    for kind in KINDS:
        draft = trained(target, kind)
        for name, text in texts.items():
            greedy = name == "greedy"

            def tokens(plan: Plan, text: torch.Tensor = text, draft: object = draft) -> float:
                return per_cycle(accepted(target, draft, text, plan))  # type: ignore[arg-type]

            told = f"{kind.name}, {name}"
            yield Figure(
                f"tokens a cycle, {told}, tree of {NODES}, 7 levels",
                tokens(Plan(7, WIDTH, NODES)),
                "tokens",
                PAPER_TOKENS[kind.name] if greedy else None,
                TABLE_2 if greedy else "measured on the small models",
            )
            yield Figure(f"tokens a cycle, {told}, chain of 7", tokens(Plan(7, 1, 7)), "tokens")
            if kind.name != "eagle3":
                continue
            for levels in (1, 3, 5):
                nodes = min(NODES, WIDTH + (levels - 1) * WIDTH**2)
                plan = Plan(levels, WIDTH, nodes)
                yield Figure(
                    f"tokens a cycle, {told}, tree of {nodes}, {levels} levels",
                    tokens(plan),
                    "tokens",
                )
                yield Figure(
                    f"tokens a cycle, {told}, chain of {levels}",
                    tokens(Plan(levels, 1, levels)),
                    "tokens",
                )
            for nodes in (8, 26):
                yield Figure(
                    f"tokens a cycle, {told}, tree of {nodes}, 7 levels",
                    tokens(Plan(7, WIDTH, nodes)),
                    "tokens",
                )
        shares = by_step(accepted(target, draft, texts["temperature 1"], Plan(5, 1, 5)), 5)
        for step, share in enumerate(shares, 1):
            yield Figure(
                f"accepted at step {step} of a chain, {kind.name}, temperature 1",
                100 * share,
                "%",
                note="of those whose earlier steps were all accepted (n-alpha, Figure 7)",
            )


def on_cpu() -> Iterator[Figure]:
    """Yield what verifying M tokens costs by the format of weights, and when a draft pays."""
    found = costs.linears_on_cpu()
    for kind, by_rows in found.items():
        one = by_rows[1]
        yield Figure(f"one row, {kind}", one / 1e3, "ms", note="4096 to 28672, one thread, cold")
        for rows, time in by_rows.items():
            if rows > 1:
                yield Figure(f"{rows} rows relative to one, {kind}", time / one, "x")
        cheapest = min(by_rows.values())
        for rows, tokens in ((4, 2.79), (8, 3.46)):
            # A draft of a tenth of the target's bytes; short of 4 rows W8A8 is better padded.
            gain = speedup(tokens, rows - 1, 0.1, by_rows[rows] / one)
            yield Figure(
                f"modelled: chain of {rows - 1}, {tokens} tokens a cycle, {kind}",
                gain,
                "x",
                note="modelled: linear layers only, a draft at a tenth of the target's cost; "
                "tokens a cycle as vLLM reports them (vllm #20780: 2.79 for 3, 3.46 for 6)",
            )
        yield Figure(
            f"fewest tokens a cycle that pay, chain of 7, {kind}",
            by_rows[8] / one + 0.7,
            "tokens",
            note="modelled: a draft at a tenth of the target's cost",
        )
        if cheapest < one:
            yield Figure(
                f"one row relative to the cheapest number of rows, {kind}", one / cheapest, "x",
                note="above 1: plain decoding is faster with padded rows",
            )  # fmt: skip
