"""The Hopper kernels compile without a GPU, and to the instructions that they are there for.

The Gluon kernel can't be interpreted: on a machine without a GPU this is all that can be held. In a
subprocess, since the interpreter of other tests may be on in this one.
"""

from __future__ import annotations

import platform
from importlib.util import find_spec
from typing import Any

import pytest

from tests.prototypes.fresh import Fresh

pytestmark = [
    pytest.mark.skipif(
        find_spec("triton") is None or platform.system() != "Linux",
        reason="Triton, which brings the assembler, isn't installed",
    ),
    pytest.mark.xdist_group("interpreter"),
]

SHARED_MEMORY = 227 * 1024
"""Of a Hopper multiprocessor, for one block."""


@pytest.fixture(scope="module")
def made(fresh: Fresh) -> dict[str, Any]:
    """What came of each kernel."""
    answers: dict[str, Any] = fresh.told("tests.prototypes.compiled_attention")
    return answers


@pytest.mark.parametrize(
    ("name", "product"),
    [("int8", "s32.s8.s8"), ("fp8, causal", "f32.e4m3.e4m3"), ("fp16, dim 64", "f32.f16.f16")],
)
def test_both_products_are_of_hoppers_matrix_unit(
    made: dict[str, Any], name: str, product: str
) -> None:
    assert made[name]["products"] == sorted({product, "s32.s8.s8"})
    assert made[name]["shared"] <= SHARED_MEMORY


@pytest.mark.parametrize("name", ["int8", "fp8, causal", "fp16, dim 64"])
def test_weights_stay_in_the_thread_that_computed_them(made: dict[str, Any], name: str) -> None:
    """One such move tells a warp its number; putting weights in order would take dozens."""
    assert made[name]["moved_across_lanes"] <= 1


def test_rounding_compiles(made: dict[str, Any]) -> None:
    assert {"rounding for int8", "rounding for fp8"} <= made.keys()
