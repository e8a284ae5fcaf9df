"""Inputs of linear layers as models have them: their distribution decides the error.

How heavy the tails are is told by median |x| over the 90th percentile: .41 for a normal
distribution, .30 for Laplace's; inputs of q, k, v, gate and up have .37 to .40 in Llama and
Mistral, of down .25, of o .18 (computed from the histograms that the authors publish).
"""

from __future__ import annotations

import torch

FAMILIES = ("gauss", "laplace", "student3", "swiglu", "headscale", "outlier", "relu")
HEAD = 128
OUTLIERS, OUTLIER_SIZE = 8, 30.0


def drawn(
    family: str, shape: tuple[int, int], device: torch.device, generator: torch.Generator
) -> torch.Tensor:
    """Return float32 activations (tokens, channels). Raises `ValueError` for an unknown family.

    swiglu is silu(g) · u (before down); headscale has a scale a head, lognormal(0.8), for each
    token (before o); outlier has 8 channels 30 times as large; relu is half zeros.
    """

    def normal() -> torch.Tensor:
        return torch.randn(shape, device=device, generator=generator)

    tokens, channels = shape
    if family == "gauss":
        return normal()
    if family == "laplace":
        uniform = torch.rand(shape, device=device, generator=generator) - 0.5
        return -uniform.sign() * (1 - 2 * uniform.abs()).clamp_(min=1e-7).log()
    if family == "student3":
        return normal() / ((normal() ** 2 + normal() ** 2 + normal() ** 2) / 3).sqrt_()
    if family == "swiglu":
        return torch.nn.functional.silu(normal()) * normal()
    if family == "headscale":
        heads = -(-channels // HEAD)
        scales = torch.randn((tokens, heads), device=device, generator=generator).mul_(0.8).exp_()
        return normal() * scales.repeat_interleave(HEAD, dim=1)[:, :channels]
    if family == "outlier":
        x = normal()
        x[:, :: max(channels // OUTLIERS, 1)] *= OUTLIER_SIZE
        return x
    if family == "relu":
        return normal().relu_()
    raise ValueError(f"no activations called {family!r}: {', '.join(FAMILIES)}")
