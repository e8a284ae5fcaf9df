"""How many tokens a cycle emits, by draft, depth and tree size: measured on the small models.

The text is the target's own. Greedy, the target's next tokens are known from it; at temperature 1
too: with children that are taken, not drawn, a cycle draws from the target and looks whether the
token is among them (`speculation.acceptance.sampled_tree`), and what was drawn is the text. So all
places of the text are tried at once, and cycles walk along it: what is counted is what runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch

from prototypes.speculation import tree as trees
from prototypes.speculation.draft import Draft
from prototypes.speculation.model import SmallModel
from prototypes.speculation.training import CONTEXT, prompts

PROMPT = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """A tree: levels, children a node, nodes that stay. A chain has one child a node."""

    levels: int
    width: int
    nodes: int


def written(target: SmallModel, count: int, greedy: bool, seed: int) -> torch.Tensor:
    """Return texts (count, CONTEXT) that the target wrote after prompts it was not trained on."""
    device = target.head.weight.device
    text = prompts(count, PROMPT, seed, device)
    generator = torch.Generator(device=device).manual_seed(seed)
    logits, _, past = target(text)
    while text.shape[1] < CONTEXT:
        last = logits[:, -1]
        if greedy:
            token = last.argmax(-1, keepdim=True)
        else:
            token = torch.multinomial(last.softmax(-1), 1, generator=generator)
        text = torch.cat([text, token], 1)
        logits, _, past = target(token, past)
    return text


def accepted(target: SmallModel, draft: Draft, text: torch.Tensor, plan: Plan) -> torch.Tensor:
    """Return how many drafted tokens stay in a cycle that begins at each place, (texts, places).

    Places are PROMPT to the last one after which the text has `levels` tokens: the last emitted
    token is there, and the target's features end before it.
    """
    _, layers, _ = target(text)
    begin = torch.arange(PROMPT, text.shape[1] - plan.levels, device=text.device)
    tree = drafted(draft, layers, text, begin, plan)
    places = begin.repeat(text.shape[0])
    owner = torch.arange(text.shape[0], device=text.device).repeat_interleave(len(begin))
    depths = tree.depths
    follows = text[owner[:, None], places[:, None] + depths] == tree.tokens
    # A node counts if it and all its ancestors are what the text has.
    wrong = ~follows
    nodes = torch.arange(depths.shape[1], device=text.device)
    above = (tree.masks[..., None] >> nodes & 1).bool()
    stays = ~(above & wrong[:, None]).any(-1)
    return (depths * stays).amax(1).view(text.shape[0], len(begin))


def drafted(
    draft: Draft, layers: list[torch.Tensor], text: torch.Tensor, begin: torch.Tensor, plan: Plan
) -> trees.Tree:
    """Return the trees drafted after the places `begin` of each text: texts x places of them."""
    texts, starts = text.shape[0], len(begin)
    tokens = text.shape[1] - 1
    place = torch.arange(tokens, device=text.device)
    g = draft.features([layer[:, :tokens] for layer in layers])
    q, keys, values = draft.keys(draft.read(g, text[:, 1:]), place)
    # Position i is of the tokens i and i + 1: after place t the draft stands at t - 1.
    seen = torch.nn.functional.scaled_dot_product_attention(q, keys, values, is_causal=True)
    output = draft.finish(g, seen.transpose(1, 2).flatten(2))
    root = text[:, begin].flatten()
    first = draft.logits(output[:, begin - 1]).log_softmax(-1).flatten(0, 1)
    hidden = place[None, :] > (begin - 1)[:, None]
    heads, head_dim = keys.shape[1], keys.shape[3]
    state = output[:, begin - 1].flatten(0, 1)[:, None]
    paths: list[torch.Tensor] = [
        torch.empty(texts * starts, 1, 0, heads, head_dim, device=text.device) for _ in range(2)
    ]

    def follow(node_tokens: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        nonlocal state, paths
        level = paths[0].shape[2]
        width = chosen.shape[1]
        slot = chosen // plan.width if level else torch.zeros_like(chosen)
        state = state.gather(1, slot[..., None].expand(-1, -1, state.shape[2]))
        spread = slot[:, :, None, None, None].expand(-1, -1, level, heads, head_dim)
        paths = [p.gather(1, spread) for p in paths]
        at = (begin + level).repeat(texts)[:, None].expand(-1, width)
        read = draft.read(state, draft.ids[node_tokens])
        asked, own_keys, own_values = (x.transpose(1, 2)[:, :, None] for x in draft.keys(read, at))
        paths = [torch.cat([p, x], 2) for p, x in zip(paths, (own_keys, own_values), strict=True)]
        wide = asked.squeeze(2).reshape(texts, starts * width, heads, head_dim).transpose(1, 2)
        scores = (wide @ keys.transpose(2, 3)).view(texts, heads, starts, width, tokens)
        scores = scores.masked_fill(hidden[:, None], -torch.inf).transpose(1, 2)
        scores = scores.flatten(0, 1).transpose(1, 2)  # trees, width, heads, tokens
        near = torch.einsum("nwhd,nwlhd->nwhl", asked.squeeze(2), paths[0])
        shares = (torch.cat([scores, near], -1) * head_dim**-0.5).softmax(-1)
        far = shares[..., :tokens].reshape(texts, starts, width, heads, tokens)
        far = far.permute(0, 3, 1, 2, 4).flatten(2, 3) @ values
        far = far.view(texts, heads, starts, width, head_dim).permute(0, 2, 3, 1, 4)
        sums = far.flatten(0, 1) + torch.einsum("nwhl,nwlhd->nwhd", shares[..., tokens:], paths[1])
        state = draft.finish(state, sums.flatten(2))
        return draft.logits(state).log_softmax(-1)

    tree = trees.dynamic(root, first, follow, plan.levels, plan.width, plan.nodes)
    tokens_there = torch.cat([root[:, None], draft.ids[tree.tokens[:, 1:]]], 1)
    return trees.Tree(tokens_there, tree.parents)


def per_cycle(lengths: torch.Tensor) -> float:
    """Return the mean of tokens that a cycle emits, cycles following one another along each text.

    lengths (texts, places): accepted tokens of a cycle that begins at each place.
    """
    cycles = emitted = 0
    for row in lengths.tolist():
        place = 0
        while place < len(row):
            step = int(row[place]) + 1
            cycles, emitted, place = cycles + 1, emitted + step, place + step
    return emitted / cycles


def by_step(lengths: torch.Tensor, steps: int) -> list[float]:
    """Return the share of drafted tokens n = 1 to `steps` accepted where all before them are.

    For chains: the paper's n-alpha (Figure 7), whose inputs are 0 to n - 1 of the draft's own.
    """
    reached = [float((lengths >= n).double().mean()) for n in range(steps + 1)]
    return [now / before if before else float("nan") for before, now in pairwise(reached)]
