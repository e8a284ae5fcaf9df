"""The Triton kernels of Coupled Quantization: the portable ones under the interpreter, whole
outputs against the emulation; the fast one compiled for Hopper, which needs no GPU.
"""

from typing import Any

import pytest

from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

TASKS: dict[str, dict[str, Any]] = {
    "one token": {"config": "8c8b", "tokens": 1},
    "a tail": {"config": "8c8b", "tokens": 37},
    "pairs of codes": {"config": "4c4b", "tokens": 20},
    "2 bits": {"config": "4c8b", "tokens": 33},
    "4 bits": {"config": "2c8b", "tokens": 18},
    "one query a head": {"config": "4c8b", "tokens": 19, "queries": 1},
    "flat": {"config": "4c8b", "tokens": 16, "factor": 0.0},
    "peaked": {"config": "4c8b", "tokens": 21, "factor": 10.0},
}


@pytest.fixture(scope="module")
def outcomes(fresh: Fresh) -> Any:
    return fresh.told("tests.prototypes.interpreted_coupled_quant", TASKS, TRITON_INTERPRET="1")


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.xdist_group("interpreter")
@pytest.mark.parametrize("task", TASKS)
def test_the_portable_step_is_that_of_the_emulation(outcomes: Any, task: str) -> None:
    found = outcomes[task]
    assert found["error"] < 2e-3
    assert found["worst"] < 2e-2
    assert found["wrong codes"] == 0
    assert found["codes touched"] == 0


@pytest.mark.xdist_group("interpreter")
def test_the_fast_kernel_compiles_for_hopper_and_fits(fresh: Fresh) -> None:
    pytest.importorskip("triton")
    rows, warps = 4, 8
    asked = {"rows": rows, "warps": warps}
    found = fresh.told("tests.prototypes.compiled_coupled_quant", asked)
    # Its PTX counts on these tables lying one behind the other, and nothing else of Triton's.
    assert found["shared"] == 128 * 1024 + 32 * 1024 + 2048 * warps
    assert found["shared"] <= 227 * 1024
    # 8 gathers and 16 products for 16 tokens; a turn has 2 x rows of these.
    assert (found["gathers"], found["products"]) == (8 * 2 * rows, 16 * 2 * rows)
    assert found["bytes"] > 10_000
