"""The oracle with masks, ties and parameters of each row: a slow loop, and cases by hand."""

import math
import random

import pytest
import torch

from prototypes.sampling import oracle
from prototypes.sampling.inputs import logits_of
from tests.prototypes.exact_draws import Filters, slow_distribution

VOCAB = 60


def asked(logits: list[list[float]], filters: Filters) -> tuple[torch.Tensor, ...]:
    rows = len(logits)
    return (
        torch.tensor(logits, dtype=torch.float64),
        torch.full((rows,), filters.temperature, dtype=torch.float64),
        torch.full((rows,), filters.top_k, dtype=torch.int32),
        torch.full((rows,), filters.top_p, dtype=torch.float64),
        torch.full((rows,), filters.min_p, dtype=torch.float64),
    )


def kept(logits: list[float], filters: Filters) -> set[int]:
    return set(oracle.kept(*asked([logits], filters))[0].nonzero()[:, 0].tolist())


def logs(*probabilities: float) -> list[float]:
    return [math.log(p) if p else -math.inf for p in probabilities]


@pytest.mark.parametrize("family", ["normal1", "normal3", "zipf", "ties", "equal"])
@pytest.mark.parametrize("masked", [0, 40, VOCAB - 1])
def test_the_oracle_is_the_slow_loop(family: str, masked: int) -> None:
    draw = random.Random(f"{family} {masked}")
    generator = torch.Generator().manual_seed(masked)
    for _ in range(25):
        row = logits_of(family, 1, VOCAB, torch.device("cpu"), generator)[0].double().tolist()
        for index in draw.sample(range(VOCAB), masked):
            row[index] = -math.inf
        filters = Filters(
            top_k=draw.choice([0, 0, 1, 2, 7, 30, VOCAB, 10 * VOCAB]),
            top_p=draw.choice([1.0, 1e-6, draw.uniform(0.05, 0.99)]),
            min_p=draw.choice([0.0, 0.0, 1.0, draw.uniform(0.001, 0.5)]),
            temperature=draw.choice([1.0, 0.25, 2.0]),
        )
        exact = slow_distribution(row, filters)
        assert kept(row, filters) == exact.keys(), filters
        (probabilities,) = oracle.distribution(*asked([row], filters)).tolist()
        assert probabilities == pytest.approx(
            [exact.get(i, 0.0) for i in range(VOCAB)], abs=1e-12
        ), filters


def test_rows_have_parameters_of_their_own() -> None:
    row = logs(0.4, 0.3, 0.2, 0.1)
    rows, *columns = asked([row] * 3, Filters())
    columns[1] = torch.tensor([1, 0, 0], dtype=torch.int32)
    columns[2] = torch.tensor([1.0, 0.6, 1.0])
    columns[3] = torch.tensor([0.0, 0.0, 0.45])
    assert oracle.kept(rows, *columns).sum(dim=-1).tolist() == [1, 2, 3]


def test_top_p_counts_what_top_k_left() -> None:
    row = logs(0.4, 0.3, 0.2, 0.1)
    # Of the two that top-k keeps, the first has 0.57: enough for p = 0.5 by itself.
    assert kept(row, Filters(top_k=2, top_p=0.5)) == {0}
    assert kept(row, Filters(top_p=0.5)) == {0, 1}


def test_min_p_is_relative_to_the_most_probable() -> None:
    row = logs(0.5, 0.26, 0.24)
    assert kept(row, Filters(min_p=0.5)) == {0, 1}
    assert kept(row, Filters(min_p=1.0)) == {0}


def test_ties_at_the_border_all_stay() -> None:
    row = logs(0.1, 0.3, 0.1, 0.4, 0.1)
    assert kept(row, Filters(top_k=3)) == {0, 1, 2, 3, 4}
    assert kept(row, Filters(top_p=0.75)) == {0, 1, 2, 3, 4}
    assert kept(row, Filters(top_k=2)) == kept(row, Filters(top_p=0.65)) == {1, 3}
    assert kept(row, Filters(min_p=0.25)) == {0, 1, 2, 3, 4}


def test_masked_tokens_never_stay() -> None:
    row = logs(0.6, 0, 0.4, 0)
    for filters in (Filters(), Filters(top_k=3), Filters(top_p=1.0), Filters(top_k=4, top_p=0.99)):
        assert kept(row, filters) == {0, 2}
    assert kept([-math.inf] * 4, Filters()) == set()


def test_k_of_one_is_greedy_and_p_of_one_is_no_filter() -> None:
    row = logs(0.2, 0.5, 0.3)
    assert kept(row, Filters(top_k=1)) == kept(row, Filters(top_p=1e-9)) == {1}
    assert kept(row, Filters(top_p=1.0)) == {0, 1, 2}


def test_slack_widens_the_border_and_no_more() -> None:
    row = logs(0.5, 0.3, 0.2)
    strict = asked([row], Filters(top_p=0.5 - 5e-6))
    assert oracle.kept(*strict).sum() == 1
    assert oracle.kept(*strict, slack=oracle.ROUNDING).sum() == 2
    assert oracle.kept(*asked([row], Filters(top_p=0.4999)), slack=oracle.ROUNDING).sum() == 1
