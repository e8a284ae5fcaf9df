"""Trains the small model, or reads what was trained before. Nothing is fetched.

Weights are kept under `ASSAY_HOME`/speculation, if that is set, under a name that says what they
were trained on and how; without it each process trains its own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional

from prototypes.speculation.model import SmallModel
from prototypes.speculation.text import corpus

CONTEXT = 128
STEPS, BATCH, RATE = 300, 32, 4e-3
VERSION = "1"
"""Part of the names of kept weights: goes up with every change of models or training."""

Module = TypeVar("Module", bound=nn.Module)


def target(device: torch.device, steps: int = STEPS, seed: int = 1) -> SmallModel:
    """Return the trained target in float32, ready to run: minutes on a CPU the first time."""
    name = f"target-{steps}-{seed}"
    model = kept(name, SmallModel, lambda made: _train(made, steps, seed), device)
    return model.eval().requires_grad_(False)


def kept(
    name: str, make: Callable[[], Module], train: Callable[[Module], None], device: torch.device
) -> Module:
    """Return a module of this name trained by `train`, or with the weights that are kept of it."""
    torch.manual_seed(1)
    module = make().to(device)
    place = _place(name)
    if place is not None and place.exists():
        module.load_state_dict(torch.load(place, map_location=device, weights_only=True))
        return module
    train(module)
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_suffix(f".{os.getpid()}")
        torch.save(module.state_dict(), unfinished)
        unfinished.replace(place)
    return module


def are_kept(names: Iterable[str]) -> bool:
    """Return whether the target and the modules of these names were trained before."""
    places = [_place(name) for name in (f"target-{STEPS}-1", *names)]
    return all(place is not None and place.exists() for place in places)


def batches(
    steps: int, seed: int, device: torch.device, batch: int | None = None, context: int = CONTEXT
) -> Iterator[torch.Tensor]:
    """Yield batches (batch, context + 1) of the training text; BATCH pieces, if not said."""
    tokens = torch.frombuffer(bytearray(corpus()[0]), dtype=torch.uint8).to(device)
    generator = torch.Generator().manual_seed(seed)
    span = torch.arange(context + 1, device=device)
    for _ in range(steps):
        begin = torch.randint(
            0, len(tokens) - context - 1, (batch or BATCH, 1), generator=generator
        )
        yield tokens[begin.to(device) + span].long()


def prompts(count: int, length: int, seed: int, device: torch.device) -> torch.Tensor:
    """Return pieces (count, length) of text that nothing was trained on."""
    tokens = torch.frombuffer(bytearray(corpus()[1]), dtype=torch.uint8)
    generator = torch.Generator().manual_seed(seed)
    begin = torch.randint(0, len(tokens) - length, (count, 1), generator=generator)
    return tokens[begin + torch.arange(length)].long().to(device)


def optimized(module: nn.Module, losses: Iterator[torch.Tensor], steps: int, rate: float) -> float:
    """Take a step of AdamW for each loss, by a rate that rises and falls; return the last loss."""
    trained = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1)
    last = torch.zeros(())
    for loss in losses:
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        last = loss.detach()
    return float(last)


def _train(model: SmallModel, steps: int, seed: int) -> None:
    def losses() -> Iterator[torch.Tensor]:
        for text in batches(steps, seed, model.head.weight.device):
            logits, _, _ = model(text[:, :-1])
            yield functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())

    optimized(model, losses(), steps, RATE)


def _place(name: str) -> Path | None:
    home = os.environ.get("ASSAY_HOME")
    if not home:
        return None
    told = f"{VERSION}-{torch.__version__}-".encode() + hashlib.sha256(corpus()[0]).digest()
    return Path(home, "speculation", f"{name}-{hashlib.sha256(told).hexdigest()[:12]}.pt")
