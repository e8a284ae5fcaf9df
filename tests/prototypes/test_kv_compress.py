"""KV-Compress: metric, eviction and decode against slow loops; Triton under the interpreter."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.decode.inputs import Shape, cache
from prototypes.decode.pages import PAGE
from prototypes.harness import check
from prototypes.harness.figures import collect
from prototypes.kv_compress import eviction, inputs, oracle
from prototypes.kv_compress.declaration import DECLARATION
from prototypes.kv_compress.metric import worth
from prototypes.kv_compress.workload import WORKLOAD
from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

CPU = torch.device("cpu")


def slow_kept(metric: list[list[float]], evicted: int) -> list[list[bool]]:
    """One sequence: evict a page at a time, the one whose best entry is worth least."""
    left = [[i for _, i in sorted((worth, i) for i, worth in enumerate(row))] for row in metric]
    for _ in range(evicted):
        heads = [h for h in range(len(metric)) if len(left[h]) >= PAGE]
        cheapest = min(heads, key=lambda h: (metric[h][left[h][PAGE - 1]], h))
        left[cheapest] = left[cheapest][PAGE:]
    return [
        [i in set(kept) for i in range(len(row))] for kept, row in zip(left, metric, strict=True)
    ]


@settings(max_examples=25, deadline=None)
@given(
    heads=st.integers(1, 4),
    tokens=st.integers(PAGE, 75),
    levels=st.sampled_from([0, 1, 3, 50]),
    rate=st.sampled_from([1.0, 1.5, 3.0, 9.0]),
    seed=st.integers(0, 999),
)
def test_sorting_counting_and_the_oracle_evict_what_a_slow_loop_does(
    heads: int, tokens: int, levels: int, rate: float, seed: int
) -> None:
    drawn = torch.rand(2, heads, tokens, generator=torch.Generator().manual_seed(seed))
    metric = (drawn * levels).floor() / max(levels, 1) if levels else drawn
    evicted = eviction.evicted_pages(heads, tokens, rate)
    right = torch.tensor([slow_kept(one, evicted) for one in metric.tolist()])
    assert torch.equal(oracle.kept(metric, evicted, PAGE), right)
    for evict in (eviction.by_sort, eviction.by_digits):
        kept = evict(metric, evicted)
        assert torch.equal(kept.stays.bool(), right)
        assert torch.equal(kept.counts.long(), right.sum(dim=-1))


def test_a_budget_per_head_takes_as_much_of_each() -> None:
    metric = torch.rand(2, 4, 160, generator=torch.Generator().manual_seed(1))
    kept = eviction.uniform(metric, eviction.evicted_pages(4, 160, 2))
    assert set(kept.counts.flatten().tolist()) == {80}


def test_the_metric_is_squared_attention_pooled_over_neighbours() -> None:
    made = cache(Shape(1, 4, 2, 48, 16), CPU, 3, "normal", torch.float32)
    found = worth(made["window"], made["k"])
    steps = made["window"].shape[2]
    for h in range(2):
        sums = [0.0] * 48
        for step in range(steps):
            seen = 48 - steps + step + 1
            for query in made["window"][0, h, step]:
                scores = (made["k"][0, h, :seen] @ query / 4.0).tolist()
                weights = [math.exp(s - max(scores)) for s in scores]
                for token, weight in enumerate(weights):
                    sums[token] += (weight / sum(weights)) ** 2
        pooled = [max(sums[max(t - 3, 0) : t + 4]) for t in range(48 - steps)]
        assert found[0, h, : 48 - steps].tolist() == pytest.approx(pooled, rel=1e-4)
        assert found[0, h, 48 - steps :].tolist() == [math.inf] * steps


def test_what_is_kept_is_told_by_attention_and_needles() -> None:
    attention = torch.tensor([[[0.5, 0.3, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4]]]).double()
    best = oracle.best(attention, 4)
    assert best.tolist() == [[[True, True, False, False], [False, False, True, True]]]
    assert oracle.retained(attention, best) == pytest.approx(0.75)
    needles, asking = torch.tensor([[1]]), torch.tensor([[False, True]])
    assert oracle.surviving(needles, asking, best, run=2) == pytest.approx(0.5)


def test_pages_out_of_order_are_read_as_well() -> None:
    plan = inputs.Plan(Shape(2, 8, 2, 320, 32), 4.0)
    made = inputs.made(plan, CPU, 4)
    given = inputs.in_pages(plan, made, 4)
    shuffled = torch.randperm(given["keys"].shape[0], generator=torch.Generator().manual_seed(5))
    other = dict(given)
    other["keys"] = torch.empty_like(given["keys"])
    other["values"] = torch.empty_like(given["values"])
    other["keys"][shuffled], other["values"][shuffled] = given["keys"], given["values"]
    there = given["table"] >= 0
    other["table"] = torch.where(there, shuffled[given["table"].clamp_min(0).long()].int(), -1)
    from prototypes.kv_compress.torch_ragged import decode

    answers = []
    for one in (given, other):
        out = torch.full_like(given["q"], math.nan)
        decode(plan)(one, {"out": out})
        answers.append(out)
    assert torch.equal(*answers)
    assert int(given["lengths"].sum()) == plan.kept_tokens


def test_figures_have_names_of_their_own_and_needles_need_a_metric() -> None:
    case = DECLARATION.case("b1-h32-kv8-s8192-d128-r8")
    figures = {f.name: f for f in collect(WORKLOAD.figures("torch_ragged", case, CPU, 1, True))}
    kept = {name: f.value for name, f in figures.items() if name.endswith("needles kept")}
    assert kept["heavy: squared attention, one budget: needles kept"] > 99
    assert kept["heavy: first and last tokens: needles kept"] < 50


def test_nothing_is_missing() -> None:
    """What `python -m prototypes check` asks for; it runs both gates on the quick case."""
    lines, complete = check.report("kv_compress")
    assert complete, "\n".join(lines)


@pytest.fixture(scope="module")
def interpreted(fresh: Fresh) -> dict[str, list[float]]:
    """What the kernels did under the interpreter, in a process of its own."""
    found: dict[str, list[float]] = fresh.told(
        "tests.prototypes.interpreted_cache", TRITON_INTERPRET="1"
    )
    return found


needs_interpreter = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@needs_interpreter
@pytest.mark.xdist_group("interpreter")
def test_the_decode_kernel_is_right_on_rows_of_any_length(
    interpreted: dict[str, list[float]],
) -> None:
    decoded = {n: e for n, e in interpreted.items() if not n.startswith("evict")}
    assert len(decoded) == 8
    assert {n: e for n, e in decoded.items() if max(e) > 1.5e-3} == {}


@needs_interpreter
@pytest.mark.xdist_group("interpreter")
def test_the_eviction_kernels_evict_what_sorting_does(interpreted: dict[str, list[float]]) -> None:
    wrong = {n: e for n, e in interpreted.items() if n.startswith("evict")}
    assert len(wrong) == 10
    assert {n: e for n, e in wrong.items() if max(e) > 0} == {}
