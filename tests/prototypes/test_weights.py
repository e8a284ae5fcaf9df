"""4-bit weights: rounding, the packed order against a loop by the definition, torch's products."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.weights import baselines, cold, packing, quantize
from prototypes.weights.layers import LLAMA_8B, Layer


def drawn(outputs: int, inputs: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(outputs, inputs, generator=torch.Generator().manual_seed(seed))


def test_the_packed_order_is_that_of_the_definition() -> None:
    codes = quantize.quantize(drawn(128, 192), 64).codes
    packed = packing.pack(codes)
    for rows, columns, warp, lane, step in [(0, 0, 0, 0, 0), (1, 2, 3, 17, 2), (1, 1, 2, 31, 3)]:
        word = int(packed[rows, columns, warp, lane, step]) & 0xFFFFFFFF
        g, t = divmod(lane, 4)
        for j in range(4):
            for e in range(2):
                row = 64 * rows + 16 * warp + g + 8 * (j % 2)
                column = 64 * columns + 16 * step + 2 * t + e + 8 * (j // 2)
                assert word >> (4 * j + 16 * e) & 15 == int(codes[row, column])


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 200), st.integers(1, 3), st.sampled_from([32, 64, 128]))
def test_packing_loses_nothing(outputs: int, tiles: int, group: int) -> None:
    made = quantize.quantize(drawn(outputs, 128 * tiles, outputs), group)
    packed, scales = packing.pack(made.codes), packing.pack_scales(made.scales)
    back = packing.unpacked(packed, scales, outputs)
    assert torch.equal(back.codes, made.codes)
    assert torch.equal(back.scales, made.scales)
    assert packed.numel() == packing.padded(outputs) // 64 * 2 * tiles * packing.WORDS


def test_rows_that_pad_weigh_nothing() -> None:
    made = quantize.quantize(drawn(65, 128))
    whole = packing.unpacked(packing.pack(made.codes), packing.pack_scales(made.scales), 128)
    assert not quantize.dequantize(whole)[65:].any()


def test_rounding_is_to_the_nearest_within_half_a_step() -> None:
    weights = drawn(16, 256)
    made = quantize.quantize(weights)
    off = (quantize.dequantize(made, torch.float32) - weights).abs().view(16, 2, 128)
    # The scale itself is rounded to 16 bits, which moves the largest weight by a little more.
    assert bool((off <= 0.5 * made.scales.float()[..., None] * 1.01).all())


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e-6, 1.0, 60000.0, 3e38])
def test_extreme_groups_stay_finite(value: float) -> None:
    made = quantize.quantize(torch.full((4, 128), value))
    back = quantize.dequantize(made, torch.float32)
    assert bool(back.isfinite().all())
    assert int(made.codes.max()) <= 15
    if 1e-4 < value < 1e5:
        assert torch.allclose(back, torch.tensor(value), rtol=1e-3)


def test_inputs_that_are_no_whole_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="groups of 128"):
        quantize.quantize(drawn(4, 100))
    with pytest.raises(ValueError, match="whole tiles of 64"):
        packing.pack(torch.zeros((4, 100), dtype=torch.uint8))


def test_torchs_own_product_reads_the_same_weights() -> None:
    made = quantize.quantize(drawn(64, 256))
    x = drawn(3, 256, 1).bfloat16()
    codes, scales = baselines.for_tinygemm(made)
    out = baselines.tinygemm(x, codes, scales, 128).float()
    exact = x.float() @ quantize.dequantize(made, torch.float32).t()
    assert float((out - exact).norm() / exact.norm()) < 0.01


def test_copies_exceed_the_cache() -> None:
    assert cold.copies(Layer(8192, 28672).bytes(4), 50 << 20) == 3
    assert cold.copies(1 << 40, 50 << 20) == 2
    assert LLAMA_8B["down"].bytes(16) == 2 * 14336 * 4096
    device = torch.device("cpu")
    assert cold.in_turn(lambda i: i, 1 << 40, device) == [0, 1]


def test_eight_bits_on_a_cpu_are_near_and_exact_for_whole_numbers() -> None:
    from prototypes.weights.on_cpu import Int8Linear

    weights, x = drawn(48, 128), drawn(5, 128, 1)
    exact = x @ weights.t()
    assert float((Int8Linear.of(weights)(x) - exact).norm() / exact.norm()) < 0.02
    whole = torch.randint(-127, 128, (48, 128), generator=torch.Generator().manual_seed(2)).float()
    whole[:, 0] = 127
    rows = torch.randint(-127, 128, (3, 128), generator=torch.Generator().manual_seed(3)).float()
    rows[:, 0] = -127
    assert torch.allclose(Int8Linear.of(whole)(rows), rows @ whole.t(), rtol=1e-6)
    assert not Int8Linear.of(torch.zeros(16, 128))(x).any()


def test_rows_say_which_width_is_read() -> None:
    from prototypes.weights.on_cpu import Dispatched

    weights = drawn(64, 128)
    layer = Dispatched.of(weights, wide_from=9)
    assert [layer.width(rows) for rows in (1, 3, 4, 8, 9)] == [4, 4, 8, 8, 16]
    assert Dispatched.of(weights).width(4096) == 8
    for rows, most in ((1, 0.2), (4, 0.03), (9, 0.01)):
        x = drawn(rows, 128, rows).bfloat16()
        exact = x.float() @ weights.t()
        assert float((layer(x).float() - exact).norm() / exact.norm()) < most
