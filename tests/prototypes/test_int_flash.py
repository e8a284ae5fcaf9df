"""INT-FlashAttention as the harness sees it: gates that see faults, and the paper's tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from prototypes.attention import inputs
from prototypes.attention.eight_bit import emulation
from prototypes.attention.eight_bit.checks import (
    EDGES,
    FIDELITY,
    edges_for,
    scores,
    shape_of,
)
from prototypes.attention.eight_bit.declared import case
from prototypes.attention.eight_bit.options import INT_FLASH_FULL
from prototypes.attention.errors import measure
from prototypes.harness.declarations import Case, Device
from prototypes.harness.figures import Figure, collect
from prototypes.harness.trying import failures
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors
from prototypes.int_flash import on_cpu
from prototypes.int_flash.declaration import CURVE, DECLARATION
from prototypes.int_flash.workload import NORMAL, UNIFORM, WORKLOAD, IntFlash

CPU = torch.device("cpu")
SMALL = case(2, 2, 300, 64, causal=True, devices=(Device.CPU,))


def test_the_declaration_needs_no_torch() -> None:
    code = (
        "import sys, prototypes.int_flash.declaration, prototypes.sage.declaration;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("shape", [SMALL, *EDGES], ids=lambda c: c.id)
def test_the_emulation_passes_both_gates(shape: Case) -> None:
    assert failures(WORKLOAD, shape, "torch_emulation") == []


class Spoiled(IntFlash):
    """Changes what the code under test gives."""

    def __init__(self, spoil: Callable[[Tensors, torch.Tensor], torch.Tensor]) -> None:
        super().__init__(WORKLOAD.configurations)
        self._spoil = spoil

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return the sound code with something done to its output."""
        sound = super().build(name, case, device)

        def run(inputs: Tensors, outputs: Tensors) -> None:
            sound(inputs, outputs)
            outputs["out"].copy_(self._spoil(inputs, outputs["out"].clone()))

        return run


def _first_head_of_another(_: Tensors, out: torch.Tensor) -> torch.Tensor:
    out[:, 0] = out[:, 1]
    return out


def _last_row_missing(_: Tensors, out: torch.Tensor) -> torch.Tensor:
    out[:, :, -1] = 0
    return out


def _values_of_other_keys(inputs: Tensors, out: torch.Tensor) -> torch.Tensor:
    shifted = {**inputs, "value": inputs["value"].roll(1, dims=2)}
    WORKLOAD.build("torch_emulation", SMALL, CPU)(shifted, {"out": out})
    return out


def _without_its_mask(inputs: Tensors, out: torch.Tensor) -> torch.Tensor:
    unmasked = case(2, 2, 300, 64, devices=(Device.CPU,))
    WORKLOAD.build("torch_emulation", unmasked, CPU)(inputs, {"out": out})
    return out


def _a_little_larger(_: Tensors, out: torch.Tensor) -> torch.Tensor:
    return out * 1.01


@pytest.mark.parametrize(
    "spoil",
    [
        _first_head_of_another,
        _last_row_missing,
        _values_of_other_keys,
        _without_its_mask,
        _a_little_larger,
    ],
)
def test_the_gates_see_what_is_wrong(
    spoil: Callable[[Tensors, torch.Tensor], torch.Tensor],
) -> None:
    failed = failures(Spoiled(spoil), SMALL, "torch_emulation")
    assert any("against the emulation" in f for f in failed)


def test_a_gpu_is_needed_and_said_to_be() -> None:
    for name in ("triton_int8", "triton_half", "triton_fp16", "sdpa_cudnn", "sdpa_flash"):
        with pytest.raises(NotRunnableError):
            WORKLOAD.build(name, SMALL, CPU)


def figures_of(seq: int, quick: bool = False) -> dict[str, Figure]:
    shape = case(1, 2, seq, 64, queries=64, devices=(Device.CPU,))
    made = collect(WORKLOAD.figures("torch_emulation", shape, CPU, 7, quick))
    return {f.name: f for f in made}


def test_the_papers_tables_are_figures() -> None:
    found = figures_of(1024)
    for family, printed in (("normal", NORMAL), ("uniform", UNIFORM)):
        for label, paper in zip(
            ("FP8 (E5M2, no scales)", "half INT8", "full INT8"), printed[1024], strict=True
        ):
            assert found[f"{family}, {label}: mean relative error"].paper == paper
            # What the paper calls a mean relative error agrees with the relative L1 error.
            l1 = found[f"{family}, {label}: relative L1 error"]
            assert l1.paper == paper
            assert paper / 2 < l1.value < 2 * paper
    last = "mean relative error over the last four elements"
    assert found[f"{last}: largest"].value > 10 * found[f"{last}: smallest"].value


def test_the_error_grows_with_length_and_quick_runs_have_fewer_figures() -> None:
    short, long = (
        figures_of(n, quick=True)["normal, full INT8: relative L1 error"].value
        for n in (1024, 8192)
    )
    assert long > 1.3 * short
    assert len(figures_of(1024, quick=True)) < len(figures_of(1024))


def test_attention_out_of_integer_products_is_the_same_attention() -> None:
    drawn = inputs.make({"batch": 1, "heads": 1, "seq": 256, "head_dim": 64}, CPU, 4)
    query, key, value = (x[0, 0].float() for x in inputs.parts(drawn))
    found = on_cpu.integer_attention(query, key, value)
    right = emulation.attention(*inputs.parts(drawn), options=replace(INT_FLASH_FULL, tile=256))
    assert measure(found[None, None], right).l1 < FIDELITY
    (figure,) = on_cpu.figures(256, 64, 1)
    assert figure.value > 0


@pytest.mark.parametrize("causal", [False, True])
def test_odd_shapes_on_a_gpu_are_for_the_binary_of_the_case(causal: bool) -> None:
    """Head dimension and mask are compiled in; so is another kernel for rows that see no key."""
    shape = case(1, 2, 4096, 128, causal=causal)
    edges = edges_for(shape, torch.device("cuda"), quick=False)
    assert {(e.parameters["head_dim"], e.parameters["causal"]) for e in edges} == {(128, causal)}
    assert len(edges) == len(EDGES) - causal
    assert not causal or all(shape_of(e).queries <= shape_of(e).seq for e in edges)
    assert edges_for(shape, CPU, quick=False) == EDGES
    assert len(edges_for(shape, CPU, quick=True)) == 2


def test_what_a_case_has_to_do() -> None:
    target = DECLARATION.case("b1-h32-kv8-s8192-d128-causal")
    assert shape_of(target).kv_heads == 8
    assert scores(target) == 32 * 8192 * 8193 // 2
    work = WORKLOAD.work(target)
    assert work.bytes == 2 * 128 * 8192 * (32 + 8 + 8 + 32)
    assert work.flops == 4 * 128 * scores(target)
    assert DECLARATION.has(CURVE)
    fewer = case(1, 1, 40, 64, queries=100, causal=True)
    assert scores(fewer) == 40 * 41 // 2
