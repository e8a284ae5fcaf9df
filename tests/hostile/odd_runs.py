"""Run documents that are right but for one value, at every place, with every odd value."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from tests.app.run_documents import document, interval, run
from tests.hostile.texts import PIECES

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 2**62, "x", " ".join(PIECES[:10]), "\ud800", [], {}, [[]], [None],
    ["\ud800"], {"median": None},
)  # fmt: skip


def rich() -> dict[str, Any]:
    """A run document with all that pages and commands show of a run."""
    one = run(
        roofline_fraction=0.4,
        roofline={"precision": "fp16"},
        samples=[99.0, 101.0, 100.0],
        rates={},
        comparison={"answer": "unclear", "noise": 0.02, "more_rounds": 80},
        started_at="2026-11-03T00:00:00+00:00",
        method={"summary": "in turns", "rounds": 3},
        scopes={"setup_us": {"torch_sieve": [1.0, 2.0]}},
        figures=[{"name": "a", "value": 1.0, "unit": "x", "paper": 2.0, "note": "n"}],
    )
    together = {"name": "topk", "roles": ["engine"], "speedup": interval(1.25)}
    one["all_threads"] = {
        "threads": 8, "time_us": interval(25.0), "baselines": [together], "error": None,
    }  # fmt: skip
    one["baselines"][0] |= {"comparison": one["comparison"], "samples": [1.0, 2.0, 3.0]}
    rival = {"name": "rival", "role": "other", "roles": ["other"], "available": False, "why": "w"}
    one["baselines"].append(rival)
    for gate in ("fidelity", "quality"):
        one[gate]["checks"] = [{"name": "c", "value": 1.0, "bar": 2.0, "pass": True}]
    return document(
        one,
        rates={"copy_bytes_per_s": 2e11, "matmul_flops_per_s": 3e13, "matmul": {"fp16": 3e13}},
        software={"torch": "2.13"},
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a record."""
    if path:
        yield path
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from places(inner, (*path, key))


def odd_documents(share: float = 1.0, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield (what is odd, the file) of a share of them all, chosen by `seed`."""
    base, chance = rich(), random.Random(seed)
    for path in places(base):
        for odd in ODD:
            if chance.random() > share:
                continue
            changed = copy.deepcopy(base)
            inner: Any = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            yield f"{'.'.join(map(str, path))} = {str(odd)[:20]!r}", json.dumps(changed).encode()
