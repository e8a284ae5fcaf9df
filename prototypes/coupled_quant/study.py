"""What is lost, by configuration, family and option: the tables beside the runs.

All on one layer and one sequence of text that nothing was calibrated on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from prototypes.attention import errors
from prototypes.coupled_quant import calibration, codebooks, inputs
from prototypes.coupled_quant.options import Config

TOKENS, STEPS, SEED = 8192, 16, 99
WINDOW = 128
"""Newest tokens that are kept as they are, where an option says so; the paper tries 128."""

Codec = Callable[[torch.Tensor], torch.Tensor]
"""Vectors (kv_heads, tokens, head_dim) to what is read back."""


@dataclass(frozen=True, slots=True)
class Text:
    """Keys, values (kv_heads, tokens, head_dim) and queries (kv_heads, asked, head_dim)."""

    keys: torch.Tensor
    values: torch.Tensor
    asked: torch.Tensor


@dataclass(frozen=True, slots=True)
class Loss:
    """What reading back costs."""

    key_energy: float
    """Share of the keys' energy that is lost, sinks aside."""
    value_energy: float
    output_energy: float
    cosine: float
    l1: float
    divergence: float
    """Mean of KL(exact attention || attention over what is read back), in nats."""


def text(layer: inputs.Layer, seed: int = SEED, tokens: int = TOKENS) -> Text:
    """Return one sequence of a layer, and queries at its end."""
    generator = layer.generator(seed)
    keys, values = layer.keys(tokens, generator), layer.values(tokens, generator)
    return Text(keys, values, layer.queries(STEPS, generator).flatten(1, 2))


def coded(books: calibration.Books) -> tuple[Codec, Codec]:
    """Return what codebooks make of keys, and of values."""

    def codec(book: torch.Tensor) -> Codec:
        def read(vectors: torch.Tensor) -> torch.Tensor:
            return codebooks.decode(codebooks.encode(vectors[None], book)[0], book).float()

        return read

    return codec(books.keys), codec(books.values)


def loss(asked: Text, keys: torch.Tensor, values: torch.Tensor) -> Loss:
    """Return what is lost with these keys and values in place of the text's."""
    exact, p = _attention(asked.asked, asked.keys, asked.values)
    got, r = _attention(asked.asked, keys, values)
    found = errors.measure(got[None], exact[None])
    divergence = (p * (p.clamp_min(1e-30).log() - r.clamp_min(1e-30).log())).sum(dim=-1)
    return Loss(
        key_energy=_lost(asked.keys, keys),
        value_energy=_lost(asked.values, values),
        output_energy=found.l2**2,
        cosine=found.cosine,
        l1=found.l1,
        divergence=float(divergence.mean()),
    )


def measured(asked: Text, codecs: tuple[Codec, Codec], sinks: int = 0, window: int = 0) -> Loss:
    """Return what these codecs lose, the first and the newest tokens kept as they are."""
    keys, values = codecs[0](asked.keys), codecs[1](asked.values)
    for kept, original in ((keys, asked.keys), (values, asked.values)):
        kept[:, :sinks] = original[:, :sinks]
        if window:
            kept[:, -window:] = original[:, -window:]
    return loss(asked, keys, values)


def _attention(
    asked: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    p = (asked @ keys.transpose(1, 2) / math.sqrt(keys.shape[-1])).softmax(dim=-1)
    return p @ values, p


def _lost(exact: torch.Tensor, got: torch.Tensor) -> float:
    a, b = exact[:, inputs.SINKS :].double(), got[:, inputs.SINKS :].double()
    return float((a - b).square().sum() / a.square().sum())


def rotated_codecs(layer: inputs.Layer, config: Config, before: bool) -> tuple[Text, Loss]:
    """Return what is lost if keys are coded before, or after, they are rotated by position.

    The layer's keys are taken as those before the rotation, its queries stand at the end.
    """
    positions = torch.arange(TOKENS, device=layer.ways.device)
    plain = text(layer)
    end = torch.full((plain.asked.shape[1],), float(TOKENS), device=positions.device)
    turned = Text(
        inputs.rotated(plain.keys, positions), plain.values, inputs.rotated(plain.asked, end)
    )
    samples, _, weights, _ = calibration.samples(layer, calibration.CALIBRATION_SEED)
    where = torch.arange(samples.shape[1], device=positions.device) % calibration.TOKENS
    # Calibration sequences stand anywhere in the window that is measured.
    where = (
        where
        + torch.arange(0, TOKENS, TOKENS // 8, device=where.device).repeat_interleave(
            -(-where.shape[0] // 8)
        )[: where.shape[0]]
    )
    learned_on = samples if before else inputs.rotated(samples, where)
    iterations = calibration.ITERATIONS[positions.device.type]
    book = codebooks.as_stored(codebooks.learn(learned_on, config, weights, iterations))
    read = coded(calibration.Books(book, book))[0]
    keys = inputs.rotated(read(plain.keys), positions) if before else read(turned.keys)
    return turned, loss(turned, keys, turned.values)


def entropy_ratio(layer: inputs.Layer, channels: int, bins: int = 16) -> float:
    """Return the joint entropy of neighbouring channels over the sum of their own ones.

    Each channel in `bins` equal bins between its extremes, as the paper estimates it; samples of
    all groups together.
    """
    keys, *_ = calibration.samples(layer, calibration.CALIBRATION_SEED)
    sample = keys[:, inputs.SINKS :]
    low, high = sample.amin(dim=1, keepdim=True), sample.amax(dim=1, keepdim=True)
    bin_of = ((sample - low) / (high - low) * bins).long().clamp_(0, bins - 1)
    grouped = bin_of.view(*bin_of.shape[:2], -1, channels)
    powers = bins ** torch.arange(channels, device=keys.device)
    joint = _entropy((grouped * powers).sum(dim=-1).flatten(), bins**channels)
    return joint / sum(_entropy(grouped[..., i].flatten(), bins) for i in range(channels))


def _entropy(values: torch.Tensor, count: int) -> float:
    share = torch.bincount(values, minlength=count).double() / values.numel()
    return float(-(share * share.clamp_min(1e-300).log2()).sum())
