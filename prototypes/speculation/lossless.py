"""Whether emitted tokens follow the target: cycles over trees, counted against the distribution.

Target and draft are random Markov chains of a few tokens, so the chance of every pair of tokens is
known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from prototypes.speculation.acceptance import sampled_chain, sampled_tree
from prototypes.speculation.tree import dynamic

TOKENS = 6


@dataclass(frozen=True, slots=True)
class Counted:
    """What came out of so many draws of a pair of tokens."""

    p_value: float
    """Chance of counts at least as far off by chi-square, if tokens follow the target."""
    variation: float
    """Half the sum of what frequencies and chances differ by."""
    accepted: float
    """Drafted tokens that stayed, of a cycle."""


def chains(noise: float, seed: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return target and draft (TOKENS, TOKENS): what follows each token; float64.

    `noise`: the standard deviation by which the draft's logits are off.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = 1.5 * torch.randn((TOKENS, TOKENS), generator=generator, dtype=torch.float64)
    off = noise * torch.randn((TOKENS, TOKENS), generator=generator, dtype=torch.float64)
    target, draft = logits.softmax(-1), (logits + off).softmax(-1)
    return target.to(device), draft.to(device)


def of_trees(draws: int, noise: float, seed: int, device: torch.device) -> Counted:
    """Draw pairs by a dynamic tree, two levels deep, as EAGLE samples."""
    target, draft = chains(noise, seed, device)
    generator = torch.Generator(device=device).manual_seed(seed)
    root = torch.zeros(draws, dtype=torch.int64, device=device)
    first = draft[0].log().expand(draws, TOKENS)
    tree = dynamic(root, first, lambda tokens, _: draft[tokens].log(), 2, 2, 4)
    found = sampled_tree(tree, target[tree.tokens], generator)
    return _counted(found.tokens[:, :2], found.counts, target, generator)


def of_chains(draws: int, noise: float, seed: int, device: torch.device) -> Counted:
    """Draw pairs by chains of two drawn tokens with rejection."""
    target, draft = chains(noise, seed, device)
    generator = torch.Generator(device=device).manual_seed(seed)
    one = torch.multinomial(draft[0].expand(draws, TOKENS), 1, generator=generator)
    two = torch.multinomial(draft[one[:, 0]], 1, generator=generator)
    drafted = torch.cat([one, two], 1)
    q = torch.stack([draft[0].expand(draws, TOKENS), draft[one[:, 0]]], 1)
    before = torch.cat([torch.zeros_like(one), drafted], 1)
    found = sampled_chain(drafted, q, target[before], generator)
    return _counted(found.tokens[:, :2], found.counts, target, generator)


def _counted(
    pairs: torch.Tensor, counts: torch.Tensor, target: torch.Tensor, generator: torch.Generator
) -> Counted:
    """Count pairs (draws, 2); where a cycle emitted one token, the next is drawn plainly."""
    alone = pairs[:, 1] < 0
    plain = torch.multinomial(target[pairs[:, 0]], 1, generator=generator)[:, 0]
    second = torch.where(alone, plain, pairs[:, 1])
    seen = torch.bincount(pairs[:, 0] * TOKENS + second, minlength=TOKENS**2).double()
    expected = (target[0][:, None] * target).flatten() * len(pairs)
    return Counted(
        p_value=chi_square(seen, expected),
        variation=float((seen - expected).abs().sum() / 2 / len(pairs)),
        accepted=float(counts.double().mean()),
    )


def chi_square(seen: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the chance of a larger chi-square; cells with fewer than 5 expected are one cell."""
    rare = expected < 5
    if rare.any():
        seen = torch.cat([seen[~rare], seen[rare].sum()[None]])
        expected = torch.cat([expected[~rare], expected[rare].sum()[None]])
        keep = expected > 0
        if seen[~keep].sum() > 0:
            return 0.0
        seen, expected = seen[keep], expected[keep]
    distance = ((seen - expected).square() / expected).sum() / 2
    freedom = torch.tensor((len(seen) - 1) / 2, dtype=distance.dtype, device=distance.device)
    return float(torch.special.gammaincc(freedom, distance))
