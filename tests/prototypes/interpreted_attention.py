"""Runs the Triton attention kernels under the interpreter: a module to run, since Triton reads
`TRITON_INTERPRET` when it is imported. Answers to every case of `attention_cases` go into the file
that is named."""

from __future__ import annotations

import sys

import torch

from prototypes.attention.eight_bit.triton_launch import Attention
from tests.prototypes.attention_cases import CASES


def main() -> None:
    answers = {}
    for name, case in CASES.items():
        query, key, value = case.inputs()
        output = torch.full_like(query, torch.nan)
        run = Attention(case.shape, case.options, case.tiles, torch.device("cpu"))
        run(query, key, value, output)
        answers[name] = output
    torch.save(answers, sys.argv[1])


if __name__ == "__main__":
    main()
