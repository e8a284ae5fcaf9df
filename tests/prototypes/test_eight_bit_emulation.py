"""8-bit attention in torch: it is its formula all at once, and keeps what it promises."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.attention import inputs, oracle
from prototypes.attention.eight_bit import emulation, options, reference
from prototypes.attention.eight_bit.checks import (
    FIDELITY,
    FIDELITY_ELEMENT_FP8,
    Configuration,
)
from prototypes.attention.eight_bit.options import Denominator, Format, Options, Scale
from prototypes.attention.errors import measure

CPU = torch.device("cpu")
WHOLE_NUMBERS = options.INT_FLASH_FULL
CONFIGURATIONS = {
    "int_flash full": WHOLE_NUMBERS,
    "int_flash half": options.INT_FLASH_HALF,
    "sage token": replace(options.SAGE_TOKEN, half_sums=False),
    "sage block": options.SAGE_FP16,
    "sage fp8": options.SAGE_FP8,
    "int_flash in blocks": options.INT_FLASH_BLOCKS,
    "queries smoothed": replace(options.SAGE_BLOCK, smooth_queries=True, half_sums=False),
    "e5m2 without scales": Options(
        scores=Format.E5M2, query_scale=Scale.NONE, key_scale=Scale.NONE, weights=Format.E5M2,
        values=Format.E5M2
    ),
    "small tiles, values by channel": replace(WHOLE_NUMBERS, tile=16, value_scale=Scale.CHANNEL),
}  # fmt: skip
NOT_ROUNDED = Options(
    scores=Format.FLOAT32, weights=Format.FLOAT32, values=Format.FLOAT32, smooth_keys=True
)
Drawn = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def drawn(seed: int = 1, seq: int = 150, family: str = "normal", **more: int) -> Drawn:
    parameters: dict[str, int | str] = {"batch": 1, "heads": 4, "kv_heads": 2, "seq": seq,
                                        "head_dim": 32, "family": family, **more}  # fmt: skip
    return inputs.parts(inputs.make(parameters, CPU, seed))


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("queries", [150, 40, 170])
def test_the_walk_over_tiles_gives_the_formula(name: str, causal: bool, queries: int) -> None:
    chosen = CONFIGURATIONS[name]
    parts = drawn(queries=queries, family="kbias" if chosen.smooth_keys else "normal")
    found = emulation.attention(*parts, options=chosen, causal=causal)
    wrong = measure(found, reference.attention(*parts, options=chosen, causal=causal))
    assert wrong.l1 < FIDELITY
    # E5M2 is for the tables only: its values are a quarter apart.
    coarse = Format.E5M2 in (chosen.weights, chosen.values)
    bar = 2 * FIDELITY_ELEMENT_FP8 if coarse else Configuration(chosen, 1.0).fidelity_element
    assert wrong.worst_element < bar


@pytest.mark.parametrize("causal", [False, True])
def test_without_rounding_it_is_exact_attention(causal: bool) -> None:
    parts = drawn(family="kbias")
    found = emulation.attention(*parts, options=NOT_ROUNDED, causal=causal)
    assert measure(found, oracle.attention(*parts, causal=causal)).l2 < 1e-6


def test_chosen_rows_are_those_of_the_whole() -> None:
    parts, rows = drawn(), torch.tensor([0, 64, 149])
    whole = emulation.attention(*parts, options=options.SAGE_FP8, causal=True)
    some = emulation.attention(*parts, options=options.SAGE_FP8, causal=True, rows=rows)
    torch.testing.assert_close(some, whole[:, :, rows], rtol=1e-5, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(list(CONFIGURATIONS)))
def test_what_the_answer_doesnt_depend_on(seed: int, name: str) -> None:
    chosen = replace(CONFIGURATIONS[name], tile=256, key_block=256)
    q, k, v = drawn(seed, seq=60)
    right = emulation.attention(q, k, v, options=chosen)

    def same(found: torch.Tensor, bar: float = 2e-3) -> None:
        assert measure(found, right).l2 < bar

    # Within one tile and one block, keys have no order.
    order = torch.randperm(60, generator=torch.Generator().manual_seed(seed))
    same(emulation.attention(q, k[:, :, order], v[:, :, order], options=chosen))
    # Scales take up any factor; powers of two leave every bit.
    if chosen.scores is Format.INT8:
        moved = emulation.attention(q.float() * 4, k.float() / 4, v, options=chosen)
        assert bool((moved == right).all())
    # Heads and batch entries don't see each other.
    q2, k2, v2 = (torch.cat([torch.randn_like(x), x]) for x in (q, k, v))
    same(emulation.attention(q2, k2, v2, options=chosen)[1:], 1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.floats(1.0, 30.0))
def test_smoothing_takes_any_constant_off_the_keys(seed: int, size: float) -> None:
    q, k, v = (x.float() for x in drawn(seed, seq=60))
    constant = size * torch.randn((1, 2, 1, 32), generator=torch.Generator().manual_seed(seed))
    right = emulation.attention(q, k, v, options=options.SAGE_TOKEN)
    moved = emulation.attention(q, k + constant, v, options=options.SAGE_TOKEN)
    assert measure(moved, right).l2 < 5e-3
    rough = replace(options.SAGE_TOKEN, smooth_keys=False)
    exact = oracle.attention(q, k + constant, v)
    errors = [
        measure(emulation.attention(q, k + constant, v, options=o), exact).l2
        for o in (options.SAGE_TOKEN, rough)
    ]
    assert errors[0] < errors[1] or size < 2


def test_error_by_format_is_in_the_order_of_its_bits() -> None:
    parts = drawn(seq=500)
    exact = oracle.attention(*parts)
    found = [
        measure(emulation.attention(*parts, options=CONFIGURATIONS[name]), exact).l2
        for name in (
            "sage token",
            "sage block",
            "int_flash full",
            "sage fp8",
            "e5m2 without scales",
        )
    ]
    assert found == sorted(found)
    assert found[0] < 0.01
    assert found[-1] > 0.09


def test_sums_in_half_precision_round_a_little() -> None:
    parts = drawn(seq=500)
    exact = oracle.attention(*parts)
    fine, coarse = (
        measure(
            emulation.attention(*parts, options=replace(options.SAGE_TOKEN, half_sums=h)), exact
        )
        for h in (False, True)
    )
    assert fine.l2 != coarse.l2
    assert coarse.l2 == pytest.approx(fine.l2, rel=0.05)


@pytest.mark.parametrize("kind", [Format.INT8, Format.INT4, Format.E4M3, Format.E5M2])
@pytest.mark.parametrize("scale", [Scale.TOKEN, Scale.BLOCK, Scale.HEAD, Scale.CHANNEL])
def test_scales_bring_the_largest_to_the_end_of_the_format(kind: Format, scale: Scale) -> None:
    x = drawn(seq=70)[1].float()
    rounded, unit = emulation.in_steps(x, kind, scale, 32)
    largest = options.LARGEST[kind]
    assert float(rounded.abs().max()) == largest
    groups = {
        Scale.TOKEN: rounded.abs().amax(dim=3),
        Scale.HEAD: rounded.abs().amax(dim=(2, 3)),
        Scale.CHANNEL: rounded.abs().amax(dim=2),
        Scale.BLOCK: torch.stack(
            [p.abs().amax(dim=(2, 3)) for p in torch.split(rounded, [32, 32, 6], 2)]
        ),
    }
    assert bool((groups[scale] == largest).all())
    # Whole numbers are off by half a step at most, all over the range.
    if kind in (Format.INT8, Format.INT4):
        assert float((rounded * unit - x).abs().div(unit).max()) <= 0.5001


def test_halves_are_rounded_to_even_and_what_is_too_large_saturates() -> None:
    x = torch.tensor([-1.5, -0.5, 0.5, 1.5, 2.5, 200.0, -200.0])
    found = emulation.round_to(x, Format.INT8)
    assert found.tolist() == [-2.0, 0.0, 0.0, 2.0, 2.0, 127.0, -127.0]
    assert emulation.round_to(torch.tensor([1000.0, 17.0]), Format.E4M3).tolist() == [448.0, 16.0]


@pytest.mark.parametrize("name", CONFIGURATIONS)
class TestHostileValues:
    def test_zeros_give_zeros(self, name: str) -> None:
        zero = torch.zeros((1, 2, 40, 32), dtype=torch.float16)
        found = emulation.attention(zero, zero, zero, options=CONFIGURATIONS[name])
        assert bool((found == 0).all())

    def test_equal_keys_give_the_mean_of_the_values(self, name: str) -> None:
        q, k, v = drawn(seq=64)
        same = k[:, :, :1].expand_as(k)
        found = emulation.attention(q, same, v, options=CONFIGURATIONS[name])
        mean = v.double().mean(dim=2, keepdim=True).repeat_interleave(2, dim=1)
        # Equal weights are exact in every format: what is left is the rounding of V.
        step = 2**-3 if Format.E5M2 in (CONFIGURATIONS[name].values,) else 2**-4
        bar = step * float(v.abs().max()) / math.sqrt(64)
        assert float((found - mean).abs().max()) < bar

    def test_the_smallest_numbers_are_no_trouble(self, name: str) -> None:
        q, k, v = drawn(seq=40)
        q, k = q.sign() * 6e-8, k.sign() * 6e-8
        found = emulation.attention(q, k, v, options=CONFIGURATIONS[name])
        assert measure(found, oracle.attention(q, k, v)).l2 < 0.12

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    def test_what_isnt_finite_in_a_query_stays_in_what_shares_its_scale(
        self, name: str, value: float
    ) -> None:
        chosen = CONFIGURATIONS[name]
        q, k, v = drawn(seq=150)
        clean = emulation.attention(q, k, v, options=chosen)
        q = q.clone()
        q[0, 1, 140, 3] = value
        found = emulation.attention(q, k, v, options=chosen)
        others = torch.ones_like(found, dtype=torch.bool)
        # Blocks of 128 queries share a scale; a mean shares the whole head.
        start = 0 if chosen.smooth_queries else 128 if chosen.query_scale is Scale.BLOCK else 140
        others[0, 1, start : 141 if chosen.query_scale is Scale.TOKEN else 150] = False
        torch.testing.assert_close(found[others], clean[others], rtol=1e-5, atol=1e-6)
        if chosen.scores is Format.INT8:
            assert not bool(found[0, 1, 140].isfinite().any())

    @pytest.mark.parametrize("which", ["key", "value"])
    def test_what_isnt_finite_in_keys_or_values_stays_in_its_heads(
        self, name: str, which: str
    ) -> None:
        chosen = CONFIGURATIONS[name]
        q, k, v = (x.clone() for x in drawn(seq=150))
        clean = emulation.attention(q, k, v, options=chosen)
        (k if which == "key" else v)[0, 1, 100, 3] = math.nan
        found = emulation.attention(q, k, v, options=chosen)
        # Query heads 0 and 1 read kv head 0, which is whole.
        torch.testing.assert_close(found[:, :2], clean[:, :2], rtol=1e-5, atol=1e-6)
        assert not bool(found[0, 2:, :, 3].isfinite().any())


def test_whole_weights_lose_all_keys_but_one_that_stands_out() -> None:
    """What makes full INT8 grow worse with length: 1000 keys with weights of 1/300 each are three
    quarters of the answer, and all of them become zero."""
    q, k = torch.zeros((1, 1, 1, 16)), torch.zeros((1, 1, 1001, 16))
    q[..., 0], k[0, 0, 0, 0] = 4.0, math.log(300.0)
    v = torch.ones((1, 1, 1001, 16))
    v[0, 0, 0] = -1.0
    exact = oracle.attention(q, k, v)
    assert float(exact.mean()) == pytest.approx((1000 / 300 - 1) / (1000 / 300 + 1), rel=1e-6)
    whole = emulation.attention(q, k, v, options=replace(WHOLE_NUMBERS, tile=2048))
    assert float(whole.mean()) == pytest.approx(-1.0, abs=1e-6)
    half = emulation.attention(q, k, v, options=options.INT_FLASH_HALF)
    assert float(half.mean()) == pytest.approx(float(exact.mean()), abs=0.02)


def test_rounded_weights_that_are_counted_sum_to_one() -> None:
    q, k, v = drawn(seq=300)
    ones = torch.ones_like(v)
    right, biased = (
        emulation.attention(q, k, ones, options=replace(WHOLE_NUMBERS, denominator=d))
        for d in (Denominator.ROUNDED, Denominator.EXACT)
    )
    assert float((right - 1).abs().max()) < 1e-6
    assert float((biased - 1).abs().max()) > 1e-3
