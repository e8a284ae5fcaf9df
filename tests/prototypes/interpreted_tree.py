"""Tree attention, building and commit with Triton's interpreter: a module to run, since Triton
reads `TRITON_INTERPRET` when it is imported. What was found, on stdout, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import torch

from prototypes.eagle3 import edges, inputs, oracle
from prototypes.eagle3.declaration import DECLARATION
from prototypes.eagle3.launches import BY_TASK
from prototypes.eagle3.triton_build import TreeBuilder
from prototypes.eagle3.triton_tree import Tiles, TreeAttention
from prototypes.eagle3.workload import WORKLOAD
from prototypes.harness.calls import fresh_calls
from prototypes.harness.declarations import Case

CPU = torch.device("cpu")
SHAPES = (
    # Sequences, heads, KV heads, nodes, channels, prefix, splits.
    ("one node, nothing before it", (1, 2, 1, 1, 16, 0), 1),
    ("a whole tile before the tree", (1, 4, 2, 5, 16, 32), 2),
    ("more splits than tiles", (2, 4, 2, 9, 16, 3), 4),
    ("a tree over two tiles, heads of three", (1, 6, 2, 33, 16, 70), 3),
    ("all the bits of a mask", (1, 2, 2, 64, 16, 40), 2),
)


def main() -> None:
    found = dict(attended())
    found |= dict(built())
    found |= dict(committed())
    json.dump(found, sys.stdout)


def case(task: str, **parameters: int) -> Case:
    """Return a case of this task with other parameters."""
    like = next(c for c in DECLARATION.cases if c.parameters["task"] == task)
    return edges.changed(like, **parameters)


def attended() -> Iterator[tuple[str, float]]:
    """Yield the largest error of an element, contiguous and in pages."""
    for name, (batch, heads, kv_heads, nodes, dim, seq), splits in SHAPES:
        own = case(
            "attend",
            batch=batch,
            heads=heads,
            kv_heads=kv_heads,
            nodes=nodes,
            head_dim=dim,
            seq=seq,
        )
        given = next(iter(edges.caches(own, CPU, 5)))[1]
        # The interpreter's bfloat16 is wrong.
        halves = {key: given[key].half() for key in ("q", "k", "v")}
        rest = {key: given[key] for key in ("lengths", "masks")}
        if batch > 1:
            rest["masks"] = rest["masks"].expand(batch, nodes).contiguous()
        attend = TreeAttention(batch, heads, kv_heads, nodes, dim, CPU, Tiles(16, 32, 4, 2), splits)
        out = torch.full_like(halves["q"], 9)
        attend.contiguous(**halves, **rest, out=out)
        exact = oracle.attention(**halves, **rest)
        yield f"attend: {name}", float((out - exact).abs().max().nan_to_num(nan=1e9))
    yield from paged()


def paged() -> Iterator[tuple[str, float]]:
    """Yield the largest error over pages in random order, prefixes of two lengths."""
    own = case("attend", batch=2, heads=4, kv_heads=2, nodes=7, head_dim=16, seq=20)
    given = inputs.attend(own, CPU, 3)
    q, k, v = (given[key].half() for key in ("q", "k", "v"))
    lengths = torch.tensor([20, 0], dtype=torch.int32)
    exact = oracle.attention(q, k, v, lengths, given["masks"])
    pages, table = edges.in_pages(k, v, 27, 3)
    out = torch.full_like(q, 9)
    attend = TreeAttention(2, 4, 2, 7, 16, CPU, Tiles(16, 32, 4, 2), 2)
    attend.paged(q, *pages, table, lengths, given["masks"], out)
    yield "attend: pages in random order", float((out - exact).abs().max().nan_to_num(nan=1e9))


def built() -> Iterator[tuple[str, float]]:
    """Yield what differs from the oracle's trees, rows in four chunks."""
    own = case("build", batch=1, vocabulary=200, levels=3, width=3, nodes=16)
    builder = TreeBuilder(1, 3, 3, 15, 200, CPU, chunk=64)
    for name, given in edges.logits(own, CPU, 4):
        out = inputs.room(own, CPU)
        builder.build(**given, **out)
        yield f"build: {name}", edges.built_otherwise(given, 15, out).value
    own = case("build", batch=2, vocabulary=40, levels=2, width=4, nodes=9)
    given = inputs.build(own, CPU, 5)
    out = inputs.room(own, CPU)
    BY_TASK["build"](own, CPU)(given, out)
    yield "build: two sequences", edges.built_otherwise(given, 8, out).value


def committed() -> Iterator[tuple[str, float]]:
    """Yield wrong elements of the cache, and of the new lengths."""
    own = case("compact", batch=2, layers=2, kv_heads=2, seq=5, head_dim=16, nodes=40)
    given = inputs.compact(own, CPU, 6)
    given["counts"][1] = 0  # nothing but the root
    right = given["cache"].clone()
    for b, count in enumerate(given["counts"].tolist()):
        for step in range(count + 1):
            node = int(given["path"][b, step])
            right[:, :, b, :, 5 + step] = given["cache"][:, :, b, :, 5 + node]
    out = inputs.room(own, CPU)
    BY_TASK["compact"](own, CPU)(given, out)
    wrong = int((given["cache"] != right).sum())
    wrong += int((out["new_lengths"] != given["lengths"] + given["counts"] + 1).sum())
    yield "compact", wrong
    # As the harness calls it, and judges the cache: what is written in place.
    checks = fresh_calls(WORKLOAD, WORKLOAD.build("triton_tree", own, CPU), own, CPU, 6)
    judged = [check.name for check in checks].count("elements of the cache that are wrong")
    yield "compact, in the harness", sum(not check.passed for check in checks) + (judged != 3)


if __name__ == "__main__":
    main()
