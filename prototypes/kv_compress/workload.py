"""Joins the parts of KV-Compress for the harness: inputs, kernels, gates, roofline, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from prototypes.decode import oracle as attention
from prototypes.decode.inputs import RUN, dtype_of
from prototypes.decode.pages import PAGE
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work
from prototypes.kv_compress import bars, baselines, edges, inputs, oracle
from prototypes.kv_compress.inputs import Plan

SEEDS = 2
"""Fresh caches of the fidelity and the quality gate."""


class KvCompress:
    """Two tasks: `decode`, one step of attention over what stays; `evict`, which entries stay.

    decode: `inputs.decode_inputs` to out (batch, heads, head_dim). evict: metric (batch, heads,
    seq) to counts (batch, heads) int32 and stays (batch, heads, seq) uint8.
    """

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return a cache as it is in use, compressed and whole; or its metric."""
        plan = Plan.of(case.parameters)
        make = inputs.decode_inputs if _decodes(case) else inputs.evict_inputs
        return make(plan, device, seed)

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the answer, or for which entries stay."""
        return _room(Plan.of(case.parameters), _decodes(case), device)

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or baseline; raises `NotRunnableError`."""
        return _build(name, Plan.of(case.parameters), _decodes(case), device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        """Hold one call against float64 over what stays, or over the full cache: the nearer one.

        A baseline attends to everything. The evicted entries must be those of the oracle.
        """
        if not _decodes(case):
            plan = Plan.of(case.parameters)
            return [_chosen_otherwise(inputs["metric"], plan.evicted, outputs)]
        bar = bars.FIDELITY[outputs["out"].device.type]
        answers = (
            _over_pages(inputs),
            attention.attention(inputs["q"], inputs["k"], inputs["v"]),
        )
        either = [
            list(errors("what stays, or everything", outputs, {"out": answer}, bar))
            for answer in answers
        ]
        return min(either, key=lambda checks: max(_distance(c) for c in checks))

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against float64 over the same tokens, or the same eviction by sorting."""
        kernel = self.build(name, case, device)
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 10 + number)
            outputs = _called(kernel, given, self.outputs(case, device))
            if _decodes(case):
                bar = bars.FIDELITY[device.type]
                yield from errors("what stays", outputs, {"out": _over_pages(given)}, bar)
            else:
                evicted = Plan.of(case.parameters).evicted
                yield _chosen_otherwise(given["metric"], evicted, outputs)
        again = _called(kernel, given, self.outputs(case, device))
        differing = sum(int((again[key] != outputs[key]).sum()) for key in outputs)
        yield Check.none("elements that differ in a second call", differing)
        yield from _edges(name, _decodes(case), device, seed)

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold what the technique keeps, and its answer, against the full cache."""
        kernel, plan = self.build(name, case, device), Plan.of(case.parameters)
        for number in range(1 if quick else SEEDS):
            new = inputs.made(plan, device, seed + 20 + number)
            stays = new.kept.stays
            if _decodes(case):
                given = inputs.in_pages(plan, new, seed + 20 + number)
                outputs = _called(kernel, given, self.outputs(case, device))
                exact = attention.attention(given["q"], given["k"], given["v"])
                error = float((outputs["out"] - exact).norm() / exact.norm())
                yield Check.at_most(
                    "error against the full cache", error, bars.of(bars.ERROR, plan.rate)
                )
            else:
                given = {"metric": new.metric}
                stays = _called(kernel, given, self.outputs(case, device))["stays"]
            paid = oracle.attention_of(new.cache["q"], new.cache["k"]).view(plan.metric_shape)
            usual = oracle.attention_of(new.cache["others"], new.cache["k"])
            tokens = plan.kept_tokens // plan.shape.batch
            best = oracle.best(usual.view(plan.metric_shape), tokens)
            yield Check.at_least(
                "attention kept, of what the best choice ahead of the step keeps",
                oracle.retained(paid, stays) / oracle.retained(paid, best),
                bars.of(bars.MASS, plan.rate),
            )
            by_layer = stays.view(new.cache["k"].shape[:3]).bool()
            found = oracle.surviving(new.cache["needles"], new.cache["asking"], by_layer, RUN)
            yield Check.at_least("share of needles kept", found, bars.of(bars.NEEDLES, plan.rate))

    def work(self, case: Case) -> Work:
        """Return what stays read once with its table, or the metric read and the choice written."""
        plan = Plan.of(case.parameters)
        shape = plan.shape
        if not _decodes(case):
            entries = shape.batch * plan.heads * shape.seq
            return Work(bytes=5 * entries + 4 * shape.batch * plan.heads, flops=entries)
        ends = 2 * 2 * shape.batch * shape.heads * shape.head_dim
        table = 4 * (plan.kept_tokens // PAGE + shape.rows)
        return Work(
            bytes=4 * plan.kept_tokens * shape.head_dim + ends + table,
            flops=4 * plan.kept_tokens * shape.head_dim * shape.queries,
            precision=str(dtype_of(torch.device("cuda"))).removeprefix("torch."),
            reference_bytes=shape.cache_bytes + ends,
        )

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Figure]:
        """Return what the paper's figures and tables show, as far as such caches can."""
        from prototypes.kv_compress import figures

        return figures.of(Plan.of(case.parameters), _decodes(case), device, seed, quick)


def _decodes(case: Case) -> bool:
    return case.parameters["task"] == "decode"


def _room(plan: Plan, decodes: bool, device: torch.device) -> dict[str, torch.Tensor]:
    if decodes:
        size = (plan.shape.batch, plan.shape.heads, plan.shape.head_dim)
        return {"out": torch.empty(size, dtype=dtype_of(device), device=device)}
    size = plan.metric_shape
    return {
        "counts": torch.empty(size[:2], dtype=torch.int32, device=device),
        "stays": torch.empty(size, dtype=torch.uint8, device=device),
    }


def _build(name: str, plan: Plan, decodes: bool, device: torch.device) -> Kernel:
    if name in baselines.BUILDERS:
        return baselines.build(name, plan, device)
    if name == "torch_ragged":
        from prototypes.kv_compress import torch_ragged

        return torch_ragged.decode(plan) if decodes else torch_ragged.evict(plan)
    try:
        from prototypes.kv_compress import triton_ragged
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None
    return triton_ragged.decode(plan, device) if decodes else triton_ragged.evict(plan, device)


def _called(kernel: Kernel, given: Tensors, outputs: Tensors) -> Tensors:
    for tensor in outputs.values():
        tensor.fill_(99)
    kernel(given, outputs)
    return outputs


def _over_pages(given: Tensors) -> torch.Tensor:
    return attention.paged_attention(
        given["q"], given["keys"], given["values"], given["table"], given["lengths"]
    )


def _chosen_otherwise(metric: torch.Tensor, evicted: int, outputs: Tensors) -> Check:
    right = oracle.kept(metric, evicted, PAGE)
    wrong = int((outputs["stays"] != right.to(torch.uint8)).sum())
    wrong += int((outputs["counts"] != right.sum(dim=-1)).sum())
    return Check.none("entries kept or evicted otherwise than by sorting", wrong)


def _distance(check: Check) -> float:
    """Return how far a check is from its bar; NaN, which never passes, is farthest."""
    share = check.value / check.bar
    return share if share == share else float("inf")


def _edges(name: str, decodes: bool, device: torch.device, seed: int) -> Iterator[Check]:
    if decodes:
        kernel = _build(name, edges.DECODE, True, device)
        for edge, given in edges.caches(device, seed):
            outputs = _called(kernel, given, _room(edges.DECODE, True, device))
            bar = bars.FIDELITY[device.type]
            yield from errors(f"edge: {edge}", outputs, {"out": _over_pages(given)}, bar)
        return
    kernel = _build(name, edges.EVICT, False, device)
    for edge, metric in edges.metrics(device, seed):
        outputs = _called(kernel, {"metric": metric}, _room(edges.EVICT, False, device))
        check = _chosen_otherwise(metric, edges.EVICT.evicted, outputs)
        yield Check.none(f"edge {edge}: {check.name}", int(check.value))


WORKLOAD = KvCompress()
