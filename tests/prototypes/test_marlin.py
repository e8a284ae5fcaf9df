"""MARLIN: the exact layer and GPTQ against slow loops, kernels interpreted and compiled."""

import platform

import pytest
import torch

from prototypes.harness import check
from prototypes.harness.figures import collect
from prototypes.marlin import figures, gptq, inputs, kernels, oracle
from prototypes.marlin.declaration import DECLARATION
from prototypes.marlin.inputs import Shape
from prototypes.weights import gluon_launch
from prototypes.weights.layers import LLAMA_8B, QWEN_7B
from prototypes.weights.quantize import Quantized, dequantize, quantize
from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

CPU = torch.device("cpu")


def drawn(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def test_the_oracle_is_a_sum_of_products_by_hand() -> None:
    weights = quantize(drawn(5, 128), 64)
    x = drawn(2, 128, seed=1)
    found = oracle.product(x, weights)
    for row in range(2):
        for output in range(5):
            total = 0.0
            for i in range(128):
                step = int(weights.codes[output, i]) - 8
                total += float(x[row, i]) * step * float(weights.scales[output, i // 64])
            assert float(found[row, output]) == pytest.approx(total, rel=1e-9, abs=1e-9)
    wide = dequantize(weights, torch.float32)
    assert torch.allclose(oracle.unrounded(x, wide), found, rtol=1e-6)


@pytest.mark.parametrize("name", ["torch_int4", "linear_bf16", "linear_fp16", "int8pack"])
def test_what_runs_on_a_cpu_is_near_the_exact_layer(name: str) -> None:
    shape = Shape(3, 256, 64)
    given = inputs.made(shape, CPU, 1)
    outputs = {"out": torch.full((3, 64), float("nan"), dtype=torch.bfloat16)}
    kernels.build(name, shape, CPU)(given, outputs)
    exact = oracle.product(given["x16"], inputs.held(given, 64))
    assert float((outputs["out"].double() - exact).norm() / exact.norm()) < 0.02


def test_the_ideal_is_the_papers() -> None:
    assert Shape(1, 18432, 73728).ideal == pytest.approx(3.87, abs=0.02)
    assert Shape(128, 18432, 73728).ideal < Shape(1, 18432, 73728).ideal


def test_gptq_is_rounding_to_the_nearest_where_inputs_have_nothing_in_common() -> None:
    weights = drawn(6, 128)
    found = gptq.gptq(weights, torch.eye(128) * 3, 64)
    assert torch.equal(found.codes, gptq.nearest(weights, 64).codes)


def slow_gptq(weights: torch.Tensor, seen: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """One input after another, the Hessian of what is left inverted anew each time."""
    left, inputs_ = weights.double().clone(), weights.shape[1]
    hessian = (seen.t() @ seen).double()
    hessian += gptq.DAMPING * hessian.diagonal().mean() * torch.eye(inputs_)
    for i in range(inputs_):
        inverse = torch.linalg.inv(hessian[i:, i:])
        steps = (left[:, i] / scales[:, 0].double()).round().clamp(-8, 7)
        miss = (left[:, i] - steps * scales[:, 0].double()) / inverse[0, 0]
        left[:, i] = steps * scales[:, 0].double()
        left[:, i + 1 :] -= miss[:, None] * inverse[0, 1:]
    return left


def test_gptq_is_the_slow_one() -> None:
    weights = drawn(4, 32)
    seen = drawn(200, 32, seed=1) @ drawn(32, 32, seed=2)
    found = gptq.gptq(weights, seen, 32)
    right = slow_gptq(weights, seen, found.scales)
    assert torch.allclose(dequantize(found, torch.float64), right, atol=1e-3)


def test_gptq_pays_on_correlated_inputs_and_clipping_on_all() -> None:
    found = collect(figures.rounding(2, quick=True))
    by = {f.name: f.value for f in found}
    group = "correlated inputs, a scale for 128"
    assert by[f"{group}: error, GPTQ"] < 0.6 * by[f"{group}: error, to the nearest"]
    for kind in ("alike", "correlated"):
        name = f"{kind} inputs, a scale for 128"
        clipped = by[f"{name}, clipped: error, to the nearest"]
        assert clipped < by[f"{name}: error, to the nearest"]


def test_a_group_of_zeros_stays_zero() -> None:
    found = gptq.gptq(torch.zeros(3, 128), drawn(64, 128), clip=True)
    assert not dequantize(found).any()


def test_splits_divide_the_inputs_of_every_layer() -> None:
    for layer in (*figures.LAYERS.values(), LLAMA_8B["down"], QWEN_7B["down"]):
        groups = layer.inputs // 128
        for rows in (1, 8, 9, 16, 17, 32):
            split = gluon_launch.split_for(rows, groups)
            assert rows <= split.tokens
            assert groups % split.ways == 0
            assert split.strip % 64 == 0
        for rows in (33, 100, 5000):
            tile = gluon_launch.tile_for(rows, layer.inputs // 64)
            assert layer.inputs // 64 % tile.ahead == 0
    assert gluon_launch.tile_for(33, 8).tokens == 64
    assert gluon_launch.tile_for(5000, 8).tokens == 256


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.xdist_group("interpreter")
def test_the_portable_kernel_on_shapes_that_fill_no_tile_and_on_hostile_layers(
    fresh: Fresh,
) -> None:
    found = fresh.told("tests.prototypes.interpreted_weights", TRITON_INTERPRET="1")
    assert len(found) >= 11
    assert max(found.values()) < 1e-3, found


@pytest.mark.skipif(
    why_not() is not None or platform.system() != "Linux",
    reason="Triton, which brings the assembler, isn't installed",
)
@pytest.mark.xdist_group("interpreter")
def test_hoppers_kernels_compile_to_what_they_are_there_for(fresh: Fresh) -> None:
    """Weights go to the matrix unit from registers, and no register is kept in memory."""
    made = fresh.told("tests.prototypes.compiled_weights")
    for kernel in made.values():
        assert kernel["shared"] <= 227 * 1024
        assert kernel["stack"] == 0
    assert made["to 8 rows"]["products"] == ["mma.sync.aligned.m16n8k16"]
    for name in ("many rows", "many rows, cut up"):
        assert made[name]["left operand in registers"]


def test_nothing_is_missing() -> None:
    found = check.findings("marlin")
    assert not [f.text for f in found if not f.holds]
    assert DECLARATION.title


def test_codes_that_are_no_quantized_weights_pass_through_unchanged() -> None:
    codes = torch.arange(16, dtype=torch.uint8).repeat(4, 8)
    made = Quantized(codes, torch.ones(4, 1).half())
    assert dequantize(made)[0, :16].tolist() == list(range(-8, 8))
