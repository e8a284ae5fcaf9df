"""The torch samplers against distributions that a slow loop worked out, and their seeds."""

import math

import pytest
import torch

from prototypes.sampling import torch_samplers
from prototypes.sampling.inputs import Tensors, logits_of, make
from tests.prototypes.exact_draws import Filters, bar, slow_distribution, total_variation

CPU = torch.device("cpu")
SAMPLERS = ("torch_sieve", "torch_rejection")
VOCAB = 333
"""Six groups of the sieve, the last a short one."""
DRAWS = 2500

ASKED = {
    "no filter": ("normal3", Filters()),
    "top-k": ("normal1", Filters(top_k=4)),
    "top-k with ties": ("ties", Filters(top_k=3)),
    "large top-k": ("normal1", Filters(top_k=200)),
    "top-p, peaked": ("zipf", Filters(top_p=0.8)),
    "top-p, flat": ("normal1", Filters(top_p=0.3)),
    "top-p with ties": ("ties", Filters(top_p=0.1)),
    "top-k, then top-p": ("normal1", Filters(top_k=5, top_p=0.6)),
    "min-p": ("normal3", Filters(min_p=0.1)),
    "all three, hot": ("normal3", Filters(top_k=40, top_p=0.95, min_p=0.05, temperature=1.7)),
    "top-p and min-p, cold": ("normal1", Filters(top_p=0.9, min_p=0.02, temperature=0.4)),
}


def rows(logits: torch.Tensor, filters: Filters, number: int, seed: int = 0) -> Tensors:
    """Repeat one row of logits with different seeds."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "logits": logits.expand(number, -1).contiguous(),
        "temperature": torch.full((number,), filters.temperature),
        "top_k": torch.full((number,), filters.top_k, dtype=torch.int32),
        "top_p": torch.full((number,), filters.top_p),
        "min_p": torch.full((number,), filters.min_p),
        "seeds": torch.randint(0, 2**31, (number,), generator=generator),
    }


def logits_for(family: str, vocab: int = VOCAB) -> torch.Tensor:
    return logits_of(family, 1, vocab, CPU, torch.Generator().manual_seed(31))[0]


def draw(name: str, inputs: Tensors) -> list[int]:
    outputs = {"tokens": torch.full((len(inputs["seeds"]),), -9)}
    torch_samplers.build(name)(inputs, outputs)
    return [int(token) for token in outputs["tokens"]]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("asked", ASKED)
def test_draws_come_from_the_exact_distribution(name: str, asked: str) -> None:
    family, filters = ASKED[asked]
    logits = logits_for(family)
    exact = slow_distribution(logits.tolist(), filters)
    tokens = draw(name, rows(logits, filters, DRAWS))
    assert set(tokens) <= exact.keys()
    assert total_variation(tokens, exact) <= bar(DRAWS, exact)


def test_the_bar_is_low_enough_to_see_a_wrong_sampler() -> None:
    family, filters = ASKED["top-p, peaked"]
    logits = logits_for(family)
    exact = slow_distribution(logits.tolist(), filters)
    allowed = bar(DRAWS, exact)
    for wrong in (Filters(), Filters(top_p=0.5), Filters(top_p=0.8, temperature=1.5)):
        tokens = draw("torch_sieve", rows(logits, wrong, DRAWS))
        assert total_variation(tokens, exact) > allowed
    assert total_variation([max(exact, key=exact.__getitem__)] * DRAWS, exact) > allowed


@pytest.mark.parametrize("name", SAMPLERS)
def test_edges_that_leave_no_choice(name: str) -> None:
    logits = logits_for("normal3")
    best = int(logits.argmax())
    for filters in (Filters(top_k=1), Filters(top_p=1e-6), Filters(min_p=1.0)):
        assert set(draw(name, rows(logits, filters, 20))) == {best}
    masked = torch.full_like(logits, -math.inf)
    assert set(draw(name, rows(masked, Filters(top_p=0.9), 5))) == {-1}
    masked[VOCAB - 1] = -3.0
    for filters in (Filters(), Filters(top_k=40), Filters(top_p=0.5), Filters(min_p=0.5)):
        assert set(draw(name, rows(masked, filters, 20))) == {VOCAB - 1}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_row_draws_by_its_own_seed_wherever_it_stands(name: str) -> None:
    inputs = make(
        {
            "batch": 12,
            "vocab": VOCAB,
            "logits": "normal1",
            "temperature": 1.0,
            "top_k": 0,
            "top_p": 0.9,
            "min_p": 0.0,
        },
        CPU,
        seed=3,
    )
    first = draw(name, inputs)
    assert draw(name, inputs) == first
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    moved = draw(name, {key: tensor[order] for key, tensor in inputs.items()})
    assert moved == [first[i] for i in order.tolist()]
    assert draw(name, {**inputs, "seeds": inputs["seeds"] + 1}) != first


def test_random_numbers_are_splitmix64() -> None:
    numbers = torch_samplers.uniforms(0)
    known = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)
    assert [next(numbers) for _ in known] == [(k >> 11) / 2**53 for k in known]


def test_inputs_come_from_their_seed() -> None:
    parameters = {"batch": 2, "vocab": 50, "logits": "zipf", "temperature": 0.5}
    parameters |= {"top_k": 3, "top_p": 0.9, "min_p": 0.1}
    one, same, other = (make(parameters, CPU, seed) for seed in (1, 1, 2))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["logits"], other["logits"])
    assert one["top_k"].tolist() == [3, 3]
    with pytest.raises(ValueError, match="no logits called 'flat'"):
        make({**parameters, "logits": "flat"}, CPU, 1)
