"""Draws with the Triton kernels under the interpreter: a module to run, since Triton reads
`TRITON_INTERPRET` when it is imported. A request on stdin, tokens of every row on stdout, JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import torch

from prototypes.sampling.triton_sampler import Blocks, sampler

KINDS = {
    "logits": torch.float32,
    "temperature": torch.float32,
    "top_k": torch.int32,
    "top_p": torch.float32,
    "min_p": torch.float32,
    "seeds": torch.int64,
}


def main() -> None:
    answers: dict[str, list[list[int]]] = {}
    for name, task in json.load(sys.stdin).items():
        answers[name] = draws(task)
    json.dump(answers, sys.stdout)


def draws(task: dict[str, Any]) -> list[list[int]]:
    """Draw a batch of tokens for every set of seeds."""
    device = torch.device("cpu")
    inputs = {
        key: torch.tensor(task[key], dtype=kind) for key, kind in KINDS.items() if key in task
    }
    batch, vocab = inputs["logits"].shape
    blocks = replace(Blocks(), tile=task["tile"])
    run = sampler(batch, vocab, device, task["sieve"], blocks)
    tokens = []
    for seeds in task["all_seeds"]:
        outputs = {"tokens": torch.full((batch,), -9, dtype=torch.int64)}
        run({**inputs, "seeds": torch.tensor(seeds, dtype=torch.int64)}, outputs)
        tokens.append(outputs["tokens"].tolist())
    return tokens


if __name__ == "__main__":
    main()
