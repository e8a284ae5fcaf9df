"""Background work, the process that does it, and counters that tell pages what is stale."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, now


class Job(Base):
    """A piece of background work; this row is the only truth about it."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', "
            "'lost')",
            name="ck_job_state",
        ),
        CheckConstraint("state != 'running' OR owner IS NOT NULL", name="ck_job_running_owned"),
        Index("ix_job_state", "state"),
        # One device runs one benchmark at a time: the database itself refuses a second.
        Index(
            "uq_job_running_device",
            "device",
            unique=True,
            sqlite_where=text("state='running'"),
            postgresql_where=text("state='running'"),
        ),
        # The same work asked for twice while it waits or runs is one job.
        Index(
            "uq_job_active_dedupe",
            "dedupe_key",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    spec: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="queued")
    device: Mapped[str | None]
    """One device runs one benchmark at a time; None for work that needs none."""
    dedupe_key: Mapped[str | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    message: Mapped[dict[str, Any] | None]
    outcome: Mapped[dict[str, Any] | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str | None]
    """Token of the runner that holds it; a transition by anyone else changes nothing."""
    retry_of: Mapped[str | None]
    asked_by: Mapped[str | None]
    """The person who asked for it, where a workbench has a login."""
    created_at: Mapped[str] = mapped_column(default=now)
    started_at: Mapped[str | None]
    finished_at: Mapped[str | None]


class Action(Base):
    """What a person did in a workbench with a login, beside edits of papers: those say it."""

    __tablename__ = "action"
    __table_args__ = (Index("ix_action_at", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str]
    what: Mapped[str]
    """A word of `app.web.components.access`: measure, add, import, …"""
    subject: Mapped[str]
    at: Mapped[str] = mapped_column(default=now)


class Runner(Base):
    """The one process that works through the jobs, held by its heartbeat."""

    __tablename__ = "runner"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str]
    pid: Mapped[int]
    host: Mapped[str]
    heartbeat_at: Mapped[str]


class Counter(Base):
    """Named integers; `catalog` grows with every write that a page could show."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(
        Integer().with_variant(BigInteger(), "postgresql"), default=0
    )
    """Some are fingerprints of 56 bits, which a PostgreSQL integer is too short for."""
