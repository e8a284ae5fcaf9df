"""Decode attention, shared: oracle against a slow loop, caches as they are in use, baselines."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.decode import baselines, inputs, oracle, pages
from prototypes.harness.workload import NotRunnableError

CPU = torch.device("cpu")
SHAPE = inputs.Shape(2, 8, 2, 640, 32)


def slow_row(q: list[float], keys: list[list[float]], values: list[list[float]]) -> list[float]:
    scores = [sum(a * b for a, b in zip(q, key, strict=True)) / math.sqrt(len(q)) for key in keys]
    highest = max(scores)
    weights = [math.exp(s - highest) for s in scores]
    return [
        sum(w * value[c] for w, value in zip(weights, values, strict=True)) / sum(weights)
        for c in range(len(values[0]))
    ]


@settings(max_examples=12, deadline=None)
@given(
    kv_heads=st.integers(1, 3),
    queries=st.integers(1, 3),
    tokens=st.integers(1, 9),
    channels=st.sampled_from([1, 2, 5]),
    seed=st.integers(0, 99),
)
def test_the_oracle_is_the_slow_loop(
    kv_heads: int, queries: int, tokens: int, channels: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    q = 3 * torch.randn(2, kv_heads * queries, channels, generator=generator)
    k, v = (torch.randn(2, kv_heads, tokens, channels, generator=generator) for _ in range(2))
    lengths = torch.randint(0, tokens + 1, (2, kv_heads), generator=generator)
    out = oracle.attention(q, k, v, lengths)
    for b in range(2):
        for head in range(kv_heads * queries):
            h = head // queries
            n = int(lengths[b, h])
            right = (
                slow_row(q[b, head].tolist(), k[b, h, :n].tolist(), v[b, h, :n].tolist())
                if n
                else [0.0] * channels
            )
            assert out[b, head].tolist() == pytest.approx(right, abs=1e-9)


@pytest.mark.parametrize("run", [True, False])
def test_a_cache_in_pages_says_the_same(run: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    made = inputs.cache(SHAPE, CPU, 1, dtype=torch.float32)
    stays = torch.rand(2, 2, 640, generator=generator) < torch.tensor([0.0, 0.2, 0.5, 1.0]).view(
        2, 2, 1
    )
    lengths = stays.sum(dim=-1)
    count = int(((lengths + pages.PAGE - 1) // pages.PAGE).sum())
    order = None if run else torch.randperm(count, generator=generator)
    packed = pages.packed(made["k"], made["v"], stays, count, order)
    assert packed["lengths"].tolist() == lengths.tolist()
    assert sorted(p for p in packed["table"].flatten().tolist() if p >= 0) == list(range(count))
    paged = oracle.paged_attention(
        made["q"], packed["keys"], packed["values"], packed["table"], packed["lengths"]
    )
    asked = oracle.grouped(made["q"], 2)
    for b in range(2):
        for h in range(2):
            mine = stays[b, h]
            right = oracle.row(asked[b, h], made["k"][b, h][mine], made["v"][b, h][mine])
            assert torch.allclose(oracle.grouped(paged, 2)[b, h], right, atol=1e-6)


@pytest.mark.parametrize("name", ["bmm", "sdpa"])
def test_baselines_attend_to_everything(name: str) -> None:
    made = inputs.cache(SHAPE, CPU, 2, "normal")
    out = torch.full_like(made["q"], math.nan)
    getattr(baselines, name)(SHAPE)(made, {"out": out})
    exact = oracle.attention(made["q"], made["k"], made["v"])
    assert float((out - exact).norm() / exact.norm()) < 0.02


def test_the_kernel_for_gpus_says_so_on_a_cpu() -> None:
    with pytest.raises(NotRunnableError, match="GPU"):
        baselines.split_kv_fp16(SHAPE, CPU)


@pytest.mark.parametrize("family", ["heavy", "flat", "normal"])
def test_the_seed_decides_the_cache(family: str) -> None:
    first, again, other = (inputs.cache(SHAPE, CPU, seed, family) for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["k"], other["k"])
    assert first["window"].shape == (2, 2, inputs.WINDOW, 4, 32)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="family 'light'"):
        inputs.cache(SHAPE, CPU, 1, "light")


def test_heavy_caches_are_as_sparse_as_published_and_ask_for_needles() -> None:
    shape = inputs.Shape(1, 32, 8, 8192, 64)
    shares = {}
    for family in ("heavy", "flat"):
        made = inputs.cache(shape, CPU, 5, family, torch.float32)
        asked = oracle.grouped(made["q"], 8)[0]
        paid = torch.stack([oracle.shares(asked[h], made["k"][0, h]).mean(dim=0) for h in range(8)])
        top = paid.sort(dim=1, descending=True).values[:, : 8192 // 32]
        shares[family] = float(top.sum(dim=1).mean())
        starts = made["needles"][0].tolist()
        tokens = sorted({start + i for start in starts for i in range(inputs.RUN)})
        needles = paid[:, tokens].sum(dim=1)
        asking = made["asking"][0]
        assert 4 <= int(asking.sum()) <= 5
        assert float(needles[asking].mean()) > 10 * float(needles[~asking].mean())
    # 0.968 in Llama-3-8B at 131 072 tokens (arXiv 2407.02490).
    assert 0.9 < shares["heavy"] < 0.99
    assert shares["flat"] < shares["heavy"]
