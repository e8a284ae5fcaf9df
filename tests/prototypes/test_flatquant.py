"""FlatQuant: its formulas against slow ones, what learning brings, and the code for CPUs."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.flatquant import (
    calibration,
    checks,
    edges,
    inputs,
    ladder,
    prepared,
    reference,
    torch_cpu,
)
from prototypes.flatquant.calibration import Bits
from prototypes.flatquant.declaration import DECLARATION
from prototypes.flatquant.layout import Factors, pack4, stored_order, unpack4
from prototypes.flatquant.prepared import Layer
from prototypes.flatquant.workload import WORKLOAD

CPU = torch.device("cpu")
FACTORS = [Factors(1, 7), Factors(4, 6), Factors(7, 9), Factors(8, 64), Factors(2, 128)]


def drawn(seed: int, *shape: int, kind: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=kind)


def small_layer(factors: Factors, seed: int = 3, clip: float = 0.9) -> Layer:
    left, right = drawn(seed, factors.n1, factors.n1), drawn(seed + 1, factors.n2, factors.n2)
    family = inputs.family(factors.width, CPU, seed)
    channels = torch.ones(factors.width)
    return Layer(factors, family, channels, left.float(), right.float(), clip, 1.0)


@pytest.mark.parametrize("factors", FACTORS)
def test_the_transform_is_a_product_with_the_whole_kronecker_matrix(factors: Factors) -> None:
    left, right = drawn(1, factors.n1, factors.n1), drawn(2, factors.n2, factors.n2)
    x = drawn(3, 5, factors.width)
    slow = x @ torch.kron(left, right)
    assert torch.allclose(reference.transform(x, left, right), slow, atol=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(FACTORS), st.integers(0, 1000), st.floats(0.1, 10))
def test_transformed_weights_undo_what_was_done_to_the_tokens(
    factors: Factors, seed: int, size: float
) -> None:
    # Well conditioned, as learned ones are: rotations, stretched by a few times.
    left, right = (
        torch.linalg.qr(drawn(seed + i, n, n))[0] * (1 + torch.arange(n) / n) * size
        for i, n in enumerate((factors.n1, factors.n2))
    )
    x, w = drawn(seed + 2, 3, factors.width), drawn(seed + 3, 4, factors.width)
    turned = reference.transform(x, left, right) @ (reference.transform_weights(w, left, right).T)
    assert torch.allclose(turned, x @ w.T, rtol=1e-9, atol=1e-9)


def test_rounding_is_what_a_loop_over_numbers_does() -> None:
    rows = [[0.5, -1.0, 0.126, 2.54], [0.0, 0.0, 0.0, 0.0], [1.0, math.nan, 2.0, 3.0]]
    got = reference.quantize(torch.tensor(rows), 7.0, 0.8)
    for row, values, scale in zip(rows, got.values.tolist(), got.scales.tolist(), strict=True):
        if any(math.isnan(x) for x in row):
            assert math.isnan(scale)
            continue
        largest = max(abs(x) for x in row) * 0.8
        assert scale == pytest.approx(largest / 7)
        wanted = [max(-8, min(7, round(x * 7 / largest))) if largest else 0 for x in row]
        assert values == wanted


def test_e4m3_is_torchs_own_rounding_and_never_more_than_its_largest() -> None:
    got = reference.quantize(torch.tensor([[1.0, -3.0, 0.2]]), reference.E4M3)
    stretched = torch.tensor([[1.0, -3.0, 0.2]]) * (448 / 3)
    assert got.values.dtype is torch.float8_e4m3fn
    assert torch.equal(got.values.float(), stretched.to(torch.float8_e4m3fn).float())


def test_products_of_integers_are_exact_where_float32_sums_are_not() -> None:
    tokens = torch.full((1, 4097), 127, dtype=torch.int8)
    tokens[0, -1] = 1
    one = torch.ones(1)
    got = reference.product(reference.Quantized(tokens, one), reference.Quantized(tokens, one))
    assert got.item() == torch.tensor(127.0**2 * 4096 + 1).item()


@pytest.mark.parametrize(("width", "n1", "n2"), [(4096, 64, 64), (14336, 112, 128), (13, 1, 13)])
def test_factors_are_the_most_balanced_ones(width: int, n1: int, n2: int) -> None:
    assert Factors.of(width) == Factors(n1, n2)


@pytest.mark.parametrize("factors", FACTORS)
def test_the_stored_order_moves_channels_within_64_neighbours(factors: Factors) -> None:
    order = stored_order(factors)
    plain = torch.arange(factors.width)
    assert torch.equal(order.sort().values, plain)
    assert torch.equal(order // 64, plain // 64)
    if factors.n2 % 64 == 0:
        # A thread's sixteen: two neighbours of every eight.
        assert order[:16].tolist() == [8 * j + e for j in range(8) for e in range(2)]
        assert order[16].item() == 2


def test_four_bits_are_packed_by_halves_of_a_block_and_come_back() -> None:
    rows = torch.randint(-8, 8, (3, 256), dtype=torch.int8, generator=torch.Generator())
    words = pack4(rows)
    assert words.shape == (3, 32)
    assert torch.equal(unpack4(words), rows)
    first = int(words.view(torch.int8)[0, 5]) & 0xFF
    assert first == (int(rows[0, 5]) & 15) + 16 * (int(rows[0, 69]) & 15)


def test_learning_flattens_and_each_rung_loses_less_than_the_one_before() -> None:
    size = ladder.Size(width=64, outputs=48, tokens=256, steps=60)
    rungs = list(ladder.climb(size, CPU, 11))
    error = {(r.bits.weights, r.bits.tokens, r.step): r.error for r in rungs}
    assert len(rungs) == 12
    w4a4 = [error[4, 4, step] for step in ladder.STEPS]
    assert w4a4[3] < 0.8 * w4a4[2] < 0.8 * w4a4[0]
    assert w4a4[1] < w4a4[0]
    for step in ladder.STEPS:
        assert error[8, 8, step] < error[4, 8, step] < error[4, 4, step]
    flat = {r.step: r.largest for r in rungs if r.bits == Bits(4, 4)}
    assert flat["learned"] < flat["round to nearest"]


def test_learning_is_a_matter_of_its_seed_and_lowers_the_loss() -> None:
    family = inputs.family(24, CPU, 1)
    x, w = family.tokens(128, 2), inputs.weights(16, 24, CPU, 3)
    first, again = (calibration.learn(x, w, Factors(4, 6), Bits(4, 4), 40, 5) for _ in range(2))
    assert torch.equal(first.left, again.left)
    assert first.losses == again.losses
    assert min(first.losses[-5:]) < 0.7 * first.losses[0]
    assert 0 < first.token_clip < 1
    assert first.weight_clip.shape == (16,)
    # Far from singular: its inverse is what the weights are multiplied by.
    assert float(torch.linalg.cond(first.left)) < 1e3


def test_gradients_pass_the_rounding_straight_through() -> None:
    rows = torch.tensor([[0.3, -1.0, 0.77]], requires_grad=True)
    rounded = calibration.rounded(rows, 7.0)
    assert torch.allclose(rounded, (rows.detach() * 7).round() / 7)
    (gradient,) = torch.autograd.grad(rounded[0, 0], rows)
    assert gradient[0, 0] == 1.0


@pytest.mark.parametrize("factors", [Factors(7, 9), Factors(4, 64)])
def test_the_cpus_codes_and_scales_are_the_emulations(factors: Factors) -> None:
    layer = small_layer(factors)
    usual = ("several pieces", layer.tokens(2 * torch_cpu.PIECE + 3, 5))
    for told, x in itertools.chain([usual], edges.hostile(layer, CPU, 9)):
        codes = torch.full(x.shape, 7, dtype=torch.uint8)
        scales = torch.full((len(x), 1), -1.0)
        torch_cpu.transform_into(x, layer, codes, scales)
        right = checks.emulated(x, layer)
        finite = torch.isfinite(right.scales)
        assert torch.equal(torch.isfinite(scales[:, 0]), finite), told
        apart = (codes.float() - 128 - right.values.float())[finite].abs()
        assert apart.max() <= 1, told
        assert (apart > 0).float().mean() < 0.002, told
        assert torch.allclose(scales[finite, 0], right.scales[finite], rtol=1e-5), told


def test_a_linear_layer_through_eight_bits_is_nearly_the_exact_one() -> None:
    layer = small_layer(Factors(2, 64), clip=1.0)
    full = inputs.weights(32, 128, CPU, 4).bfloat16()
    turned = reference.transform_weights(full, layer.left, layer.right).float()
    flat = reference.quantize(turned, 127.0)
    stored = reference.Quantized(flat.values[:, stored_order(layer.factors)], flat.scales)
    x = layer.tokens(5, 6)
    out = torch.empty(5, 32, dtype=torch.bfloat16)
    torch_cpu.FlatLinear(layer, stored)(x, out)
    emulated = reference.product(checks.emulated(x, layer), flat)
    assert float((out - emulated).norm() / emulated.norm()) < 4e-3


def test_hostile_tokens_leave_their_neighbours_alone() -> None:
    layer = small_layer(Factors(2, 64))
    x = dict(edges.hostile(layer, CPU, 9))["not finite"]
    scales = checks.emulated(x, layer).scales
    assert torch.isnan(scales).tolist() == [False, True, False, True, True, False]


def test_the_gates_notice_a_wrong_integer_and_an_order_of_ones_own() -> None:
    factors = Factors(2, 64)
    layer = small_layer(factors, clip=1.0)
    x = layer.tokens(6, 8)
    right = checks.emulated(x, layer)
    order = torch.arange(factors.width)

    def outputs(values: torch.Tensor) -> dict[str, torch.Tensor]:
        codes = (values.float() + 128).to(torch.uint8).contiguous()
        return {"values": codes.view(torch.int64), "scales": right.scales}

    def held(values: torch.Tensor) -> bool:
        return all(c.passed for c in checks.integers("x", right, outputs(values), order))

    assert held(right.values)
    wrong = right.values.clone()
    wrong[3, 5] = -wrong[3, 5] if abs(int(wrong[3, 5])) > 1 else 99
    assert not held(wrong)
    assert not held(right.values[:, stored_order(factors)])
    coarse = {**outputs(right.values), "scales": right.scales.bfloat16().float()}
    assert not all(c.passed for c in checks.integers("x", right, coarse, order))


def test_work_counts_weights_of_eight_bits_once() -> None:
    work = WORKLOAD.work(DECLARATION.case("t8192-k4096-n28672"))
    assert work.flops == 2 * 8192 * 4096 * 28672
    assert work.bytes == 2 * 8192 * (4096 + 28672) + 4096 * 28672
    only = WORKLOAD.work(DECLARATION.case("transform-t2048-n14336"))
    assert only.bytes == 3 * 2048 * 14336 + 4 * 2048
    assert only.flops == 2 * 2048 * 14336 * (112 + 128)


def test_a_prepared_layer_computes_the_same_product_in_every_form() -> None:
    layer = prepared.layer(256, "cpu")
    made = prepared.weights(256, 64, "cpu")
    x = layer.tokens(40, 12)
    exact = reference.linear(x, made.full)
    turned = checks.emulated(x, layer)
    order = stored_order(layer.factors)
    stored = reference.Quantized(turned.values[:, order], turned.scales)
    forms = {
        "flat": reference.product(stored, made.flat),
        "plain": reference.product(reference.quantize(x, 127.0), made.plain),
    }
    error = {name: float((y - exact).norm() / exact.norm()) for name, y in forms.items()}
    assert error["flat"] < 0.02
    assert error["flat"] < error["plain"] < 0.05
