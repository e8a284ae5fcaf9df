"""Some inputs of chance for each parser; `python -m benchmarks.fuzz` tries as many as one likes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.hostile.fuzzers import fuzzers

FUZZERS = fuzzers()


@pytest.mark.parametrize("name", FUZZERS)
def test_a_parser_ends_as_it_says(name: str, own_home: Path) -> None:
    fuzzer = FUZZERS[name]

    @seed(20261124)
    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(fuzzer.inputs)
    def try_one(made: Any) -> None:
        with suppress(*fuzzer.typed):
            fuzzer.parse(made)

    try_one()
