"""How many rounds the paper's loop takes, by distribution and filter: what its speed rests on."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from prototypes.harness.figures import Figure
from prototypes.sampling.inputs import logits_of
from prototypes.sampling.torch_samplers import Row, rejection

VOCAB = 32000
ROWS, QUICK_ROWS = 100, 20
ASKED = (
    ("normal1", 0, 0.9),
    ("normal3", 0, 0.5),
    ("normal3", 0, 0.9),
    ("normal3", 0, 0.99),
    ("normal5", 0, 0.9),
    ("gumbel1", 0, 0.9),
    ("zipf", 0, 0.9),
    ("equal", 0, 0.9),
    ("normal3", 50, 0.9),
    ("normal3", 1000, 0.9),
)
"""Family of logits, top-k, top-p: those of the authors' benchmark, and a language model's own."""


def rounds(seed: int, quick: bool) -> Iterator[Figure]:
    """Yield the mean and the most draws until one is inside, one draw a round."""
    device = torch.device("cpu")
    for family, top_k, top_p in ASKED:
        generator = torch.Generator().manual_seed(seed)
        logits = logits_of(family, 1, VOCAB, device, generator)[0]
        number = QUICK_ROWS if quick else ROWS
        seeds = torch.randint(0, 2**31, (number,), generator=generator).tolist()
        took = [rejection(Row(logits, 1.0, top_k, top_p, 0.0, one))[1] for one in seeds]
        name = f"{family}, {f'k {top_k}, ' if top_k else ''}p {top_p:g}: rounds"
        note = f"{number} draws, {VOCAB} tokens; the Triton kernel makes three draws a pass"
        yield Figure(f"{name}, mean", sum(took) / number, note=note)
        yield Figure(f"{name}, most", max(took), note=note)
