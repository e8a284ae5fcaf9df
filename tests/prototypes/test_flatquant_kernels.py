"""FlatQuant's GPU kernels: the portable ones under the interpreter, whole outputs against the
emulation; the ones for Hopper compiled, which needs no GPU.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

TRANSFORMS: dict[str, dict[str, Any]] = {
    "odd factors": {"n1": 7, "n2": 11, "tokens": 3},
    "in stored order": {"n1": 5, "n2": 64, "tokens": 4},
    "two groups": {"n1": 3, "n2": 128, "tokens": 2},
    "4 bits, clipped": {"n1": 16, "n2": 16, "tokens": 5, "limit": 7.0, "clip": 0.7},
    "one row": {"n1": 1, "n2": 13, "tokens": 2},
    "no tokens": {"n1": 4, "n2": 6, "tokens": 0},
    "hostile": {"n1": 6, "n2": 8, "tokens": 6, "hostile": True},
}
LINEARS: dict[str, dict[str, Any]] = {
    "one of each": {"tokens": 1, "width": 16, "outputs": 1},
    "tails everywhere": {"tokens": 19, "width": 77, "outputs": 35},
    "no tokens": {"tokens": 0, "width": 32, "outputs": 8},
}


@pytest.fixture(scope="module")
def outcomes(fresh: Fresh) -> Any:
    request = {"transform": TRANSFORMS, "linear": LINEARS}
    return fresh.told("tests.prototypes.interpreted_flatquant", request, TRITON_INTERPRET="1")


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.xdist_group("interpreter")
@pytest.mark.parametrize("task", TRANSFORMS)
def test_the_portable_transform_is_the_emulations(outcomes: Any, task: str) -> None:
    found = outcomes["transform"][task]
    assert found["most off"] <= 1
    assert found["share off"] < 0.02
    assert found["scales off"] < 1e-5
    assert found["finite otherwise"] == 0
    assert found["rounding alone differs"] == 0


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.xdist_group("interpreter")
@pytest.mark.parametrize("task", LINEARS)
def test_the_portable_product_is_exact(outcomes: Any, task: str) -> None:
    assert outcomes["linear"][task]["worst"] < 1e-6


@pytest.mark.xdist_group("interpreter")
def test_the_kernels_for_hopper_compile_and_store_sixteen_bytes_a_thread(fresh: Fresh) -> None:
    pytest.importorskip("triton")
    found = fresh.told("tests.prototypes.compiled_flatquant", {})
    for n1, n2 in ((64, 64), (112, 128)):
        assert found[f"{n1}x{n2}"]["products"] == [f"m64n{n2}k16.f32.bf16"]
    for bits in ("8 bits", "4 bits"):
        assert found[bits]["products"] == ["m64n128k32.s32.s8"]
    for made in found.values():
        # Nothing of a token's integers, or of an output, leaves in smaller pieces.
        assert made["narrow stores"] == 0
        assert made["shared"] <= 227 * 1024
