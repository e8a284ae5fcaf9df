"""SageAttention as the harness sees it: gates, tables, and K less its mean in a cache."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from prototypes.attention import inputs, oracle
from prototypes.attention.eight_bit.checks import EDGES
from prototypes.attention.eight_bit.declared import case
from prototypes.attention.eight_bit.options import SAGE_BLOCK
from prototypes.attention.errors import measure
from prototypes.harness.declarations import Case, Device
from prototypes.harness.figures import Figure, collect
from prototypes.harness.trying import failures
from prototypes.sage import key_cache
from prototypes.sage.declaration import CURVE, DECLARATION, FP16_CASES
from prototypes.sage.workload import TABLE_9, TABLES_LENGTH, WORKLOAD, Sage

CPU = torch.device("cpu")
SMALL = case(2, 2, 300, 64, causal=True, devices=(Device.CPU,))
CACHED = case(1, 4, 512, 128, kv_heads=1, queries=64, causal=True, family="kbias", cache_bits=4,
              devices=(Device.CPU,))  # fmt: skip


@pytest.mark.parametrize("shape", [SMALL, *EDGES, CACHED], ids=lambda c: c.id)
def test_the_emulation_passes_both_gates(shape: Case) -> None:
    assert failures(WORKLOAD, shape, "torch_emulation") == []


def test_the_quality_gate_sees_keys_that_arent_smoothed() -> None:
    rough = replace(
        WORKLOAD.configurations["torch_emulation"],
        options=replace(SAGE_BLOCK, smooth_keys=False),
    )
    failed = failures(Sage({"torch_emulation": rough}), SMALL, "torch_emulation")
    assert [f.partition(":")[0] for f in failed] == ["relative L1 error, kbias inputs"]


def test_the_variants_of_the_paper_are_figures_in_one_case() -> None:
    shape = case(1, 1, TABLES_LENGTH, 64, queries=64, devices=(Device.CPU,))
    found = {f.name: f for f in collect(WORKLOAD.figures("torch_emulation", shape, CPU, 3, False))}
    for variant, (_, l1, _) in TABLE_9.items():
        figure = found[f"{variant}: relative L1 error"]
        assert figure.paper == l1
        assert 0 < figure.value < l1
    # The order of the printed table.
    order = [found[f"{variant}: relative L1 error"].value for variant in TABLE_9]
    assert order == sorted(order)
    smooth, rough = (
        found[f"kbias, scales a block, K {how}: relative L1 error"].value
        for how in ("smoothed", "as it is")
    )
    assert rough > 3 * smooth
    assert not [name for name in found if "times as fast" in name]


def test_fp16_is_measured_in_some_cases_that_exist() -> None:
    assert all(DECLARATION.has(case_id) for case_id in FP16_CASES)
    assert CURVE in FP16_CASES


def by_hand(values: list[float], bits: int) -> list[float]:
    """One block of llama.cpp's q8_0 or q4_0 after a round trip, number by number."""
    largest = max(values, key=abs)
    unit = abs(largest) / 127 if bits == 8 else largest / -8
    stored = float(torch.tensor(unit).half())
    found = []
    for value in values:
        if not unit:
            code = 0
        elif bits == 8:
            code = int(abs(value / unit) + 0.5) * (1 if value >= 0 else -1)
        else:
            code = min(15, int(value / unit + 8.5)) - 8
        found.append(code * stored)
    return found


@pytest.mark.parametrize("bits", [8, 4])
def test_the_cache_formats_are_llama_cpps(bits: int) -> None:
    generator = torch.Generator().manual_seed(bits)
    x = torch.randn((5, 128), generator=generator)
    x[1, 32:64] = 0
    x[2] = x[2].abs()
    x[3, :32] = -x[3, :32].abs()
    found = key_cache.decode(*key_cache.encode(x, bits))
    wanted = [by_hand(part, bits) for part in x.view(-1, 32).tolist()]
    torch.testing.assert_close(found.view(-1, 32), torch.tensor(wanted))
    codes, scales = key_cache.encode(x, bits)
    assert (codes.dtype, scales.dtype) == (torch.int8, torch.float16)
    assert int(codes.abs().max()) == (127 if bits == 8 else 8)


@pytest.mark.parametrize("bits", [8, 4])
def test_the_means_noise_is_no_larger_than_the_bar_says(bits: int) -> None:
    parameters = {"batch": 1, "heads": 4, "kv_heads": 1, "queries": 64, "seq": 2048}
    given = inputs.make({**parameters, "head_dim": 128, "family": "kbias"}, CPU, 5)
    query, key, value = inputs.parts(given)
    exact = oracle.attention(query, key, value, causal=True)

    def error(mean: torch.Tensor | None) -> float:
        stored = key_cache.cached(key, bits, mean)
        return measure(oracle.attention(query, stored, value, causal=True), exact).l1

    whole = key.float().mean(dim=2, keepdim=True)
    prompt = key[:, :, :64].float().mean(dim=2, keepdim=True)
    assert error(whole) < key_cache.L1_BARS[bits]
    assert error(None) > 3 * error(whole)
    # A mean that was fixed after 64 of 2048 tokens does as well: the same vector for all keys.
    assert error(prompt) < 1.1 * error(whole)


def test_another_mean_for_each_key_changes_the_answer() -> None:
    given = inputs.make({"batch": 1, "heads": 1, "seq": 500, "head_dim": 64}, CPU, 6)
    query, key, value = (x.double() for x in inputs.parts(given))
    key = key + 3 * torch.randn(64, dtype=torch.float64)
    exact = oracle.attention(query, key, value)
    same = key - key[:, :, :7].mean(dim=2, keepdim=True)
    moving = key - key.cumsum(dim=2) / torch.arange(1, 501)[:, None]
    assert measure(oracle.attention(query, same, value), exact).l2 < 1e-12
    assert measure(oracle.attention(query, moving, value), exact).l2 > 0.01


def test_turning_keys_keeps_their_lengths_and_hides_a_constant_part() -> None:
    key = torch.zeros((1, 1, 4096, 128)) + torch.randn(128)
    after = key_cache.turned(key)
    torch.testing.assert_close(after.norm(dim=-1), key.norm(dim=-1))
    torch.testing.assert_close(after[:, :, 0], key[:, :, 0])
    left = after.mean(dim=2).view(2, 64) / key.mean(dim=2).view(2, 64).norm(dim=0)
    kept = left.norm(dim=0)
    assert float(kept[0]) < 0.01
    assert float(kept[-1]) > 0.99


def test_rotating_keys_is_no_change_by_itself() -> None:
    matrix = key_cache.hadamard(64)
    torch.testing.assert_close(matrix @ matrix.mT, torch.eye(64), rtol=0, atol=1e-6)


def test_figures_of_the_cache() -> None:
    found: dict[str, Figure] = {
        f.name: f for f in collect(WORKLOAD.figures("torch_emulation", CACHED, CPU, 1, False))
    }

    def error(label: str, how: str) -> float:
        return found[f"{label}, K in 4 bits, {how}: relative L1 error"].value

    for label in ("keys as they are drawn", "their constant part before RoPE"):
        assert error(label, "mean taken off") < 0.8 * error(label, "as it is")
        assert error(label, "both") < error(label, "rotated")
    assert found["one token into the 4-bit cache, K mean taken off"].unit == "µs"
