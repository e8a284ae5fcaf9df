"""CPU samplers and baselines on the edge cases; a broken sampler is caught by the real gates."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.harness import measure, timing
from prototypes.harness.declarations import Case, Device
from prototypes.harness.workload import Kernel, NotRunnableError
from prototypes.sampling import (
    baselines,
    bucket_sort,
    edges,
    inputs,
    oracle,
    statistical,
    torch_samplers,
)
from prototypes.sampling.declaration import DECLARATION
from prototypes.sampling.workload import Sampling, outside

CPU = torch.device("cpu")
PARAMETERS = ("temperature", "top_k", "top_p", "min_p")


@pytest.mark.parametrize("name", ["torch_rejection", "torch_sieve"])
def test_a_sampler_holds_on_every_edge(name: str) -> None:
    checks = list(
        Sampling().fidelity(name, DECLARATION.cases[0], CPU, seed=torch.seed() % 2**31, quick=True)
    )
    assert len(checks) == len(edges.EDGES) + 3
    assert [c.name for c in checks if not c.passed] == []


@pytest.mark.parametrize("name", ["torch_rejection", "torch_sieve"])
def test_a_sampler_draws_the_exact_distribution(name: str) -> None:
    repeats = 1500
    rows = edges.rows(CPU, 3, repeats, edges.EDGES[:12])
    tokens = torch.empty(rows["logits"].shape[0], dtype=torch.int64)
    torch_samplers.build(name)(rows, {"tokens": tokens})
    first = {key: tensor[::repeats] for key, tensor in rows.items()}
    exact = oracle.distribution(first["logits"], *(first[key] for key in PARAMETERS))
    for edge, drawn, p in zip(edges.EDGES, tokens.view(-1, repeats), exact, strict=False):
        assert all(c.passed for c in statistical.fit(drawn, p).checks(edge.name)), edge.name


@pytest.mark.parametrize("case", DECLARATION.cases[:7], ids=lambda c: c.id)
def test_every_baseline_of_a_case_draws_from_its_distribution(case: Case) -> None:
    small = {**case.parameters, "batch": 1, "vocab": 1200}
    one = inputs.make(small, CPU, 5)
    rows = {k: t.expand(1500, *t.shape[1:]).contiguous() for k, t in one.items()}
    exact = oracle.distribution(one["logits"], *(one[key] for key in PARAMETERS))[0]
    names = [b.name for b in DECLARATION.baselines_for(case, Device.CPU)]
    assert "torch_sort" in names
    for name in names:
        tokens = torch.empty(1500, dtype=torch.int64)
        kernel = baselines.build(name, Case("small", {**small, "batch": 1500}, seed=0))
        kernel(rows, {"tokens": tokens})
        assert int(outside(rows, tokens).sum()) == 0, name
        assert all(c.passed for c in statistical.fit(tokens, exact).checks(name)), name


@settings(max_examples=15, deadline=None)
@given(
    vocab=st.integers(1, 400),
    least=st.integers(1, 500),
    family=st.sampled_from(["normal3", "zipf", "ties", "equal"]),
    shift=st.sampled_from([0.0, 30.0, -700.0]),
)
def test_buckets_hold_the_largest_in_order(
    vocab: int, least: int, family: str, shift: float
) -> None:
    generator = torch.Generator().manual_seed(vocab)
    logits = inputs.logits_of(family, 1, vocab, CPU, generator)[0] + shift
    values, places = bucket_sort.largest(logits, least)
    assert len(values) >= min(least, vocab)
    assert torch.equal(values, logits[places])
    assert torch.equal(values, logits.sort(descending=True).values[: len(values)])
    # Beyond the range of the buckets everything shares one: no worse than a full sort.
    assert len(values) == vocab or shift == 0.0


def test_rounds_of_the_loop_are_told() -> None:
    case = DECLARATION.case("b1-v128256-k0-p0.9-normal3")
    made = {f.name: f.value for f in Sampling().figures("torch_sieve", case, CPU, 1, True)}
    assert 1.0 <= made["normal3, p 0.9: rounds, mean"] < 2.0
    # All equal: every token ties with the first, so none is ever outside.
    assert made["equal, p 0.9: rounds, most"] == 1
    assert not list(Sampling().figures("torch_sieve", DECLARATION.cases[0], CPU, 1, True))


def test_each_case_has_an_engine_baseline_and_a_sort() -> None:
    for case in DECLARATION.cases:
        for device in case.devices:
            roles = [r for b in DECLARATION.baselines_for(case, device) for r in b.roles]
            assert roles.count("engine") == 1, case.id
            assert roles.count("paper") == 1, case.id


def test_a_missing_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_BASELINES", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "flashinfer", None)
    with pytest.raises(NotRunnableError, match="FlashInfer"):
        baselines.build("flashinfer", DECLARATION.cases[0])


@pytest.mark.parametrize("vocab", [1, 2, 63, 64, 65, 8191, 8193])
def test_odd_vocabularies(vocab: int) -> None:
    one = inputs.make({**DECLARATION.cases[0].parameters, "batch": 8, "vocab": vocab}, CPU, 1)
    for name in ("torch_rejection", "torch_sieve"):
        tokens = torch.empty(8, dtype=torch.int64)
        torch_samplers.build(name)(one, {"tokens": tokens})
        assert int(outside(one, tokens).sum()) == 0


class Broken(Sampling):
    """Ignores top-p: draws from everything that top-k keeps, which is everything here."""

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        kernel = super().build(name, case, device)
        if name != "torch_sieve":
            return kernel

        def run(given: dict[str, torch.Tensor], outputs: dict[str, torch.Tensor]) -> None:
            kernel({**given, "top_p": torch.ones_like(given["top_p"])}, outputs)

        return run  # type: ignore[return-value]


class Biased(Sampling):
    """Draws from the right set with the wrong odds: twice as hot as asked."""

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        kernel = super().build(name, case, device)
        if name != "torch_sieve":
            return kernel

        def run(given: dict[str, torch.Tensor], outputs: dict[str, torch.Tensor]) -> None:
            exact = oracle.kept(given["logits"], *(given[key] for key in PARAMETERS))
            masked = given["logits"].masked_fill(~exact, -torch.inf)
            off = {"top_k": given["top_k"] * 0, "top_p": given["top_p"] * 0 + 1}
            hot = {"temperature": given["temperature"] * 2, "min_p": given["min_p"] * 0}
            kernel({**given, **off, **hot, "logits": masked}, outputs)

        return run  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("workload", "status"), [(Broken(), "broken"), (Biased(), "below_quality")]
)
def test_a_broken_sampler_carries_no_speedup(
    workload: Sampling, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "QUICK", timing.Budget(2, 2, 0.1, 0.01, 2))
    case = DECLARATION.case("b1-v128256-k0-p0.9-zipf")
    small = Case("small", {**case.parameters, "vocab": 2000}, seed=1)
    record = measure.run_case(
        DECLARATION, workload, small, "torch_sieve", CPU, None, quick=True
    ).to_json()
    assert record["status"] == status
    assert "speedup" not in record
    assert "time_us" not in record
