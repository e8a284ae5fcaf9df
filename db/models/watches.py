"""Saved arXiv queries, what they found, and what a person decided about new papers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, now


class Watch(Base):
    """A saved arXiv query, and when it is asked again."""

    __tablename__ = "watch"
    __table_args__ = (
        CheckConstraint("every IN ('day', 'week')", name="ck_watch_every"),
        CheckConstraint("most >= 1", name="ck_watch_most"),
        Index("ix_watch_due", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    query: Mapped[str]
    every: Mapped[str] = mapped_column(default="day")
    most: Mapped[int] = mapped_column(default=25)
    """So many new papers are read at one time; the others wait for the next."""
    paused: Mapped[bool] = mapped_column(default=False)
    covered_to: Mapped[str | None]
    """Nothing that was submitted before is missing; None before the first time."""
    due_at: Mapped[str] = mapped_column(default=now)
    asked_at: Mapped[str | None]
    """When arXiv was last asked, well or not."""
    failures: Mapped[int] = mapped_column(default=0)
    """How many times in a row it failed."""
    result: Mapped[dict[str, Any] | None]
    """What came of the last time, as `assay watch run --json` prints it."""
    created_at: Mapped[str] = mapped_column(default=now)
    removed_at: Mapped[str | None]
    """A removed watch keeps what it found: added again, it goes on where it was."""


class WatchFind(Base):
    """A version of a paper that a watch came across: it is no news to it any more."""

    __tablename__ = "watch_find"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('new', 'version', 'known', 'failed')", name="ck_watch_find_outcome"
        ),
        Index("ix_watch_find_at", "at"),
    )

    watch_id: Mapped[int] = mapped_column(
        ForeignKey("watch.id", ondelete="CASCADE"), primary_key=True
    )
    arxiv_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str | None] = mapped_column(
        ForeignKey("paper.id", ondelete="SET NULL"), index=True
    )
    """None where it could not be read, or was removed since."""
    outcome: Mapped[str]
    """new: it came into the catalog; version: a newer one of a paper there; known; failed."""
    tries: Mapped[int] = mapped_column(default=1)
    """How often reading it was tried in vain, of a failed one."""
    at: Mapped[str] = mapped_column(default=now)


class InboxDecision(Base):
    """What a person decided about a paper in the inbox; the newest that stands counts."""

    __tablename__ = "inbox_decision"
    __table_args__ = (
        CheckConstraint("decision IN ('keep', 'reject', 'later')", name="ck_inbox_decision"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"), index=True)
    decision: Mapped[str]
    status_before: Mapped[str]
    who: Mapped[str] = mapped_column(default="")
    at: Mapped[str] = mapped_column(default=now)
    undone_at: Mapped[str | None]
