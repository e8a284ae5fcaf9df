"""Several processes write to one catalog: nothing is lost, nothing taken twice, nobody starves."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine

from db.check import check
from db.engine import session_scope
from db.queries import counters, facts, jobs, runs, scores
from tests.db.builders import add_paper, url_of

ROOT = Path(__file__).parents[2]
PROCESSES = 4
ROUNDS = 40

WRITER = """
import json, sys
from db.engine import open_engine, session_scope
from db.queries import facts, jobs, runs, scores
from db.queries.scores import ScoreValue
from tests.db.builders import document, run

url, me, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = open_engine(url)
taken = []
for number in range(rounds):
    with session_scope(engine) as session:
        facts.effective(session)  # a read before the write, as workflows do
        facts.set_correction(session, "fast", "relevance", [me, number], me, "to see")
    with session_scope(engine) as session:
        job = jobs.claim_next(session, me)
    if job:
        taken.append(job.id)
        with session_scope(engine) as session:
            assert jobs.finish(session, job.id, me, "succeeded")
    with session_scope(engine) as session:
        runs.import_document(session, document(run(f"case {number}")))  # the same from all
    with session_scope(engine) as session:
        value = ScoreValue("fast", "t", "believed", number, 0, 0, 1, {})
        scores.save(session, [value], {"kind": "rule", "ref": me})
print(json.dumps(taken))
"""


def test_four_processes_share_the_catalog(engine: Engine, catalog_path: Path) -> None:
    with session_scope(engine) as session:
        add_paper(session)
        queued = {
            jobs.create(session, kind="k", spec={"n": n}, device="cpu").id
            for n in range(PROCESSES * ROUNDS // 2)
        }
        before = counters.read(session)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url_of(catalog_path), f"process {n}", str(ROUNDS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(PROCESSES)
    ]
    taken: list[str] = []
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        taken += json.loads(out)
    assert len(taken) == len(set(taken))
    assert set(taken) <= queued
    assert len(taken) >= ROUNDS // 2  # a busy device is a reason to get none, not to starve
    with session_scope(engine) as session:
        assert len(facts.history(session, "fast")) == PROCESSES * ROUNDS
        assert counters.read(session) == before + 3 * PROCESSES * ROUNDS
        assert len(runs.for_prototypes(session)) == ROUNDS
        assert {job.state for job in jobs.list_recent(session, 1000)} <= {"queued", "succeeded"}
        steps = scores.history(session)
        # Every step begins where the one before ended: no writer worked on a stale score.
        assert all(a.after == b.before for a, b in itertools.pairwise(steps))
    assert check(url_of(catalog_path)) == []


def test_two_processes_that_create_one_job_create_one(engine: Engine, catalog_path: Path) -> None:
    code = (
        "import sys\n"
        "from db.engine import open_engine, session_scope\n"
        "from db.queries import jobs\n"
        "engine = open_engine(sys.argv[1])\n"
        "for n in range(20):\n"
        "    with session_scope(engine) as session:\n"
        "        jobs.create(session, kind='k', spec={'n': n})\n"
    )
    command = [sys.executable, "-c", code, url_of(catalog_path)]
    started = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [process.wait(timeout=60) for process in started] == [0, 0]
    with session_scope(engine) as session:
        assert len(jobs.list_active(session)) == 20
