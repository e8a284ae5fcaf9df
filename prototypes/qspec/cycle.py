"""The cycle: draft, verify, overwrite. One cache of slots, by position, for both precisions.

Sequences of a batch advance each at its own pace: a mask says which slots a sequence may read. What
the draft writes lies in the slots of its tokens until the verifier, which starts at the last
emitted token, writes the same slots; what lies behind the last emitted token is never read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from prototypes.speculation.acceptance import Accepted, greedy_chain, sampled_chain
from prototypes.speculation.model import Past, SmallModel


@dataclass(slots=True)
class Slots:
    """Keys and values of each layer (batch, heads, slots, head_dim), by position."""

    layers: Past

    @classmethod
    def empty(cls, model: SmallModel, batch: int, slots: int) -> Slots:
        """Return room for so many positions."""
        size, device = model.size, model.head.weight.device
        shape = (batch, size.heads, slots, size.width // size.heads)
        return cls(
            [
                (torch.zeros(shape, device=device), torch.zeros(shape, device=device))
                for _ in range(size.layers)
            ]
        )

    def run(self, model: SmallModel, tokens: torch.Tensor, begin: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, tokens, vocabulary) of tokens from positions `begin` (batch,) on.

        Reads the slots before `begin`, and writes those of the tokens.
        """
        count, slots = tokens.shape[1], self.layers[0][0].shape[2]
        steps = torch.arange(count, device=tokens.device)
        positions = begin[:, None] + steps
        before = torch.arange(slots, device=tokens.device) < begin[:, None, None, None]
        own = steps[None, :] <= steps[:, None]
        shape = (len(tokens), 1, count)
        mask = torch.cat([before.expand(*shape, slots), own.expand(*shape, count)], -1)
        logits, _, new = model(tokens, self.layers, positions, mask)
        for (keys, values), (more_keys, more_values) in zip(self.layers, new, strict=True):
            at = positions[:, None, :, None].expand(-1, keys.shape[1], -1, keys.shape[3])
            keys.scatter_(2, at, more_keys[:, :, slots:])
            values.scatter_(2, at, more_values[:, :, slots:])
        found: torch.Tensor = logits
        return found


@dataclass(slots=True)
class Text:
    """What was emitted, and how.

    tokens (batch, new); counts: of each cycle of each sequence that was not done, how many drafted
    tokens stayed. cache: the verifier's; length (batch,): slots of it that are valid.
    """

    tokens: torch.Tensor
    drafted: int
    cache: Slots
    length: torch.Tensor
    counts: list[int] = field(default_factory=list)

    @property
    def acceptance(self) -> float:
        """Share of drafted tokens that stayed."""
        return sum(self.counts) / max(self.drafted * len(self.counts), 1)

    @property
    def tokens_per_cycle(self) -> float:
        """Tokens that a cycle emits on average."""
        return 1 + sum(self.counts) / max(len(self.counts), 1)


Choose = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor | None]]


def generate(
    target: SmallModel,
    draft: SmallModel | None,
    prompts: torch.Tensor,
    new: int,
    drafted: int,
    *,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    is_shared: bool = True,
) -> Text:
    """Return `new` tokens after each prompt (batch, tokens), `drafted` a cycle.

    Temperature 0: greedy. Without a draft (and `drafted` 0) the target alone. is_shared False: the
    draft keeps a cache of its own that no verifier overwrites, for comparison.
    """
    batch, begin = prompts.shape
    # A last cycle may go `drafted` past the end; a sequence that is done drafts on from there.
    room = begin + new + 2 * drafted + 1
    cache = Slots.empty(target, batch, room)
    own = cache
    zero = torch.zeros(batch, dtype=torch.int64, device=prompts.device)
    cache.run(target, prompts[:, :-1], zero)
    if draft is not None and not is_shared:
        own = Slots.empty(target, batch, room)
        own.run(draft, prompts[:, :-1], zero)
    last, at = prompts[:, -1], zero + begin - 1
    out = torch.zeros((batch, new + drafted + 1), dtype=torch.int64, device=prompts.device)
    text = Text(out, drafted, cache, at)
    done = zero.clone()
    span = torch.arange(drafted + 1, device=prompts.device)
    while bool((done < new).any()):
        tokens, told = _drafted(draft, own, last, at, drafted, temperature, generator)
        if draft is not None and not is_shared:
            own.run(draft, tokens[:, -1:], at + drafted)
        logits = cache.run(target, torch.cat([last[:, None], tokens], 1), at)
        accepted = _accepted(tokens, told, logits, temperature, generator)
        going = done < new
        text.counts += accepted.counts[going].tolist()
        step = torch.where(going, accepted.counts + 1, 0)
        fits = (span < step[:, None]) & going[:, None]
        where = done[:, None] + span
        kept = out.gather(1, where.clamp_max(out.shape[1] - 1))
        out.scatter_(
            1,
            where.clamp_max(out.shape[1] - 1),
            torch.where(fits, accepted.tokens, kept),
        )
        newest = accepted.tokens.gather(1, accepted.counts[:, None])[:, 0]
        last = torch.where(going, newest, last)
        at = at + step
        done = done + step
    text.tokens, text.length = out[:, :new], at
    return text


def _drafted(
    draft: SmallModel | None,
    cache: Slots,
    last: torch.Tensor,
    at: torch.Tensor,
    count: int,
    temperature: float,
    generator: torch.Generator | None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return drafted tokens (batch, count), and what they were drawn from (or None)."""
    tokens, chances = [], []
    for number in range(count):
        assert draft is not None
        logits = cache.run(draft, last[:, None], at + number)[:, 0]
        if temperature:
            q = (logits / temperature).softmax(-1)
            last = torch.multinomial(q, 1, generator=generator)[:, 0]
            chances.append(q)
        else:
            last = logits.argmax(-1)
        tokens.append(last)
    made = torch.stack(tokens, 1) if tokens else last.new_zeros((len(last), 0))
    return made, torch.stack(chances, 1) if chances else None


def _accepted(
    tokens: torch.Tensor,
    told: torch.Tensor | None,
    logits: torch.Tensor,
    temperature: float,
    generator: torch.Generator | None,
) -> Accepted:
    if not temperature:
        return greedy_chain(tokens, logits.argmax(-1))
    p = (logits / temperature).softmax(-1)
    if told is None:
        told = p[:, :0]
    return sampled_chain(tokens, told, p, generator)
