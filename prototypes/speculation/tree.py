"""Trees of drafted tokens: node 0 is the last emitted token, parents come before children.

One topology a batch member. `dynamic` builds EAGLE-2's and EAGLE-3's tree (arXiv 2406.16858,
Section 4): at each level the `width` likeliest nodes get children, and of all nodes the `nodes`
likeliest stay. Ties go to the node that was made first; chosen ones keep the order of making.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

MOST_NODES = 64
"""A node's ancestors are the bits of one 64-bit word."""


@dataclass(frozen=True, slots=True)
class Tree:
    """tokens, parents (batch, nodes) int64; the root is node 0, its parent -1."""

    tokens: torch.Tensor
    parents: torch.Tensor

    @property
    def masks(self) -> torch.Tensor:
        """Bit i of a node's word (batch, nodes, int64): whether node i is it or an ancestor.

        Raises `ValueError` for more than 64 nodes.
        """
        nodes = self.parents.shape[1]
        if nodes > MOST_NODES:
            raise ValueError(f"{nodes} nodes don't fit the {MOST_NODES} bits of a mask.")
        own = torch.ones_like(self.parents) << torch.arange(nodes, device=self.parents.device)
        words, jump = own, self.parents.clamp_min(0)
        # Whoever has no parent is its own ancestor. After a step a node knows twice as many.
        jump = torch.where(self.parents < 0, torch.arange(nodes, device=own.device), jump)
        for _ in range((nodes - 1).bit_length()):
            words = words | words.gather(1, jump)
            jump = jump.gather(1, jump)
        return words

    @property
    def depths(self) -> torch.Tensor:
        """Edges from the root to each node, (batch, nodes); a position is the prefix's plus it."""
        places = torch.arange(self.parents.shape[1], device=self.parents.device)
        return (self.masks[..., None] >> places & 1).sum(-1) - 1


def chain(tokens: torch.Tensor) -> Tree:
    """Return the tree of tokens (batch, nodes) each of which follows the one before it."""
    parents = torch.arange(-1, tokens.shape[1] - 1, device=tokens.device)
    return Tree(tokens, parents.expand_as(tokens).contiguous())


Children = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From the chosen nodes' tokens (batch, width) and their places (batch, width) among the last
level's chosen nodes, log-probabilities (batch, width, vocabulary) of what follows each."""


def dynamic(
    root: torch.Tensor,
    first: torch.Tensor,
    follow: Children,
    depth: int,
    width: int,
    nodes: int,
    choosing: Callable[[torch.Tensor, int], None] | None = None,
) -> Tree:
    """Return the tree of `nodes` drafted tokens below `root` (batch,), at most `depth` deep.

    first: log-probabilities (batch, vocabulary) of what follows the root. `choosing` is told of
    each choice: the scores, and how many stay. Raises `ValueError` where fewer nodes are made than
    shall stay.
    """
    tell = choosing or (lambda scores, count: None)
    batch = root.shape[0]
    made = width + (depth - 1) * width * width
    if nodes > made:
        raise ValueError(f"A tree {depth} deep and {width} wide has {made} nodes, not {nodes}.")
    scores, tokens = likeliest(first, width)
    parents = torch.full_like(tokens, -1)
    all_scores, all_tokens, all_parents = [scores], [tokens], [parents]
    chosen = torch.arange(width, device=root.device).expand(batch, width)
    begin = 0
    for level in range(depth - 1):
        if level:
            tell(scores, width)
        above = scores.gather(1, chosen)
        own, token = likeliest(follow(tokens.gather(1, chosen), chosen), width)
        parents = (begin + chosen)[..., None].expand_as(own)
        begin += scores.shape[1]
        scores = (above[..., None] + own).flatten(1)
        tokens, parents = token.flatten(1), parents.flatten(1)
        chosen = likeliest(scores, width)[1].sort().values
        all_scores.append(scores)
        all_tokens.append(tokens)
        all_parents.append(parents)
    made_scores, made_tokens, made_parents = (
        torch.cat(part, 1) for part in (all_scores, all_tokens, all_parents)
    )
    tell(made_scores, nodes)
    return best(root, made_scores, made_tokens, made_parents, nodes)


def likeliest(scores: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the largest scores of the last axis and their places: of equals the first ones.

    `torch.topk` takes any of them.
    """
    ordered = scores.sort(dim=-1, descending=True, stable=True)
    return ordered.values[..., :count], ordered.indices[..., :count]


def best(
    root: torch.Tensor,
    scores: torch.Tensor,
    tokens: torch.Tensor,
    parents: torch.Tensor,
    nodes: int,
) -> Tree:
    """Return the tree of the `nodes` likeliest of all made, in the order in which they were made.

    scores, tokens, parents (batch, made): log-probabilities of whole paths, and places of parents
    among the made ones (-1: the root). A child is no likelier than its parent and is made later,
    so whatever stays has its parent.
    """
    batch = root.shape[0]
    kept = likeliest(scores, nodes)[1].sort().values
    place = torch.zeros_like(tokens)
    order = torch.arange(1, nodes + 1, device=root.device).expand(batch, nodes)
    place.scatter_(1, kept, order)
    above = parents.gather(1, kept)
    above = torch.where(above < 0, 0, place.gather(1, above.clamp_min(0)))
    top = torch.full((batch, 1), -1, dtype=above.dtype, device=root.device)
    return Tree(torch.cat([root[:, None], tokens.gather(1, kept)], 1), torch.cat([top, above], 1))
