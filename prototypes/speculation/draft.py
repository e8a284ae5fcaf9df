"""EAGLE's draft: one decoder layer that reads the target's features and a token (Section 3.1).

Position i reads the target's feature of token i and the embedding of token i + 1, and predicts
token i + 2. Drafting on, it has no feature of the target and reads its own output instead. Three
drafts tell apart what the paper added (its Table 2): `eagle2` has one feature and learns to
reproduce it; `unbound` has one feature, and is trained on its own output instead (training-time
test); `eagle3` reads three layers' features besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from prototypes.speculation import training
from prototypes.speculation.model import Block, SmallModel, rotated

DRAFTED = 96
"""Tokens that are drafted, of 128: those most frequent in the text."""
STEPS, BATCH, RATE = 200, 16, 4e-3
TEST_STEPS = 5
"""Steps of its own output in training; the paper's code has 7."""
DISCOUNT = 0.8
"""Weight of a step relative to the one before it, as in the paper's code."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a draft reads and how it is trained."""

    name: str
    layers: tuple[int, ...]
    """Target layers whose outputs it reads."""
    test_steps: int
    bound: bool
    """Whether it learns to reproduce the target's feature, and uses the target's head."""

    @property
    def label(self) -> str:
        """What its weights are kept as."""
        return f"{self.name}-{DRAFTED}-{STEPS}"


EAGLE2 = Kind("eagle2", (3,), 1, True)
UNBOUND = Kind("unbound", (3,), TEST_STEPS, False)
EAGLE3 = Kind("eagle3", (0, 1, 3), TEST_STEPS, False)
KINDS = (EAGLE2, UNBOUND, EAGLE3)


class Draft(nn.Module):
    """One layer over features and tokens; `ids` (drafted,) says which tokens its logits are of."""

    ids: torch.Tensor

    def __init__(self, target: SmallModel, kind: Kind, ids: torch.Tensor) -> None:
        super().__init__()
        width = target.size.width
        self.kind = kind
        self.register_buffer("ids", ids)
        self.fuse = nn.Linear(len(kind.layers) * width, width, bias=False)
        self.block = Block(target.size, inputs=2 * width)
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, len(ids), bias=False)
        # The target's own: not trained, and not a part of what is kept.
        self.shared = (target,)

    def features(self, layers: list[torch.Tensor]) -> torch.Tensor:
        """Return g (batch, tokens, width) of the target's layers' outputs."""
        chosen = torch.cat([layers[number] for number in self.kind.layers], dim=-1)
        return chosen if self.kind.bound else self.fuse(chosen)

    def read(self, features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Return what the layer's attention reads, (batch, tokens, 2 width)."""
        return torch.cat([self.shared[0].embedding(tokens), features], dim=-1)

    def logits(self, output: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, tokens, drafted) of the layer's output."""
        if self.kind.bound:
            model = self.shared[0]
            found: torch.Tensor = model.head(model.norm(output))[..., self.ids]
            return found
        return self.head(self.norm(output))  # type: ignore[no-any-return]

    def keys(
        self, read: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return queries, keys and values (batch, heads, tokens, head_dim), turned by position."""
        block = self.block
        parts = block.qkv(block.before(read)).unflatten(-1, (3, block.heads, -1)).unbind(-3)
        q, k, v = (x.transpose(1, 2) for x in parts)
        return rotated(q, positions), rotated(k, positions), v

    def finish(self, features: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Return the layer's output from what its attention saw, (batch, tokens, width)."""
        block = self.block
        stream = features + block.out(seen)
        gate, up = block.gate_up(block.between(stream)).chunk(2, dim=-1)
        return stream + block.down(functional.silu(gate) * up)  # type: ignore[no-any-return]


def frequent(count: int, device: torch.device) -> torch.Tensor:
    """Return the most frequent tokens of the training text, in ascending order."""
    from prototypes.speculation.text import VOCABULARY, corpus

    seen = torch.frombuffer(bytearray(corpus()[0]), dtype=torch.uint8)
    counts = torch.bincount(seen.int(), minlength=VOCABULARY)
    return counts.argsort(descending=True, stable=True)[:count].sort().values.to(device)


def trained(target: SmallModel, kind: Kind, steps: int = STEPS) -> Draft:
    """Return a draft trained on the text, with the target as teacher, ready to run."""
    device = target.head.weight.device
    ids = frequent(DRAFTED, device)

    def train(made: Draft) -> None:
        training.optimized(made, losses(target, made, steps), steps, RATE)

    name = kind.label if steps == STEPS else f"{kind.name}-{steps}"
    draft = training.kept(name, lambda: Draft(target, kind, ids), train, device)
    return draft.eval().requires_grad_(False)


def losses(target: SmallModel, draft: Draft, steps: int, seed: int = 7) -> Iterator[torch.Tensor]:
    """Yield the loss of a batch of text, with all steps of the training-time test."""
    for text in training.batches(steps, seed, draft.ids.device, BATCH):
        with torch.no_grad():
            logits, layers, _ = target(text[:, :-1])
        yield loss(draft, text, logits, layers)


def loss(
    draft: Draft, text: torch.Tensor, logits: torch.Tensor, layers: list[torch.Tensor]
) -> torch.Tensor:
    """Return the loss over text (batch, tokens + 1) with the target's logits and features.

    In step s position i reads the output of step s - 1 at i - 1; it sees the keys of the target's
    features up to i - s + 1, and those of its own path: one of each step since.
    """
    tokens = text.shape[1] - 2
    place = torch.arange(tokens, device=text.device)
    wanted = logits[:, 1:].softmax(-1)[..., draft.ids]
    wanted = wanted / wanted.sum(-1, keepdim=True).clamp_min(1e-9)
    following = text[:, 1 : tokens + 1]
    g = draft.features([layer[:, :tokens] for layer in layers])
    all_keys: list[torch.Tensor] = []
    all_values: list[torch.Tensor] = []
    masks: list[torch.Tensor] = []
    total = torch.zeros((), device=text.device)
    for step in range(draft.kind.test_steps):
        q, k, v = draft.keys(draft.read(g, following), place)
        all_keys.append(k)
        all_values.append(v)
        back = place[:, None] - place[None, :]
        masks = [back >= step] + [back == step - r for r in range(1, step + 1)]
        seen = functional.scaled_dot_product_attention(
            q, torch.cat(all_keys, 2), torch.cat(all_values, 2), attn_mask=torch.cat(masks, 1)
        )
        output = draft.finish(g, seen.transpose(1, 2).flatten(2))
        told = draft.logits(output).log_softmax(-1)
        own = -(wanted * told).sum(-1)[:, step:].mean()
        if draft.kind.bound:
            feature = layers[draft.kind.layers[0]][:, 1 : tokens + 1]
            own = functional.smooth_l1_loss(output, feature) + 0.1 * own
        total = total + DISCOUNT**step * own
        g = output.roll(1, dims=1)
    return total
