"""Decode attention and eviction with the Triton kernels under the interpreter: a module to run,
since Triton reads `TRITON_INTERPRET` when it is imported. What was found, on stdout, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import torch

from prototypes.decode import oracle as attention
from prototypes.decode.pages import PAGE
from prototypes.decode.triton_split_kv import Attend, Tiles
from prototypes.kv_compress import edges, oracle
from prototypes.kv_compress.eviction import evicted_pages
from prototypes.kv_compress.triton_evict import Evict

CPU = torch.device("cpu")
ROWS = (
    # Lengths of a sequence's heads, query heads of each, channels, programs a multiprocessor.
    ("one short row", (33,), 4, 32, 1),
    ("a row of one token", (1,), 1, 16, 2),
    ("empty rows among others", (0, 70, 0, 16, 1, 0), 2, 16, 2),
    ("more programs than pages", (17, 3), 3, 16, 5),
    ("one long row, many short ones", (230, 16, 15, 17, 2), 2, 32, 3),
    ("nothing at all", (0, 0), 2, 16, 1),
)


def main() -> None:
    found = dict(attended())
    found |= dict(edge_attended())
    found |= dict(evicted())
    json.dump(found, sys.stdout)


def normal(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def difference(out: torch.Tensor, exact: torch.Tensor) -> float:
    return float((out.double() - exact).abs().max().nan_to_num(nan=1e9))


def attended() -> Iterator[tuple[str, list[float]]]:
    """Yield errors: contiguous, in pages, and how much a second call differs."""
    for name, lengths, queries, d, programs in ROWS:
        rows, most = len(lengths), max(*lengths, 1)
        q = normal(rows, queries, d, seed=1).half()
        k, v = normal(rows, most, d, seed=2).half(), normal(rows, most, d, seed=3).half()
        counts = torch.tensor(lengths, dtype=torch.int32)
        # Parts joined two at a time: rows of many programs take several rounds.
        tiles = Tiles(block_n=32, programs=programs, parts=2, beginning=3, least=1)
        attend = Attend(rows, queries, d, CPU, tiles)
        exact = attention.attention(
            q.view(1, rows * queries, d), k[None], v[None], counts[None]
        ).view(q.shape)
        out = torch.full_like(q, float("nan"))
        attend.contiguous(q, k, v, out, counts)
        errors = [difference(out, exact)]
        pages = (counts + PAGE - 1) // PAGE
        order = torch.randperm(int(pages.sum()) + 1, generator=torch.Generator().manual_seed(4))
        table = torch.full((rows, -(-most // PAGE)), -1, dtype=torch.int32)
        table[torch.arange(table.shape[1]) < pages[:, None]] = order[: int(pages.sum())].int()
        keys, values = (torch.full((len(order), PAGE, d), float("nan")).half() for _ in range(2))
        for row, length in enumerate(lengths):
            for token in range(length):
                place = int(table[row, token // PAGE]), token % PAGE
                keys[place], values[place] = k[row, token], v[row, token]
        answers = []
        for _ in range(2):
            out = torch.full_like(q, float("nan"))
            attend.paged(q, keys, values, table, counts, out)
            answers.append(out)
        errors += [difference(answers[0], exact), difference(answers[0], answers[1].double())]
        yield name, errors


def edge_attended() -> Iterator[tuple[str, list[float]]]:
    shape = edges.DECODE.shape
    attend = Attend(shape.rows, shape.queries, shape.head_dim, CPU, Tiles(block_n=64, programs=3))
    for name, given in edges.caches(CPU, 5):
        if name not in ("normal", "one key takes all"):
            continue  # the values of keys make no difference to which are read
        # The interpreter's bfloat16 is wrong: these run in float16.
        half = {n: t.half() if t.is_floating_point() else t for n, t in given.items()}
        out = torch.full((shape.batch, shape.heads, shape.head_dim), float("nan")).half()
        attend.paged(
            half["q"].view(shape.rows, shape.queries, shape.head_dim),
            half["keys"],
            half["values"],
            half["table"].view(shape.rows, -1),
            half["lengths"].view(shape.rows),
            out,
        )
        exact = attention.paged_attention(
            half["q"], half["keys"], half["values"], half["table"], half["lengths"]
        )
        yield f"edge: {name}", [difference(out, exact)]


def evicted() -> Iterator[tuple[str, list[float]]]:
    """Yield how many entries go otherwise than by sorting, once or in two calls."""
    cases = [(name, metric, edges.EVICT.evicted) for name, metric in edges.metrics(CPU, 6)]
    one = torch.rand((1, 1, 48), generator=torch.Generator().manual_seed(7))
    cases += [("nothing goes", one, 0), ("one head", one, evicted_pages(1, 48, 2))]
    for name, metric, pages in cases:
        batch, heads, tokens = metric.shape
        # Two tiles a head, the second a short one; one where that makes no difference.
        block = 256 if name in ("all zero", "subnormal", "from 1e-30 to 1") else 128
        evict = Evict(batch, heads, tokens, pages, CPU, block=block, warps=4)
        right = oracle.kept(metric, pages, PAGE)
        wrong = []
        for _ in range(2 if name == "ties" else 1):
            lengths = torch.full(metric.shape[:2], -1, dtype=torch.int32)
            stays = torch.full(metric.shape, 7, dtype=torch.uint8)
            evict(metric, lengths, stays)
            otherwise = (stays != right.to(torch.uint8)).sum()
            wrong.append(float(otherwise + (lengths != right.sum(dim=-1)).sum()))
        yield f"evict: {name}", wrong


if __name__ == "__main__":
    main()
