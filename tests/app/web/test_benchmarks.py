"""The page of benchmarks in every state of a catalog, and what each of its parts says."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine, delete

from app.workflows import benchmarks
from app.workflows.benchmarks import compare_claims, list_runs
from db.engine import read_scope, session_scope
from db.models import PrototypeLink
from tests.app.web.conftest import HOSTILE, Open, words
from tests.app.web.measured_catalog import chart, no_markup, table

SECTIONS = ("claims", "roofline", "history", "runs", "queue", "files")
pytestmark = pytest.mark.usefixtures("no_runner")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("state", ["empty", "seeded", "measured"])
def test_every_section_draws(
    state: str, section: str, language: str, open_page: Open, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(state)
    page = open_page("benchmarks", show=section, lang=language)
    assert not page.error
    told = words(page)
    assert ("基准测试" in told) is (language == "zh")
    assert no_markup(told)
    if state == "empty":
        assert page.info


def test_an_empty_catalog_says_what_to_do(empty: Engine, open_page: Open) -> None:
    said = {name: open_page("benchmarks", show=name).info[0].value for name in SECTIONS[:4]}
    assert "nothing to compare" in said["claims"]
    assert "Measure, or import runs" in said["roofline"]
    assert "import runs" in said["history"]
    assert "import runs" in said["runs"]


def test_of_very_many_papers_those_without_a_prototype_are_the_best_ranked(
    measured: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope(measured) as session:
        session.execute(delete(PrototypeLink).where(PrototypeLink.prototype != "sampling"))
        every = {row["paper_id"] for row in compare_claims(session)}
        monkeypatch.setattr(benchmarks, "MOST", 0)
        monkeypatch.setattr(benchmarks, "UNTESTED", 2)
        some = {row["paper_id"] for row in compare_claims(session)}
    assert "sampling" in some < every
    assert len(some) <= 3


def test_every_paper_with_a_speed_claim_is_on_the_picture(
    measured: Engine, open_page: Open
) -> None:
    with read_scope(measured) as session:
        rows = compare_claims(session)
    assert len({row["paper_id"] for row in rows}) == 10
    devices = {row["device"] for row in rows if row["paper_id"] == "sampling"}
    assert devices == {"test-cpu", "gpu"}
    untested = [row for row in rows if row["verdict"] == "untested"]
    assert {row["device"] for row in untested} == {None}
    page = open_page("benchmarks")
    frame = table(page)
    assert len(frame) == len(rows)
    assert frame["verdict"].iloc[0] == "✓ confirmed"
    assert frame["measured"].iloc[0] == "12.0x"
    assert frame["verdict"].iloc[-1] == "○ untested"
    told = words(page).replace("\\", "")
    assert "Verdicts, one a claim and device: ✓ 2 confirmed, ○ 9 untested." in told
    proto = page.get("vega_lite_chart")[0].proto
    assert "confirmed" in proto.alt
    marks = [layer["mark"]["type"] for layer in json.loads(proto.spec)["layer"]]
    assert marks.count("point") == 3


def test_a_claim_keeps_its_bound(seeded: Engine) -> None:
    with read_scope(seeded) as session:
        rows = {row["key"]: row for row in compare_claims(session)}
    up_to = rows["2410.09426/prefill-speedup"]
    assert (up_to["claimed_low"], up_to["claimed"], up_to["claimed_high"]) == (1.0, 2.3, 2.3)
    at_least = rows["flashinfer-sampling/sampling-time"]
    assert (at_least["claimed_low"], at_least["claimed_high"]) == (2.0, None)
    ends = rows["2405.03917/throughput-gain"]
    assert (ends["claimed_low"], ends["claimed_high"]) == (1.4, 3.5)
    assert ends["claimed"] == pytest.approx((1.4 * 3.5) ** 0.5)


def test_one_device_alone(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", device="gpu")
    frame = table(page)
    assert len(frame) == 10
    assert list(frame["device"].dropna().unique()) == [HOSTILE]
    assert page.selectbox(key="device").value == "gpu"
    page.selectbox(key="device").select("test-cpu").run()
    assert page.query_params["device"] in ("test-cpu", ["test-cpu"])
    # A quick look at what no run of this device has: untested here, and said so.
    other = open_page("benchmarks", device="unheard-of")
    assert other.selectbox(key="device").value == ""


def test_labels_are_literals_of_the_charts_language(measured: Engine, open_page: Open) -> None:
    axes = [
        layer["encoding"]["y"]["axis"]["labelExpr"]
        for layer in chart(open_page("benchmarks"))["layer"]
        if (layer["encoding"].get("y") or {}).get("axis")
    ]
    assert len(axes) == 2
    for expression in axes:
        words_of_rows = json.loads(expression.removeprefix("(").removesuffix(")[datum.value]"))
        assert len(words_of_rows) == 11


def test_roofline_shows_the_newest_full_run_of_a_case(measured: Engine, open_page: Open) -> None:
    from app.web.components.bench_roofline import newest, roofline_frame

    page = open_page("benchmarks", show="roofline")
    told = words(page).replace("\\", "")
    assert "copy 200 GB/s, matrix product 30 TFLOP/s" in told
    assert chart(page)["layer"]
    with read_scope(measured) as session:
        here = [found for found in list_runs(session, device="gpu") if found["status"] == "ok"]
    assert len(here) == 3
    [shown] = newest(here)
    assert shown["at"] == "2026-11-03T00:00:00+00:00"
    frame = roofline_frame([shown], by_case=True)
    assert list(frame["share"]) == [0.4]
    assert list(frame["bound"]) == ["memory"]


def test_history_marks_what_counts_for_less(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", show="history", device="gpu")
    frame = table(page)
    assert list(frame["State"]) == ["✓ ok", "✓ ok · quick", "✓ ok · stale"]
    page.selectbox(key="figure").select("paper").run()
    assert not page.error
    assert page.query_params["figure"] in ("paper", ["paper"])
    page.selectbox(key="figure").select("strongest").run()
    assert any("No run of this case" in info.value for info in page.info)


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({}, 5),
        ({"device": "gpu"}, 4),
        ({"state": "below_quality"}, 1),
        ({"kind": "quick"}, 1),
        ({"kind": "stale"}, 1),
        ({"kind": "full", "device": "gpu"}, 3),
        ({"prototype": "sampling"}, 5),
        ({"device": "no such", "state": "<b>"}, 5),
    ],
)
def test_runs_are_filtered_by_the_address(
    parameters: dict[str, str], count: int, measured: Engine, open_page: Open
) -> None:
    page = open_page("benchmarks", show="runs", **parameters)
    assert not page.error
    assert len(table(page)) == count


def test_a_filter_that_lets_nothing_through(measured: Engine, open_page: Open) -> None:
    page = open_page("benchmarks", show="runs", device="test-cpu", state="below_quality")
    assert "No run matches" in page.info[0].value
