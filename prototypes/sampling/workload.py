"""Joins the parts of the sampling prototype for the harness: inputs, kernels, gates, roofline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch

from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work
from prototypes.sampling import baselines, edges, inputs, oracle, statistical

PARAMETERS = ("temperature", "top_k", "top_p", "min_p")
EDGE_REPEATS = 16
EDGE_DRAWS = {"cpu": 1000, "cuda": 4000}


class Sampling:
    """Inputs: logits (batch, vocab), parameters and seeds (batch,). Output: tokens (batch,)."""

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return logits of the case's family, its parameters for each row, and seeds."""
        return inputs.make(case.parameters, device, seed)

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for one token a row, int64."""
        batch = int(case.parameters["batch"])
        return {"tokens": torch.empty(batch, dtype=torch.int64, device=device)}

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return a sampler or baseline; raises `NotRunnableError`."""
        if name in baselines.BUILDERS:
            return baselines.build(name, case)
        if name.startswith("torch_"):
            from prototypes.sampling import torch_samplers

            return torch_samplers.build(name)
        try:
            from prototypes.sampling import triton_sampler
        except ImportError:
            raise NotRunnableError("Triton isn't installed: pip install triton.") from None
        return triton_sampler.build(name, case, device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        """Count draws outside the exact filtered set."""
        return [
            Check.none(
                "draws outside the filtered set", int(outside(inputs, outputs["tokens"]).sum())
            )
        ]

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Edge cases, empty rows, and the same token for the same seed."""
        rows = edges.rows(device, seed, EDGE_REPEATS)
        tokens = self._draw(name, rows, device)
        wrong = outside(rows, tokens).view(len(edges.EDGES), EDGE_REPEATS).sum(dim=-1)
        for edge, count in zip(edges.EDGES, wrong.tolist(), strict=True):
            yield Check.none(f"edge {edge.name}: draws outside", count)
        again = self._draw(name, rows, device)
        yield Check.none("draws that differ for the same seed", int((again != tokens).sum()))
        other = self._draw(name, {**rows, "seeds": rows["seeds"] + 1}, device)
        yield Check.at_least("draws that differ for other seeds", int((other != tokens).sum()), 1)
        empty = {**rows, "logits": torch.full_like(rows["logits"], -torch.inf)}
        drawn = self._draw(name, empty, device)
        yield Check.none("tokens drawn from rows without any", int((drawn != -1).sum()))

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Draw many tokens from one row of the case, and from edges; compare with the oracle."""
        generator = torch.Generator(device=device).manual_seed(seed)
        draws = (2000 if quick else 20000) if device.type == "cpu" else 65536
        one = inputs.make({**case.parameters, "batch": 1}, device, seed)
        step = min(draws, 250 if device.type == "cpu" else 256)
        tokens = []
        rows = {key: one[key].expand(step, *one[key].shape[1:]).contiguous() for key in one}
        kernel = self.build(name, _resized(case, step, rows), device)
        outputs = self.outputs(_resized(case, step, rows), device)
        for _ in range(draws // step):
            rows["seeds"].copy_(
                torch.randint(0, 2**31, (step,), device=device, generator=generator)
            )
            kernel(rows, outputs)
            tokens.append(outputs["tokens"].clone())
        exact = oracle.distribution(one["logits"], *(one[key] for key in PARAMETERS))
        yield from statistical.fit(torch.cat(tokens), exact[0]).checks("this case")
        yield from self._edge_quality(name, device, seed, quick)

    def _edge_quality(
        self, name: str, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        chosen = tuple(
            e for e in edges.EDGES if not quick or e.name in ("p 0.9 with ties", "k 20 then p 0.8")
        )
        rows = edges.rows(device, seed + 1, EDGE_DRAWS[device.type], chosen)
        tokens = self._draw(name, rows, device).view(len(chosen), -1)
        repeats = tokens.shape[-1]
        first = {key: tensor[::repeats] for key, tensor in rows.items()}
        exact = oracle.distribution(first["logits"], *(first[key] for key in PARAMETERS))
        for index, edge in enumerate(chosen):
            yield from statistical.fit(tokens[index], exact[index]).checks(f"edge {edge.name}")

    def work(self, case: Case) -> Work:
        """Return one read of the logits and parameters, one write of the tokens; about four
        operations a logit (subtract, exponential, add, compare)."""
        batch, vocab = int(case.parameters["batch"]), int(case.parameters["vocab"])
        return Work(bytes=4 * batch * vocab + batch * (4 * 4 + 8 + 8), flops=4 * batch * vocab)

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Figure]:
        """Return the rounds of the paper's loop, for the flat case of one row."""
        from prototypes.sampling import figures

        asked = case.parameters
        alone = int(asked["batch"]) == 1 and asked["logits"] == "normal3" and not asked["top_k"]
        return figures.rounds(seed, quick) if alone else ()

    def _draw(self, name: str, rows: Tensors, device: torch.device) -> torch.Tensor:
        batch = rows["logits"].shape[0]
        kernel = self.build(name, _resized(None, batch, rows), device)
        tokens = torch.full((batch,), torch.iinfo(torch.int64).max, device=device)
        kernel(rows, {"tokens": tokens})
        return tokens


def _resized(case: Case | None, batch: int, rows: Tensors) -> Case:
    """Return a case for other rows; samplers may rely on its batch and vocabulary only."""
    shape = {"batch": batch, "vocab": rows["logits"].shape[-1]}
    if case is None:
        return Case("resized", shape, seed=0)
    return replace(case, parameters={**case.parameters, **shape})


def outside(rows: Tensors, tokens: torch.Tensor) -> torch.Tensor:
    """Return which rows drew a token that no rounding could allow, (batch,) bool."""
    allowed = oracle.kept(rows["logits"], *(rows[key] for key in PARAMETERS), slack=oracle.ROUNDING)
    vocab = allowed.shape[-1]
    valid = (tokens >= 0) & (tokens < vocab)
    inside = allowed.gather(-1, tokens.clamp(0, vocab - 1)[:, None])[:, 0]
    return ~(valid & inside)


WORKLOAD = Sampling()
