"""Which drafted tokens stay, so that the output is what the target alone would have emitted.

Greedy: exactly its tokens. Sampling: exactly its distribution (Leviathan et al., arXiv 2211.17192,
Theorem 3.5, for chains; several rounds with the residual, as SpecInfer, arXiv 2305.09781, Section
4.3, and EAGLE have it, for trees). `target` probabilities must be the processed ones: after
temperature and truncation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from prototypes.speculation.tree import Tree

NOTHING = -1


@dataclass(frozen=True, slots=True)
class Accepted:
    """What one cycle emits.

    counts (batch,) int64: drafted tokens that stay, so counts + 1 are emitted. tokens (batch,
    most): emitted ones, then -1. path (batch, most): the nodes whose cache rows stay, the root
    first, then -1; the last emitted token has none yet.
    """

    counts: torch.Tensor
    tokens: torch.Tensor
    path: torch.Tensor


def greedy_chain(drafted: torch.Tensor, choices: torch.Tensor) -> Accepted:
    """Keep drafted tokens (batch, g) up to the first that isn't the target's choice.

    choices (batch, g + 1): the target's likeliest token after the last emitted one, and after each
    drafted one.
    """
    same = drafted == choices[:, :-1]
    counts = same.long().cumprod(1).sum(1)
    own = choices.gather(1, counts[:, None])
    return _of_chain(drafted, counts, own)


def sampled_chain(
    drafted: torch.Tensor,
    draft: torch.Tensor,
    target: torch.Tensor,
    generator: torch.Generator | None = None,
) -> Accepted:
    """Keep drafted tokens (batch, g), each with the chance min(1, p / q); then draw once more.

    draft: q (batch, g, vocabulary), what each token was drawn from; target: p (batch, g + 1,
    vocabulary). After the first rejected token the last one comes from max(p - q, 0), else from p.
    """
    batch, length = drafted.shape
    chance = torch.rand((batch, length), generator=generator, device=drafted.device)
    spot = drafted[..., None]
    p, q = target[:, :-1].gather(2, spot)[..., 0], draft.gather(2, spot)[..., 0]
    # Not p / q: a token whose q is 0 can't have been drawn, and must not pass by 0 / 0.
    counts = (chance * q < p).long().cumprod(1).sum(1)
    last = counts[:, None, None].expand(-1, 1, target.shape[2])
    rest = target.gather(1, last)[:, 0]
    padded = torch.cat([draft, torch.zeros_like(draft[:, :1])], 1)
    rest = residual(rest, padded.gather(1, last)[:, 0])
    own = torch.multinomial(rest, 1, generator=generator)
    return _of_chain(drafted, counts, own)


def residual(target: torch.Tensor, draft: torch.Tensor) -> torch.Tensor:
    """Return max(p - q, 0) with sum 1, over the last axis; p itself where nothing is left of it."""
    rest = (target - draft).clamp_min(0)
    total = rest.sum(-1, keepdim=True)
    return torch.where(total > 0, rest / total.clamp_min(torch.finfo(rest.dtype).tiny), target)


def greedy_tree(tree: Tree, choices: torch.Tensor) -> Accepted:
    """Walk from the root as long as a child is the target's choice; choices (batch, nodes)."""

    def step(at: torch.Tensor) -> torch.Tensor:
        return choices.gather(1, at[:, None])[:, 0]

    return _walk(tree, step)


def sampled_tree(
    tree: Tree, target: torch.Tensor, generator: torch.Generator | None = None
) -> Accepted:
    """Walk from the root, at each node offering its children in order; target (batch, nodes, V).

    Children were taken, not drawn (the draft's likeliest tokens), so q is 1 at each: it is accepted
    with the chance p(x), else p(x) becomes 0 and the next one is offered p renormalised. That is
    the same as drawing from p and looking whether the token drawn is among the children, and so
    it is done here; `several_rounds` is the rule as it is written.
    """

    def step(at: torch.Tensor) -> torch.Tensor:
        here = target.gather(1, at[:, None, None].expand(-1, 1, target.shape[2]))[:, 0]
        return torch.multinomial(here, 1, generator=generator)[:, 0]

    return _walk(tree, step)


def several_rounds(
    target: torch.Tensor,
    offered: torch.Tensor,
    draft: torch.Tensor | None = None,
    generator: torch.Generator | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Offer tokens one after another at one node; return which passed (or -1), and what is emitted.

    target p (batch, vocabulary); offered (batch, k). draft q (batch, k, vocabulary): what each was
    drawn from; None: they were taken, each with q 1 at itself. A token passes with the chance
    min(1, p / q), else p becomes max(p - q, 0) with sum 1 and the next one is offered. After the
    last one the rest of p is drawn from.
    """
    batch, rounds = offered.shape
    rest = target.double()
    passed = torch.full((batch,), NOTHING, device=target.device)
    emitted = torch.full((batch,), NOTHING, device=target.device)
    for number in range(rounds):
        token = offered[:, number]
        if draft is None:
            q = torch.zeros_like(rest).scatter_(1, token[:, None], 1.0)
        else:
            q = draft[:, number].double()
        chance = torch.rand(batch, generator=generator, device=target.device, dtype=rest.dtype)
        spot = token[:, None]
        fits = chance * q.gather(1, spot)[:, 0] < rest.gather(1, spot)[:, 0]
        new = fits & (passed < 0)
        passed = torch.where(new, number, passed)
        emitted = torch.where(new, token, emitted)
        rest = residual(rest, q)
    own = torch.multinomial(rest, 1, generator=generator)[:, 0]
    return passed, torch.where(passed < 0, own, emitted)


def _of_chain(drafted: torch.Tensor, counts: torch.Tensor, own: torch.Tensor) -> Accepted:
    place = torch.arange(drafted.shape[1] + 1, device=drafted.device)
    padded = torch.cat([drafted, torch.full_like(own, NOTHING)], 1)
    tokens = torch.where(place < counts[:, None], padded, NOTHING)
    tokens = torch.where(place == counts[:, None], own, tokens)
    path = torch.where(place <= counts[:, None], place, NOTHING)
    return Accepted(counts, tokens, path)


def _walk(tree: Tree, choose: Callable[[torch.Tensor], torch.Tensor]) -> Accepted:
    """Go down from the root by the tokens that `choose` gives for nodes (batch,)."""
    batch, nodes = tree.tokens.shape
    most = int(tree.depths.max()) + 1 if nodes else 0
    device = tree.tokens.device
    at = torch.zeros(batch, dtype=torch.int64, device=device)
    walking = torch.ones(batch, dtype=torch.bool, device=device)
    counts = torch.zeros_like(at)
    tokens = torch.full((batch, most), NOTHING, dtype=torch.int64, device=device)
    path = torch.full_like(tokens, NOTHING)
    for level in range(most):
        path[:, level] = torch.where(walking, at, NOTHING)
        drawn = choose(at)
        tokens[:, level] = torch.where(walking, drawn, NOTHING)
        fits = (tree.parents == at[:, None]) & (tree.tokens == drawn[:, None])
        found = fits.any(1) & walking
        at = torch.where(found, fits.long().argmax(1), at)
        counts += found
        walking = found
    return Accepted(counts, tokens, path)
