"""Joins the parts of EAGLE-3 for the harness: inputs, kernels, gates, roofline, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import torch

from prototypes.decode.inputs import dtype_of
from prototypes.eagle3 import baselines, edges, inputs, oracle
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work
from prototypes.speculation import lossless

FIDELITY = {"cuda": 0.003, "cpu": 0.03}
SEEDS = 2
DRAWS = 100_000
LEAST_P = 1e-6
"""A sound sampler falls below once in a million runs."""
NOISES = (0.3, 1.0)


class Eagle3:
    """Tasks: `attend`, `build`, `compact`; inputs and outputs as `eagle3.inputs` makes them."""

    in_place: ClassVar[tuple[str, ...]] = ("cache",)

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return a cache with a tree after it, a draft's logits, or a path to commit."""
        return inputs.make(case, device, seed)

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the answer."""
        return inputs.room(case, device)

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or baseline; raises `NotRunnableError`."""
        return build(name, case, device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        """Hold one call against the oracle."""
        return _against_oracle(case, inputs, outputs)

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against the oracle on fresh inputs, on edge cases, and against itself."""
        kernel = self.build(name, case, device)
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 10 + number)
            before = {key: tensor.clone() for key, tensor in given.items()}
            outputs = self._called(kernel, case, given, device)
            yield from _against_oracle(case, given, outputs)
        again = self._called(kernel, case, before, device)
        differing = sum(int((again[key] != outputs[key]).sum()) for key in outputs)
        yield Check.none("elements that differ in a second call", differing)
        yield from edges.checks(name, case, device, seed, FIDELITY[device.type])

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold nodes against plain decoding along their paths, emitted tokens to the target."""
        if case.parameters["task"] == "attend":
            given = self.inputs(case, device, seed + 20)
            outputs = self._called(self.build(name, case, device), case, given, device)
            exact = oracle.along_paths(
                given["q"], given["k"], given["v"], given["lengths"], given["masks"]
            )
            bar = FIDELITY[device.type]
            yield from errors("plain decoding along each path", outputs, {"out": exact}, bar)
        for noise in NOISES:
            for kind, count in (("tree", lossless.of_trees), ("chain", lossless.of_chains)):
                found = count(DRAWS, noise, seed + 30, torch.device("cpu"))
                name_ = f"chance of the emitted pairs' frequencies, {kind}, noise {noise}"
                yield Check.at_least(name_, found.p_value, LEAST_P)

    def work(self, case: Case) -> Work:
        """Return bytes read and written once, and the products of all queries with all tokens."""
        return work(case)

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Figure]:
        """Return costs of verifying, acceptance by draft and tree, and what follows, modelled."""
        from prototypes.eagle3 import figures

        return figures.of(case, device, seed, quick)

    def _called(self, kernel: Kernel, case: Case, given: Tensors, device: torch.device) -> Tensors:
        outputs = self.outputs(case, device)
        for tensor in outputs.values():
            tensor.fill_(99)
        kernel(given, outputs)
        return outputs


def build(name: str, case: Case, device: torch.device) -> Kernel:
    """Return the code of this name for a case."""
    task = str(case.parameters["task"])
    if name in baselines.BUILDERS:
        return baselines.build(name, case)
    if name == "torch_tree":
        from prototypes.eagle3 import torch_tree

        return torch_tree.attend
    try:
        from prototypes.eagle3 import launches
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None
    return launches.BY_TASK[task](case, device)


def work(case: Case) -> Work:
    """Return the least that a case must do."""
    at = case.parameters
    batch = int(at["batch"])
    if at["task"] == "build":
        levels, width, vocabulary = (int(at[key]) for key in ("levels", "width", "vocabulary"))
        logits = batch * (1 + (levels - 1) * width) * vocabulary
        return Work(bytes=2 * logits + 20 * batch * int(at["nodes"]), flops=logits)
    dim, kv_heads, nodes = (int(at[key]) for key in ("head_dim", "kv_heads", "nodes"))
    if at["task"] == "compact":
        # How deep the path is depends on the tree: the least is one row.
        rows = 2 * int(at["layers"]) * batch * kv_heads
        return Work(bytes=2 * 2 * rows * dim, flops=0)
    tokens, heads = int(at["seq"]) + nodes, int(at["heads"])
    ends = 2 * 2 * batch * heads * nodes * dim
    return Work(
        bytes=2 * 2 * batch * kv_heads * tokens * dim + ends + 8 * batch * nodes,
        flops=4 * batch * heads * nodes * tokens * dim,
        precision=str(dtype_of(torch.device("cuda"))).removeprefix("torch."),
    )


def _against_oracle(case: Case, given: Tensors, outputs: Tensors) -> Iterator[Check]:
    task = case.parameters["task"]
    if task == "attend":
        exact = oracle.attention(
            given["q"], given["k"], given["v"], given["lengths"], given["masks"]
        )
        bar = FIDELITY[given["q"].device.type]
        yield from errors("float64, node by node", outputs, {"out": exact}, bar)
    elif task == "build":
        yield edges.built_otherwise(given, int(case.parameters["nodes"]) - 1, outputs)
    else:
        right = given["lengths"] + given["counts"] + 1
        yield Check.none("lengths that are wrong", int((outputs["new_lengths"] != right).sum()))
        begin, levels = int(case.parameters["seq"]), given["right"].shape[4]
        moved = given["cache"][..., begin : begin + levels, :] != given["right"]
        yield Check.none("elements of the cache that are wrong", int(moved.sum()))


WORKLOAD = Eagle3()
