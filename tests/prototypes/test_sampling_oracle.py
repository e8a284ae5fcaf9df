"""The oracle against a plain loop, and the statistical gate against samplers that are wrong."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.sampling import edges, inputs, oracle, statistical


def by_hand(
    logits: list[float], temperature: float, top_k: int, top_p: float, min_p: float
) -> list[float]:
    """The filters as DESIGN words them, token by token."""
    x = [v / temperature for v in logits]
    weights = [math.exp(v - max(x)) for v in x]
    kept = set(range(len(x)))
    if top_k:
        kept = {i for i in kept if sum(x[j] > x[i] for j in kept) < top_k}
    total = sum(weights[i] for i in kept)
    if top_p < 1:
        above = {i: sum(weights[j] for j in kept if x[j] > x[i]) / total for i in kept}
        kept = {i for i in kept if above[i] < top_p}
    kept = {i for i in kept if weights[i] >= min_p}
    total = sum(weights[i] for i in kept)
    return [weights[i] / total if i in kept else 0.0 for i in range(len(x))]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-12, 12).map(lambda n: n / 4), min_size=1, max_size=12),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.integers(0, 14),
    st.sampled_from([0.11, 0.33, 0.77, 0.97, 1.0]),
    st.sampled_from([0.0, 0.03, 0.21, 1.0]),
)
def test_the_oracle_agrees_with_a_plain_loop(
    logits: list[float], temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    exact = oracle.distribution(
        torch.tensor([logits], dtype=torch.float64),
        torch.tensor([temperature], dtype=torch.float64),
        torch.tensor([top_k]),
        torch.tensor([top_p], dtype=torch.float64),
        torch.tensor([min_p], dtype=torch.float64),
    )
    assert exact[0].tolist() == pytest.approx(
        by_hand(logits, temperature, top_k, top_p, min_p), abs=1e-12
    )


def test_a_masked_token_never_survives() -> None:
    rows = edges.rows(torch.device("cpu"), 1, 1)
    keep = oracle.kept(*(rows[k] for k in ("logits", "temperature", "top_k", "top_p", "min_p")))
    assert not (keep & rows["logits"].isinf()).any()
    assert keep.any(dim=-1).all()


def draws(p: torch.Tensor, count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(p, count, replacement=True, generator=generator)


@pytest.mark.parametrize("family", inputs.FAMILIES)
def test_exact_draws_pass(family: str) -> None:
    p = inputs.logits_of(family, 1, 300, torch.device("cpu"), torch.Generator().manual_seed(1))[0]
    p = p.double().softmax(dim=-1)
    for seed in range(5):
        fit = statistical.fit(draws(p, 4000, seed), p)
        assert all(check.passed for check in fit.checks("exact"))
        assert 0.5 < fit.chi2_per_dof < 1.7
        assert fit.total_variation == pytest.approx(fit.noise, abs=5 * fit.noise_sd)


@pytest.mark.parametrize(
    ("label", "distort"),
    [
        ("a temperature off by 15 %", lambda p: p**1.15),
        ("one token in five never drawn", lambda p: p * (torch.arange(p.numel()) % 5 > 0)),
        ("the most probable drawn too seldom", lambda p: p.clamp(max=float(p.max()) * 0.8)),
        ("the tail cut off", lambda p: p * (p > p.sort().values[p.numel() * 9 // 10])),
    ],
)
def test_wrong_draws_fail(label: str, distort: object) -> None:
    p = inputs.logits_of("normal3", 1, 300, torch.device("cpu"), torch.Generator().manual_seed(2))
    exact = p[0].double().softmax(dim=-1)
    assert callable(distort)
    wrong = distort(exact)
    fit = statistical.fit(draws(wrong / wrong.sum(), 20000), exact)
    assert not all(check.passed for check in fit.checks(label))


def test_every_pooled_bin_expects_enough() -> None:
    for p in (torch.tensor([1.0]), torch.tensor([0.999, 0.0005, 0.0005]), torch.full((50,), 0.02)):
        fit = statistical.fit(torch.zeros(100, dtype=torch.int64), p)
        assert fit.dof <= 100 / statistical.LEAST_EXPECTED
    assert (
        statistical.fit(torch.zeros(10, dtype=torch.int64), torch.tensor([1.0])).checks("x") == ()
    )


def test_the_chi_square_quantile_is_near_the_tables() -> None:
    # 0.999 quantiles of a printed table: 10.828, 29.588, 149.449.
    for dof, value in ((1, 10.828), (10, 29.588), (100, 149.449)):
        assert statistical.chi2_quantile(dof, 3.0902) == pytest.approx(value, rel=0.035)
