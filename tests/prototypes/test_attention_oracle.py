"""The exact attention against a slow loop that shares no code with it; errors; inputs."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.attention import errors, inputs, oracle

CPU = torch.device("cpu")


def loop(q: Any, k: Any, v: Any, causal: bool) -> list[Any]:
    """Attention of nested lists, one number at a time, sums by `math.fsum`."""
    batch, heads, queries, dim = q.shape
    kv_heads, keys = k.shape[1], k.shape[2]
    q, k, v = (x.double().tolist() for x in (q, k, v))
    answer = []
    for b in range(batch):
        for h in range(heads):
            g = h * kv_heads // heads
            for i in range(queries):
                seen = keys if not causal else max(0, min(keys, i + 1 + keys - queries))
                if not seen:
                    answer.append([0.0] * dim)
                    continue
                x = [
                    math.fsum(q[b][h][i][d] * k[b][g][j][d] for d in range(dim)) / math.sqrt(dim)
                    for j in range(seen)
                ]
                weights = [math.exp(value - max(x)) for value in x]
                total = math.fsum(weights)
                answer.append(
                    [
                        math.fsum(weights[j] * v[b][g][j][d] for j in range(seen)) / total
                        for d in range(dim)
                    ]
                )
    return answer


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        {"batch": 2, "heads": 4, "kv_heads": 2, "seq": 9},
        {"batch": 1, "heads": 3, "seq": 7, "queries": 4},
        {"batch": 1, "heads": 2, "seq": 3, "queries": 8},
        {"batch": 1, "heads": 2, "seq": 1},
    ],
)
@pytest.mark.parametrize("at_once", [1, 1 << 22])
def test_the_oracle_is_what_the_loop_says(
    shape: dict[str, int], causal: bool, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(oracle.SCORES_AT_ONCE, "cpu", at_once)
    drawn = inputs.parts(inputs.make({**shape, "head_dim": 8, "family": "heavy"}, CPU, 1))
    found = oracle.attention(*drawn, causal=causal)
    wanted = torch.tensor(loop(*drawn, causal), dtype=torch.float64).view_as(found)
    assert found.dtype is torch.float64
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-14)


def test_chosen_rows_are_those_of_the_whole() -> None:
    drawn = inputs.parts(inputs.make({"batch": 1, "heads": 2, "seq": 30, "head_dim": 8}, CPU, 2))
    rows = torch.tensor([0, 7, 29])
    whole = oracle.attention(*drawn, causal=True)
    torch.testing.assert_close(oracle.attention(*drawn, causal=True, rows=rows), whole[:, :, rows])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), family=st.sampled_from(inputs.FAMILIES))
def test_what_attention_doesnt_depend_on(seed: int, family: str) -> None:
    parameters: dict[str, int | str] = {
        "batch": 2,
        "heads": 2,
        "seq": 24,
        "head_dim": 16,
        "family": family,
    }
    q, k, v = (x.double() for x in inputs.parts(inputs.make(parameters, CPU, seed)))
    generator = torch.Generator().manual_seed(seed)
    right = oracle.attention(q, k, v)

    def same(found: torch.Tensor, wanted: torch.Tensor) -> None:
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)

    order = torch.randperm(24, generator=generator)
    same(oracle.attention(q, k[:, :, order], v[:, :, order]), right)
    constant = torch.randn((2, 2, 1, 16), generator=generator, dtype=torch.float64)
    same(oracle.attention(q, k + constant, v), right)
    same(oracle.attention(q * 3, k / 3, v), right)
    same(oracle.attention(q[1:], k[1:], v[1:]), right[1:])
    moved = oracle.attention(q, k, 2 * v + constant)
    same(moved, 2 * right + constant)


def test_errors_of_a_known_difference() -> None:
    exact = torch.tensor([[[[3.0, 4.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]])
    got = exact.clone()
    got[0, 1, 0, 0] = 0.5
    found = errors.measure(got, exact)
    assert found.l1 == pytest.approx(0.5 / 9)
    assert found.worst_head_l1 == pytest.approx(0.5 / 2)
    assert found.l2 == pytest.approx(0.5 / math.sqrt(27))
    assert found.worst_head_l2 == pytest.approx(0.5 / math.sqrt(2))
    assert found.rmse == pytest.approx(0.5 / math.sqrt(8))
    assert found.worst_head_cosine == pytest.approx(1.5 / math.sqrt(1.25 * 2))
    assert found.worst_element == pytest.approx(0.5 / math.sqrt(0.5))
    assert found.mean_relative == pytest.approx(0.5 / 8, rel=1e-4)


def test_errors_of_what_has_no_scale_or_is_not_finite() -> None:
    zero = torch.zeros((1, 1, 2, 2))
    same = errors.measure(zero, zero)
    assert (same.cosine, same.l1, same.worst_element) == (1.0, 0.0, 0.0)
    other = errors.measure(zero + 1, zero)
    assert other.l1 == math.inf
    assert other.worst_element == math.inf
    broken = errors.measure(torch.full((1, 1, 2, 2), math.nan), zero + 1)
    assert math.isnan(broken.cosine)
    assert math.isnan(broken.worst_head_cosine)
    assert not broken.l1 <= 1e9
    with pytest.raises(ValueError, match="shapes differ"):
        errors.measure(zero, zero[..., :1])


@pytest.mark.parametrize("family", inputs.FAMILIES)
def test_inputs_follow_their_seed(family: str) -> None:
    shape = {"batch": 1, "heads": 4, "kv_heads": 2, "queries": 5, "seq": 50, "head_dim": 64}
    parameters: dict[str, int | str] = {**shape, "family": family}
    first, same, other = (inputs.make(parameters, CPU, seed) for seed in (1, 1, 2))
    assert first["query"].shape == (1, 4, 5, 64)
    assert first["key"].shape == first["value"].shape == (1, 2, 50, 64)
    for key, tensor in first.items():
        assert tensor.dtype is torch.float16
        assert bool(tensor.isfinite().all())
        assert bool((tensor == same[key]).all())
        assert bool((tensor != other[key]).any())


def test_what_the_kinds_of_inputs_are_for() -> None:
    def drawn(family: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        parameters: dict[str, int | str] = {
            "batch": 1,
            "heads": 1,
            "seq": 400,
            "head_dim": 128,
            "family": family,
        }
        q, k, v = inputs.parts(inputs.make(parameters, CPU, 3))
        return q.double(), k.double(), v.double()

    biased, plain = (drawn(f)[1].mean(dim=2).abs().max() for f in ("kbias", "normal"))
    assert biased > 3 > 0.5 > plain
    q, k, v = drawn("heavy")
    weights = (q @ k.mT / math.sqrt(128)).softmax(dim=-1)
    assert float(weights[..., : inputs.SINKS].sum(dim=-1).mean()) > 0.4
    assert float(v[:, :, : inputs.SINKS].abs().mean()) < 0.2
    spread = drawn("outlier")[1].std(dim=2)
    assert float(spread.max() / spread.median()) > 10
    with pytest.raises(ValueError, match="no inputs called 'flat'"):
        drawn("flat")
