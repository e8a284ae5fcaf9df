"""The Triton kernels of 8-bit attention under the interpreter, against the emulation.

Small odd shapes: tails, masks, grouped queries, rows without keys, empties, hostile values. All in
one subprocess: Triton reads `TRITON_INTERPRET` when it is imported.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from prototypes.attention import oracle
from prototypes.attention.eight_bit import emulation
from tests.conftest import PROJECT
from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.xdist_group("interpreter"),
]
if why_not() is None:
    from tests.prototypes.attention_cases import CASES, EIGHT_BIT, FORMATS, NOT_FINITE

    COMPARED = [
        name for name in CASES if not name.endswith((*NOT_FINITE, "no keys", "empty batch"))
    ]
else:
    COMPARED, EIGHT_BIT, FORMATS = [], ("", ""), {}

ROUNDING = 1e-3
"""Relative to the norm: FP16 outputs give 2e-4, a weight on the other side of an edge 8e-4."""

Answers = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, fresh: Fresh) -> Answers:
    """Outputs of each case."""
    file: Path = tmp_path_factory.mktemp("interpreted") / "answers.pt"
    module = "tests.prototypes.interpreted_attention"
    done = fresh.run(PROJECT, module, str(file), TRITON_INTERPRET="1")
    assert done.returncode == 0, done.stderr
    loaded: Answers = torch.load(file)
    return loaded


@pytest.mark.parametrize("name", COMPARED)
def test_kernels_give_what_the_emulation_gives(answers: Answers, name: str) -> None:
    case = CASES[name]
    right = emulation.attention(*case.inputs(), case.options, causal=case.shape.causal)
    # Rounded as the output is: of values near 1e-7 FP16 keeps a bit.
    got, right = answers[name].float(), right.half().float()
    assert got.shape == right.shape
    assert torch.isfinite(got).all()
    assert float((got - right).norm()) <= ROUNDING * float(right.norm())


@pytest.mark.parametrize("name", FORMATS)
def test_kernels_are_near_the_exact_answer(answers: Answers, name: str) -> None:
    case = CASES[name]
    right = oracle.attention(*case.inputs(), causal=False)
    error = float((answers[name].double() - right).norm() / right.norm())
    assert error <= (1e-3 if name == "fp16" else 0.06)


def test_an_empty_batch_is_an_empty_answer(answers: Answers) -> None:
    assert answers["fp8, empty batch"].shape == (0, 2, 45, 16)


def test_without_keys_all_is_zero(answers: Answers) -> None:
    assert answers["fp8, no keys"].shape == (1, 2, 45, 16)
    assert (answers["fp8, no keys"] == 0).all()


@pytest.mark.parametrize("name", EIGHT_BIT)
def test_a_query_that_sees_no_key_gets_zeros(answers: Answers, name: str) -> None:
    output = answers[f"{name}, more queries than keys"]
    assert (output[:, :, :15] == 0).all()
    assert (output[:, :, 15:] != 0).any(dim=-1).all()


@pytest.mark.parametrize("name", EIGHT_BIT)
def test_what_is_not_finite_shows(answers: Answers, name: str) -> None:
    """In Q in the rows that share its scale, in K and V in all rows of the heads that read them."""
    query = answers[f"{name}, infinite query"]
    assert torch.isnan(query[0, 1, 7]).all()
    assert torch.isfinite(query[0, 0]).all()
    assert torch.isfinite(query[0, 1, 32:]).all()
    for family in ("infinite key", "not a number in V"):
        assert torch.isnan(answers[f"{name}, {family}"]).all()


def test_a_kernel_that_skips_the_last_keys_would_be_seen() -> None:
    """The bar of these tests is under what one missing key does."""
    case = CASES["int8"]
    query, key, value = case.inputs()
    whole = emulation.attention(query, key, value, case.options)
    short = emulation.attention(query, key[..., :-1, :], value[..., :-1, :], case.options)
    assert float((whole - short).norm()) > 20 * ROUNDING * float(whole.norm())
