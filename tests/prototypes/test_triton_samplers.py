"""The Triton kernels under the interpreter, on tiny shapes, against the slow loop.

In a subprocess: Triton reads `TRITON_INTERPRET` when it is imported. A draw takes the interpreter a
tenth of a second, so the total variation here only sees gross errors; the gate on a GPU is strict.
"""

import math
import random
from typing import Any

import pytest

from tests.prototypes.exact_draws import Filters, bar, slow_distribution, total_variation
from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.xdist_group("interpreter"),
]

VOCAB, TILE = 300, 256
"""Two tiles, the second a short one that ends inside a group."""

MASKED = -math.inf


def normal(spread: float, seed: int, vocab: int = VOCAB) -> list[float]:
    draw = random.Random(seed)
    return [draw.gauss(0, spread) for _ in range(vocab)]


def only(*kept: int, vocab: int = VOCAB) -> list[float]:
    return [normal(1, 9)[i] if i in kept else MASKED for i in range(vocab)]


STEPS = [round(x * 4) / 4 for x in normal(1, 3)]
EDGES: dict[str, tuple[list[float], Filters]] = {
    "no filter": (normal(1, 0), Filters()),
    "k 1": (normal(3, 1), Filters(top_k=1)),
    "k 5": (normal(1, 2), Filters(top_k=5)),
    "k 2 with ties": (STEPS, Filters(top_k=2)),
    "p 0.05 with ties": (STEPS, Filters(top_p=0.05)),
    "p 0.5": (normal(3, 4), Filters(top_p=0.5)),
    "p 1e-6": (normal(1, 5), Filters(top_p=1e-6)),
    "k 6 then p 0.5": (normal(2, 6), Filters(top_k=6, top_p=0.5)),
    "min-p 0.3": (normal(2, 7), Filters(min_p=0.3)),
    "all three, hot": (normal(2, 8), Filters(20, 0.8, 0.2, temperature=1.5)),
    "k of the whole vocabulary": (normal(3, 10), Filters(top_k=VOCAB, top_p=0.6)),
    "one left": (only(299), Filters(top_p=0.9)),
    "fewer than k left": (only(3, 70, 260), Filters(top_k=40)),
}

PEAKED = normal(0.5, 11, 256)
PEAKED[17], PEAKED[130], PEAKED[131] = 9.0, 7.8, 7.2
FILTERS = Filters(top_k=3, top_p=0.95)
LAUNCHES, ROWS = 15, 4


def columns(asked: list[tuple[list[float], Filters]]) -> dict[str, Any]:
    return {
        "logits": [logits for logits, _ in asked],
        "temperature": [f.temperature for _, f in asked],
        "top_k": [f.top_k for _, f in asked],
        "top_p": [f.top_p for _, f in asked],
        "min_p": [f.min_p for _, f in asked],
    }


def tasks() -> dict[str, Any]:
    edges = [*EDGES.values(), ([MASKED] * VOCAB, Filters())]
    seeds = [[100 * n + row for row in range(len(edges))] for n in range(2)]
    many = [[n * ROWS + row for row in range(ROWS)] for n in range(LAUNCHES)]
    made = {}
    for sieve in (True, False):
        made[f"edges {sieve}"] = {
            **columns(edges),
            "tile": TILE,
            "sieve": sieve,
            "all_seeds": [*seeds, seeds[0]],
        }
        made[f"many {sieve}"] = {
            **columns([(PEAKED, FILTERS)] * ROWS),
            "tile": TILE,
            "sieve": sieve,
            "all_seeds": many,
        }
    return made


@pytest.fixture(scope="module")
def drawn(fresh: Fresh) -> dict[str, list[list[int]]]:
    """Tokens of each launch, by task."""
    answers: dict[str, list[list[int]]] = fresh.told(
        "tests.prototypes.interpreted", tasks(), TRITON_INTERPRET="1"
    )
    return answers


@pytest.mark.parametrize("sieve", [True, False])
@pytest.mark.parametrize("edge", EDGES)
def test_draws_stay_inside_the_filtered_set(
    drawn: dict[str, list[list[int]]], edge: str, sieve: bool
) -> None:
    allowed = slow_distribution(*EDGES[edge])
    row = list(EDGES).index(edge)
    assert {tokens[row] for tokens in drawn[f"edges {sieve}"]} <= allowed.keys()


@pytest.mark.parametrize("sieve", [True, False])
def test_a_row_without_any_token_draws_none(drawn: dict[str, list[list[int]]], sieve: bool) -> None:
    assert [tokens[len(EDGES)] for tokens in drawn[f"edges {sieve}"]] == [-1, -1, -1]


@pytest.mark.parametrize("sieve", [True, False])
def test_the_seed_decides(drawn: dict[str, list[list[int]]], sieve: bool) -> None:
    first, other, again = drawn[f"edges {sieve}"]
    assert again == first
    assert other != first


@pytest.mark.parametrize("sieve", [True, False])
def test_draws_come_from_the_distribution(drawn: dict[str, list[list[int]]], sieve: bool) -> None:
    exact = slow_distribution(PEAKED, FILTERS)
    assert exact.keys() == {17, 130, 131}
    tokens = [token for launch in drawn[f"many {sieve}"] for token in launch]
    allowed = bar(len(tokens), exact, doubt=1e-2)
    assert set(tokens) <= exact.keys()
    assert total_variation(tokens, exact) <= allowed
    # The bar is loose, yet a greedy or an even choice is over it.
    assert total_variation([17] * 60, exact) > allowed
    assert total_variation([17, 130, 131] * 20, exact) > allowed
