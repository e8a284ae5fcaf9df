"""QSpec's weights and kernels: planes, PTX by hand, rounding of rows, kernels compiled."""

import itertools
import platform
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.qspec import activations, bars, kernels, launch, oracle, planes, prepared, ptx
from prototypes.qspec.prepared import PLANE, W4A4, Shape
from prototypes.weights import packing
from prototypes.weights.quantize import Quantized, dequantize, quantize
from tests.prototypes import ptx_by_hand
from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

CPU = torch.device("cpu")
SUMS = 4


def drawn(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 150), st.integers(1, 3), st.integers(0, 99))
def test_planes_hold_the_codes_and_packing_loses_nothing(
    outputs: int, groups: int, seed: int
) -> None:
    made = quantize(drawn(outputs, 128 * groups, seed=seed))
    parts = planes.split(made)
    assert torch.equal(planes.joined(parts).codes, made.codes)
    for plane, is_lower in ((parts.upper, False), (parts.lower, True)):
        words = planes.pack(plane, is_lower)
        assert torch.equal(planes.unpack(words, outputs, is_lower), plane)
        assert words.numel() * 32 == packing.padded(outputs) * 128 * groups * 2


def test_the_planes_order_is_that_of_the_definition() -> None:
    made = planes.split(quantize(drawn(128, 256)))
    for plane, is_lower in ((made.upper, False), (made.lower, True)):
        words = planes.pack(plane, is_lower)
        for tile, group, warp, lane, pair in [(0, 0, 0, 0, 0), (1, 1, 3, 17, 2), (1, 0, 2, 31, 3)]:
            word = int(words[4 * tile + warp, group, lane, pair])
            g, t = divmod(lane, 4)
            for j in range(4):
                for s in range(2):
                    for e in range(2):
                        row = 64 * tile + 16 * warp + g + 8 * (j % 2)
                        column = 128 * group + 32 * pair + 16 * s + 2 * t + e + 8 * (j // 2)
                        place = 4 * j + 2 * (s ^ int(is_lower)) + 16 * e
                        assert word >> place & 3 == int(plane[row, column])


def test_no_other_scale_of_the_plane_is_nearer_to_the_codes() -> None:
    made = quantize(drawn(8, 256))
    parts = planes.split(made)
    exact = dequantize(made, torch.float32)

    def off(factor: float) -> torch.Tensor:
        other = planes.Planes(parts.upper, parts.lower, parts.scales, parts.upper_scales * factor)
        return (planes.rough(other) - exact).view(8, 2, 128).square().sum(-1)

    assert bool((off(1.0) <= off(1.02)).all())
    assert bool((off(1.0) <= off(0.98)).all())
    assert float(off(1.0).sum().sqrt() / exact.norm()) < 0.45


def test_hostile_groups_stay_finite() -> None:
    for value in (0.0, 1e-30, 6e4, 3e38):
        made = planes.split(quantize(torch.full((4, 128), value)))
        assert bool(planes.rough(made).isfinite().all())
    with pytest.raises(ValueError, match="groups of 128"):
        planes.pack(torch.zeros((4, 64), dtype=torch.uint8), is_lower=False)


def lane_words(codes: Quantized, lane: int) -> tuple[list[int], list[int], list[int]]:
    """A lane's words of the first 16 outputs by 128 inputs: upper, lower, 4 bits."""
    parts = planes.split(codes)
    upper, lower = planes.pack(parts.upper, False), planes.pack(parts.lower, True)
    whole = packing.pack(codes.codes)[0, :, 0, lane].flatten()
    first = (0, 0, lane)
    return upper[first].tolist(), lower[first].tolist(), whole.tolist()


def wanted(values: torch.Tensor, lane: int, step: int) -> list[tuple[float, float]]:
    """The left operand of a product of 16 inputs: what a lane's four registers hold."""
    g, t = divmod(lane, 4)
    found = []
    for j in range(4):
        column = 16 * step + 2 * t + 8 * (j // 2)
        pair = values[g + 8 * (j % 2), column : column + 2].tolist()
        found.append((float(pair[0]), float(pair[1])))
    return found


def products(begin: str, step: str, words: list[int]) -> list[list[tuple[float, float]]]:
    """What each product of 16 inputs multiplies x with, and what began the sums beside it."""
    found = []
    steps = zip(
        ptx_by_hand.operands(begin, SUMS, []), ptx_by_hand.operands(step, SUMS, words), strict=True
    )
    for too_much, with_it in steps:
        pairs = zip(
            map(ptx_by_hand.halves, too_much), map(ptx_by_hand.halves, with_it), strict=True
        )
        found.append([(a + c, b + d) for (a, b), (c, d) in pairs])
    return found


@pytest.mark.parametrize("lane", [0, 13, 31])
def test_ptx_makes_weights_out_of_planes(lane: int) -> None:
    codes = quantize(drawn(64, 128, seed=lane))
    upper, lower, _ = lane_words(codes, lane)
    rough = planes.split(codes).upper.float() - planes.MIDDLE
    assert products(ptx.begin_upper(), ptx.upper_step()[0], upper) == [
        wanted(rough, lane, step) for step in range(8)
    ]
    exact = codes.codes.float() - 8
    assert products(ptx.begin_joined(), ptx.joined_step()[0], upper + lower) == [
        wanted(exact, lane, step) for step in range(8)
    ]


def test_ptx_makes_bytes_out_of_nibbles_in_the_order_of_rounded_rows() -> None:
    lane = 22
    codes = quantize(drawn(64, 128, seed=3))
    _, _, whole = lane_words(codes, lane)
    seen = ptx_by_hand.operands(ptx.bytes_step()[0], SUMS, whole)
    assert len(seen) == 4
    # In the same order as a row of x: position p of the operand meets position p of the row.
    steps = activations.ordered(codes.codes.to(torch.int8) - 8)
    g, t = divmod(lane, 4)
    for pair, words in enumerate(seen):
        for register, word in enumerate(words):
            row, half = g + 8 * (register % 2), register // 2
            begin = 32 * pair + 16 * half + 4 * t
            exact = (16 * steps[row, begin : begin + 4].int()).tolist()
            assert ptx_by_hand.signed_bytes(word) == exact


def test_rows_are_rounded_to_the_nearest_and_zeros_stay() -> None:
    x = torch.cat([drawn(3, 64), torch.zeros(1, 64)])
    codes, scales = activations.round_rows(x)
    assert int(codes.abs().max()) == 7
    assert float(scales[3]) == 0
    off = (codes.float() * scales[:, None] - x).abs()
    assert bool((off <= 0.5 * scales[:, None] * 1.001).all())
    assert torch.allclose(oracle.four_bits(x).float(), activations.rounded(x))
    order = activations.ordered(torch.arange(32, dtype=torch.int8)[None])[0].tolist()
    assert order[:8] == [0, 8, 1, 9, 2, 10, 3, 11]
    assert sorted(order) == list(range(32))


def test_the_paper_s_pair_reads_the_same_integers_and_scales() -> None:
    made = prepared.layer(Shape(W4A4, 2, 256, 64), "cpu")
    first = made.rounded.scales[:, :1]
    assert torch.equal(made.rounded.scales, first.expand_as(made.rounded.scales))
    assert torch.equal(first.bfloat16().half(), first)
    assert torch.equal(made.copies["turned"][0] ^ prepared.SIGN_BITS, made.copies["tiny"][0][0])
    where = {copy[0].data_ptr() for copy in made.copies["tiny"]}
    assert len(where) == 3


def test_a_cycle_on_a_cpu_keeps_what_it_drafted() -> None:
    shape = Shape(W4A4, 2, 256, 64)
    made = prepared.layer(shape, "cpu")
    x = drawn(3, 256).bfloat16()
    cycle: Any = kernels.build("torch_cycle", shape, CPU)
    out = {"out": torch.empty((3, 64), dtype=torch.bfloat16)}
    cycle({"x": x}, out)
    exact = oracle.draft(W4A4, x[:2], made)
    off = (torch.cat(cycle.drafts).double() - exact).norm() / exact.norm()
    assert float(off) < bars.FIDELITY["cpu"]
    eager: Any = kernels.build("eager_w4a16", shape, CPU)
    again = {"out": torch.empty_like(out["out"])}
    eager({"x": x}, again)
    assert torch.allclose(again["out"].float(), out["out"].float(), rtol=0.02, atol=0.02)


def test_the_oracle_of_the_plane_is_a_sum_by_hand() -> None:
    made = quantize(drawn(3, 128))
    x = drawn(1, 128, seed=2)
    layer = prepared.Layer(dequantize(made), made, {})
    found = oracle.draft(PLANE, x, layer)
    parts = planes.split(made)
    for output in range(3):
        total = sum(
            float(x[0, i]) * (int(parts.upper[output, i]) - 1.625) for i in range(128)
        ) * float(parts.upper_scales[output, 0])
        assert float(found[0, output]) == pytest.approx(total, rel=1e-6, abs=1e-6)


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.xdist_group("interpreter")
def test_rows_are_rounded_alike_by_triton(fresh: Fresh) -> None:
    found = fresh.told("tests.prototypes.interpreted_qspec", TRITON_INTERPRET="1")
    assert len(found) == 7
    assert not any(found.values()), found


@pytest.mark.parametrize("outputs", [16, 1000, 4096, 6144, 28672])
@pytest.mark.parametrize("form", [launch.UPPER, launch.JOINED, launch.BYTES])
def test_every_block_of_outputs_is_one_programs(
    form: int, outputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hopper = SimpleNamespace(multi_processor_count=132)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: hopper)
    for rows in (1, 2, 8):
        step = launch.Step(form, rows, 4096, outputs, CPU)
        begins = [p * step.all_blocks // step.programs for p in range(step.programs + 1)]
        shares = [b - a for a, b in itertools.pairwise(begins)]
        assert begins[-1] * 16 >= outputs
        assert 0 < min(shares) <= max(shares) <= step.blocks * step.passes
        assert step.turns * step.cut.warps >= 32
        assert step.bytes_of(step.stages) <= (launch.HALF if rows == 1 else launch.ALL)
    with pytest.raises(ValueError, match="1 to 8"):
        launch.Step(form, 9, 4096, outputs, CPU)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="Triton compiles for CUDA on x86-64")
@pytest.mark.xdist_group("interpreter")
def test_steps_compile_for_hopper_without_spilling(fresh: Fresh) -> None:
    pytest.importorskip("triton")
    made = fresh.told("tests.prototypes.compiled_qspec")
    assert [m["stack"] for m in made.values()] == [0, 0]
    assert "m16n8k32" in made["bytes"]["products"][0]
    assert "m16n8k16" in made["upper"]["products"][0]
