from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from db.models import Base
from db.queries import jobs

RUNNERS = ("first", "second")
DEVICES = (None, "cpu", "cuda:0")


class JobMachine(RuleBasedStateMachine):
    """Two runners and a person do anything in any order; a model says what may come of it."""

    created: Bundle[str] = Bundle("created")

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        Base.metadata.create_all(self.engine)
        self.session = Session(self.engine)
        self.model: dict[str, dict[str, str | None]] = {}
        self.count = 0

    def teardown(self) -> None:
        self.session.close()
        self.engine.dispose()

    def _busy(self) -> set[str | None]:
        running = [job for job in self.model.values() if job["state"] == "running"]
        return {job["device"] for job in running} - {None}

    def _take(self, job_id: str, runner: str) -> None:
        self.model[job_id].update(state="running", owner=runner)

    @rule(target=created, device=st.sampled_from(DEVICES))
    def create(self, device: str | None) -> str:
        self.count += 1
        job = jobs.create(
            self.session, kind="benchmark", spec={"number": self.count}, device=device
        )
        self.model[job.id] = {"state": "queued", "owner": None, "device": device}
        return job.id

    @rule(runner=st.sampled_from(RUNNERS))
    def claim_next(self, runner: str) -> None:
        free = [
            job_id
            for job_id, job in self.model.items()
            if job["state"] == "queued" and job["device"] not in self._busy()
        ]
        job = jobs.claim_next(self.session, runner)
        assert (job.id if job else None) == (free[0] if free else None)
        if job:
            self._take(job.id, runner)

    @rule(job_id=created, runner=st.sampled_from(RUNNERS))
    def claim(self, job_id: str, runner: str) -> None:
        model = self.model[job_id]
        may = model["state"] == "queued" and model["device"] not in self._busy()
        assert (jobs.claim(self.session, job_id, runner) is not None) == may
        if may:
            self._take(job_id, runner)

    @rule(job_id=created, runner=st.sampled_from(RUNNERS))
    def progress(self, job_id: str, runner: str) -> None:
        model = self.model[job_id]
        may = model["state"] == "running" and model["owner"] == runner
        assert jobs.progress(self.session, job_id, runner, done=1) == may

    @rule(
        job_id=created,
        runner=st.sampled_from(RUNNERS),
        state=st.sampled_from(sorted(jobs.FINAL_STATES)),
    )
    def finish(self, job_id: str, runner: str, state: str) -> None:
        model = self.model[job_id]
        may = model["state"] == "running" and model["owner"] == runner
        assert jobs.finish(self.session, job_id, runner, state) == may
        if may:
            model["state"] = state

    @rule(job_id=created)
    def cancel(self, job_id: str) -> None:
        model = self.model[job_id]
        is_active = model["state"] in jobs.ACTIVE_STATES
        assert jobs.request_cancel(self.session, job_id) == is_active
        if model["state"] == "queued":
            model["state"] = "cancelled"
        elif is_active:
            model["asked"] = "yes"

    @rule(runner=st.sampled_from(RUNNERS))
    def lose(self, runner: str) -> None:
        held = {
            job_id
            for job_id, job in self.model.items()
            if job["state"] == "running" and job["owner"] == runner
        }
        assert set(jobs.mark_lost(self.session, owner=runner)) == held
        for job_id in held:
            self.model[job_id]["state"] = "lost"

    @rule(target=created, job_id=created)
    def retry(self, job_id: str) -> str:
        job = jobs.retry(self.session, job_id)
        assert (job is None) == (self.model[job_id]["state"] in jobs.ACTIVE_STATES)
        if job is None:
            return job_id
        if job.id not in self.model:
            device = self.model[job_id]["device"]
            self.model[job.id] = {"state": "queued", "owner": None, "device": device}
        return job.id

    @invariant()
    def the_catalog_agrees(self) -> None:
        held = {job.id: job for job in jobs.list_recent(self.session, limit=1000)}
        assert {job_id: job.state for job_id, job in held.items()} == {
            job_id: model["state"] for job_id, model in self.model.items()
        }
        running = [job.device for job in held.values() if job.state == "running" and job.device]
        assert len(running) == len(set(running))
        for job_id, job in held.items():
            assert (job.finished_at is not None) == (job.state in jobs.FINAL_STATES)
            assert job.state != "running" or job.owner == self.model[job_id]["owner"]
        assert [job.id for job in jobs.list_active(self.session)] == [
            job_id for job_id, model in self.model.items() if model["state"] in jobs.ACTIVE_STATES
        ]


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
