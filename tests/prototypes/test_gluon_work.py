"""How the Hopper kernel shares its work out: plain whole-number arithmetic, run here as Python."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from types import FunctionType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = [
    pytest.mark.skipif(
        find_spec("triton") is None or platform.system() != "Linux",
        reason="Triton isn't installed",
    ),
    pytest.mark.xdist_group("interpreter"),
]
ROWS, KEYS = 192, 128


@dataclass(frozen=True, slots=True)
class Work:
    queries: int
    keys: int
    heads: int
    group: int
    batch: int
    causal: bool
    side: int
    programs: int

    @property
    def units(self) -> int:
        return -(-self.queries // ROWS) * self.heads * self.batch


@st.composite
def works(draw: st.DrawFn) -> Work:
    queries = draw(st.integers(1, 1500))
    causal, group = draw(st.booleans()), draw(st.integers(1, 3))
    return Work(
        queries=queries,
        keys=queries + draw(st.integers(0, 500)) if causal else draw(st.integers(1, 1500)),
        heads=group * draw(st.integers(1, 3)),
        group=group,
        batch=draw(st.integers(1, 2)),
        causal=causal,
        side=draw(st.integers(1, 7)),
        programs=draw(st.integers(1, 40)),
    )


def shared_out(work: Work) -> list[list[tuple[int, int, int, int]]]:
    """Return head, kv head, first row and tiles of each unit of each program."""
    from prototypes.attention.eight_bit import gluon_work

    programs = min(work.programs, work.units)
    gl = SimpleNamespace(
        num_programs=lambda axis: programs,
        where=lambda condition, a, b: a if condition else b,
        cdiv=lambda a, b: -(-a // b),
        minimum=min,
        maximum=max,
    )
    known: dict[str, Any] = {"gl": gl, "GROUP_ROWS": 64, "GROUPS": 3}

    def plain(name: str) -> Callable[..., Any]:
        return FunctionType(getattr(gluon_work, name).fn.__code__, known)

    known["unit_at"] = plain("unit_at")
    count_of, unit_of = plain("count_of"), plain("unit_of")
    sizes = (work.queries, work.keys, work.heads, work.group, work.side, work.heads * work.batch)
    given_out = []
    for own in range(programs):
        gl.program_id = lambda axis, own=own: own
        count = count_of(work.units)
        given_out.append([unit_of(turn, sizes, KEYS, work.causal) for turn in range(count)])
    return given_out


@settings(max_examples=60, deadline=None)
@given(work=works())
def test_each_block_of_each_head_is_some_programs_once(work: Work) -> None:
    units = [unit for program in shared_out(work) for unit in program]
    blocks = {(head, row) for head, _, row, _ in units}
    assert len(units) == len(blocks) == work.units
    assert all(
        0 <= head < work.heads * work.batch and 0 <= row < work.queries and row % ROWS == 0
        for head, row in blocks
    )
    kv_heads = work.heads // work.group
    for head, kv_head, row, tiles in units:
        assert kv_head == head // work.heads * kv_heads + head % work.heads // work.group
        last = min(row + ROWS, work.queries) - 1
        seen = last + 1 + work.keys - work.queries if work.causal else work.keys
        assert tiles == -(-seen // KEYS)


@pytest.mark.parametrize(("queries", "causal", "side"), [(4096, False, 1), (8192, True, 32)])
def test_no_program_has_much_more_than_its_share(queries: int, causal: bool, side: int) -> None:
    """Of an H100's 132; a third of a block counts as half of one."""
    heads = 32 if causal else 128
    work = Work(queries, queries, heads, 1, 1, causal, side, 132)
    shares = [
        sum(tiles * (1.0 if row + ROWS <= queries or causal else 0.5) for _, _, row, tiles in units)
        for units in shared_out(work)
    ]
    assert max(shares) < 1.02 * sum(shares) / len(shares)
