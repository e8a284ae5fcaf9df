"""Logits of known shape, seeded, and a row's sampling parameters as tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from prototypes.harness.declarations import Parameter

Tensors = dict[str, torch.Tensor]

FAMILIES = ("normal1", "normal3", "normal5", "gumbel1", "zipf", "ties", "equal")


def logits_of(
    family: str, batch: int, vocab: int, device: torch.device, generator: torch.Generator
) -> torch.Tensor:
    """Return float32 logits, (batch, vocab). Raises `ValueError` for an unknown family.

    normalS: S·N(0, 1), flat: a nucleus of thousands of tokens. zipf: 1.76·ln(rank), shuffled, with
    a little noise: as peaked as a language model's own. ties: N(0, 1) in steps of 1/8.
    """
    shape = (batch, vocab)
    noise = torch.randn(shape, device=device, generator=generator)
    if family.startswith("normal"):
        return noise * float(family.removeprefix("normal"))
    if family == "gumbel1":
        uniform = torch.rand(shape, device=device, generator=generator).clamp_(1e-9, 1 - 1e-7)
        return -(-uniform.log()).log()
    if family == "zipf":
        order = torch.rand(shape, device=device, generator=generator).argsort(dim=-1)
        return -1.76 * (order + 1.0).log() + 0.1 * noise
    if family == "ties":
        return (noise * 8).round() / 8
    if family == "equal":
        return torch.full(shape, 0.5, device=device)
    raise ValueError(f"no logits called {family!r}: {', '.join(FAMILIES)}")


def settings_of(parameters: Mapping[str, Parameter], batch: int, device: torch.device) -> Tensors:
    """Return one row's worth of parameters for each row, (batch,) each."""
    return {
        "temperature": torch.full((batch,), float(parameters["temperature"]), device=device),
        "top_k": torch.full((batch,), int(parameters["top_k"]), device=device, dtype=torch.int32),
        "top_p": torch.full((batch,), float(parameters["top_p"]), device=device),
        "min_p": torch.full((batch,), float(parameters["min_p"]), device=device),
    }


def make(parameters: Mapping[str, Parameter], device: torch.device, seed: int) -> Tensors:
    """Return the inputs of one call: logits (batch, vocab), four parameters and seeds (batch,)."""
    batch, vocab = int(parameters["batch"]), int(parameters["vocab"])
    generator = torch.Generator(device=device).manual_seed(seed)
    return {
        "logits": logits_of(str(parameters["logits"]), batch, vocab, device, generator),
        **settings_of(parameters, batch, device),
        "seeds": torch.randint(0, 2**31, (batch,), device=device, generator=generator),
    }
