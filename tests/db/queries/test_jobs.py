from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.models import Job, Runner
from db.queries import abandoned, counters, jobs


def queue(session: Session, number: int = 1, device: str | None = None) -> Job:
    return jobs.create(session, kind="benchmark", spec={"number": number}, device=device)


def test_a_job_goes_its_way(session: Session) -> None:
    job = queue(session, device="cpu")
    assert (job.state, job.owner) == ("queued", None)
    claimed = jobs.claim_next(session, "me")
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.owner) == (job.id, "running", "me")
    assert claimed.started_at is not None
    assert jobs.progress(session, job.id, "me", done=1, total=4, message={"template": "one"})
    assert jobs.progress(session, job.id, "me", done=2)
    seen = jobs.get(session, job.id)
    assert seen is not None
    assert (seen.done, seen.total, seen.message) == (2, 4, {"template": "one"})
    assert jobs.finish(session, job.id, "me", "succeeded", outcome={"runs": 3})
    seen = jobs.get(session, job.id)
    assert seen is not None
    assert (seen.state, seen.outcome, seen.message) == ("succeeded", {"runs": 3}, None)
    assert seen.finished_at is not None
    assert jobs.list_active(session) == []
    assert [found.id for found in jobs.list_recent(session)] == [job.id]


def test_pages_are_told_of_every_step_and_of_none_that_was_not_made(session: Session) -> None:
    job = queue(session)
    steps = [
        lambda: jobs.claim(session, job.id, "me"),
        lambda: jobs.progress(session, job.id, "me", done=1),
        lambda: jobs.request_cancel(session, job.id),
        lambda: jobs.finish(session, job.id, "me", "cancelled"),
    ]
    for step in steps:
        before = counters.read(session, "jobs")
        assert step()
        assert counters.read(session, "jobs") == before + 1
    before = counters.read(session, "jobs")
    assert not jobs.finish(session, job.id, "me", "succeeded")
    assert counters.read(session, "jobs") == before


def test_jobs_are_taken_in_order_and_a_busy_device_lets_others_pass(session: Session) -> None:
    made = [queue(session, n, device) for n, device in enumerate(["cpu", "cpu", "gpu", None])]
    order = []
    while (job := jobs.claim_next(session, "me")) is not None:
        order.append(job.id)
    assert order == [made[0].id, made[2].id, made[3].id]
    assert jobs.claim(session, made[1].id, "me") is None
    jobs.finish(session, made[0].id, "me", "succeeded")
    assert jobs.claim(session, made[1].id, "me") is not None


def test_kinds_can_be_chosen(session: Session) -> None:
    queue(session)
    assert jobs.claim_next(session, "me", kinds=["add"]) is None
    assert jobs.claim_next(session, "me", kinds=["add", "benchmark"]) is not None


def test_the_same_work_asked_for_twice_is_one_job(session: Session) -> None:
    first = queue(session, device="cpu")
    assert queue(session, device="cpu").id == first.id
    assert queue(session, device="gpu").id != first.id
    assert queue(session, number=2, device="cpu").id != first.id
    jobs.claim(session, first.id, "me")
    assert queue(session, device="cpu").id == first.id
    jobs.finish(session, first.id, "me", "succeeded")
    assert queue(session, device="cpu").id != first.id


def test_work_that_is_being_cancelled_can_be_asked_for_again(session: Session) -> None:
    first = queue(session)
    jobs.claim(session, first.id, "me")
    jobs.request_cancel(session, first.id)
    second = queue(session)
    assert second.id != first.id
    assert queue(session).id == second.id


def test_a_waiting_job_is_cancelled_at_once_and_never_taken(session: Session) -> None:
    job = queue(session)
    assert jobs.request_cancel(session, job.id)
    seen = jobs.get(session, job.id)
    assert seen is not None
    assert (seen.state, seen.finished_at is not None) == ("cancelled", True)
    assert jobs.claim_next(session, "me") is None
    assert not jobs.request_cancel(session, job.id)
    assert not jobs.request_cancel(session, "none")


def test_a_running_job_is_asked_to_stop_and_may_be_asked_twice(session: Session) -> None:
    job = queue(session)
    jobs.claim(session, job.id, "me")
    assert not jobs.is_cancel_requested(session, job.id, "me")
    assert jobs.request_cancel(session, job.id)
    assert jobs.request_cancel(session, job.id)
    assert jobs.is_cancel_requested(session, job.id, "me")
    assert jobs.is_cancel_requested(session, job.id, "somebody else")
    assert jobs.finish(session, job.id, "me", "cancelled")


def test_a_zombie_changes_nothing(session: Session) -> None:
    """A runner that was taken for dead comes back after another one took over."""
    job = queue(session, device="cpu")
    assert jobs.runner_acquire(session, "zombie", pid=1, host="here")
    assert jobs.claim_next(session, "zombie") is not None
    assert jobs.runner_release(session, "zombie")
    assert jobs.runner_acquire(session, "heir", pid=2, host="here")
    lost = jobs.mark_lost(session, except_owner="heir", message={"template": "died"})
    assert lost == [job.id]
    again = jobs.retry(session, job.id)
    assert again is not None
    assert jobs.claim(session, again.id, "heir") is not None

    assert not jobs.runner_heartbeat(session, "zombie")
    for job_id in (job.id, again.id):
        assert not jobs.progress(session, job_id, "zombie", done=99)
        assert not jobs.finish(session, job_id, "zombie", "succeeded", outcome={"runs": 1})
        assert jobs.is_cancel_requested(session, job_id, "zombie")
    states = {found.id: (found.state, found.done) for found in jobs.list_recent(session)}
    assert states == {job.id: ("lost", 0), again.id: ("running", 0)}
    seen = jobs.get(session, job.id)
    assert seen is not None
    assert (seen.message, seen.outcome) == ({"template": "died"}, None)


def test_only_the_dead_runners_jobs_are_lost(session: Session) -> None:
    mine, theirs = queue(session, 1), queue(session, 2)
    jobs.claim(session, mine.id, "me")
    jobs.claim(session, theirs.id, "they")
    waiting = queue(session, 3)
    assert jobs.mark_lost(session, owner="they") == [theirs.id]
    assert jobs.mark_lost(session, owner="they") == []
    assert {job.id for job in jobs.list_active(session)} == {mine.id, waiting.id}
    with pytest.raises(TypeError):
        jobs.mark_lost(session)


def test_a_job_whose_runner_died_is_begun_again_twice_and_then_lost(session: Session) -> None:
    def die() -> list[str]:
        told = {"again": {"template": "again"}, "lost": {"template": "died"}}
        return abandoned.give_up(session, owner="me", repeatable=[job.kind], **told)

    job = queue(session, device="cpu")
    other = jobs.create(session, kind="other", spec={})
    assert jobs.claim(session, other.id, "me") is not None
    for times in (1, 2):
        assert jobs.claim(session, job.id, "me") is not None
        assert jobs.progress(session, job.id, "me", done=3)
        assert die() == ([other.id] if times == 1 else []), "no other kind is begun again"
        seen = jobs.get(session, job.id)
        assert seen is not None
        assert (seen.state, seen.owner, seen.started_at, seen.done) == ("queued", None, None, 0)
        assert (seen.message, abandoned.begun_again(seen)) == ({"template": "again"}, times)
        assert not jobs.finish(session, job.id, "me", "succeeded"), "the dead have no say"
    assert jobs.create(session, kind=job.kind, spec=job.spec, device="cpu").id == job.id
    assert jobs.claim(session, job.id, "me") is not None
    assert die() == [job.id]

    asked = queue(session, 2, device="cuda")
    assert jobs.claim(session, asked.id, "me") is not None
    assert jobs.request_cancel(session, asked.id)
    job = asked
    assert die() == []
    seen = jobs.get(session, asked.id)
    assert seen is not None and seen.state == "cancelled" and seen.finished_at


@pytest.mark.parametrize("state", ["failed", "timed_out", "cancelled", "lost", "succeeded"])
def test_what_is_over_can_be_tried_again_once(session: Session, state: str) -> None:
    job = queue(session, device="cpu")
    assert jobs.retry(session, job.id) is None
    jobs.claim(session, job.id, "me")
    assert jobs.retry(session, job.id) is None
    jobs.finish(session, job.id, "me", state)
    again = jobs.retry(session, job.id)
    assert again is not None
    assert (again.state, again.retry_of, again.spec, again.device, again.done) == (
        "queued",
        job.id,
        job.spec,
        "cpu",
        0,
    )
    twice = jobs.retry(session, job.id)
    assert twice is not None
    assert twice.id == again.id
    assert jobs.retry(session, "none") is None


def test_a_job_ends_only_in_a_final_state(session: Session) -> None:
    job = queue(session)
    jobs.claim(session, job.id, "me")
    for state in ("queued", "running", "asleep"):
        with pytest.raises(ValueError, match=state):
            jobs.finish(session, job.id, "me", state)


def test_the_database_itself_refuses_two_running_jobs_on_a_device(session: Session) -> None:
    queue(session, 1, "cpu")
    jobs.claim_next(session, "me")
    session.add(Job(id="x", kind="k", spec={}, state="running", owner="you", device="cpu"))
    with pytest.raises(IntegrityError):
        session.flush()


@pytest.mark.parametrize("values", [{"state": "asleep"}, {"state": "running", "owner": None}])
def test_the_database_itself_refuses_states_that_cannot_be(
    session: Session, values: dict[str, str | None]
) -> None:
    session.add(Job(id="x", kind="k", spec={}, **values))
    with pytest.raises(IntegrityError):
        session.flush()


AT = "2026-01-01T00:00:{:02d}.000000+00:00"


def test_one_runner_holds_the_lease(session: Session) -> None:
    def acquire(token: str, second: int, stale_after_s: float | None = None) -> bool:
        return jobs.runner_acquire(
            session, token, pid=1, host="here", stale_after_s=stale_after_s, at=AT.format(second)
        )

    assert jobs.runner(session) is None
    assert acquire("first", 0)
    assert acquire("first", 1)
    assert not acquire("second", 30)
    assert not acquire("second", 6, stale_after_s=5)
    assert jobs.runner_heartbeat(session, "first", at=AT.format(20))
    assert not acquire("second", 25, stale_after_s=5)
    assert acquire("second", 26, stale_after_s=5)
    assert not jobs.runner_heartbeat(session, "first")
    assert not jobs.runner_release(session, "first")
    holder = jobs.runner(session)
    assert holder is not None
    assert (holder.token, holder.heartbeat_at) == ("second", AT.format(26))
    assert jobs.runner_release(session, "second")
    assert jobs.runner(session) is None


def test_a_runner_does_not_leave_while_there_is_work(session: Session) -> None:
    jobs.runner_acquire(session, "me", pid=1, host="here")
    job = queue(session)
    assert not jobs.runner_release(session, "me", only_if_idle=True)
    jobs.claim(session, job.id, "me")
    assert not jobs.runner_release(session, "me", only_if_idle=True)
    jobs.finish(session, job.id, "me", "failed")
    assert jobs.runner_release(session, "me", only_if_idle=True)


def test_steps_are_counted_and_steps_that_fail_are_not(session: Session) -> None:
    job = queue(session)
    before = counters.read(session, "jobs")
    assert not jobs.progress(session, job.id, "me", done=1)
    assert not jobs.finish(session, job.id, "me", "failed")
    assert counters.read(session, "jobs") == before
    jobs.claim_next(session, "me")
    assert jobs.claim_next(session, "me") is None
    assert counters.read(session, "jobs") == before + 1


def test_a_runner_is_one_row(session: Session) -> None:
    jobs.runner_acquire(session, "me", pid=1, host="here")
    jobs.runner_acquire(session, "you", pid=1, host="here", stale_after_s=-1)
    assert session.query(Runner).count() == 1
