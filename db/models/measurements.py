"""What was measured, and what it makes of a paper's score: runs, scores, report snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, now

if TYPE_CHECKING:
    from db.models.papers import Paper

# An unknown CHECK passes in SQL, so a gate that nobody tried must not make it unknown: IS TRUE.
_UNPLACED = "place IS NULL AND kind != 'report'"
_GATES_PASSED = "(fidelity_pass IS TRUE AND quality_pass IS TRUE AND status = 'ok')"


class Environment(Base):
    """The machine, software and moment of one run document."""

    __tablename__ = "environment"

    id: Mapped[str] = mapped_column(primary_key=True)
    """Hash of the record, so that importing twice changes nothing."""
    device_id: Mapped[str] = mapped_column(index=True)
    device_name: Mapped[str]
    device_class: Mapped[str]
    started_at: Mapped[str]
    record: Mapped[dict[str, Any]]


class Run(Base):
    """One measured case of one implementation, as the harness reported it.

    The checks are the house's promise: a run that failed a gate carries no speed and no time.
    """

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(
            f"speedup IS NULL OR {_GATES_PASSED}",
            name="ck_run_speedup_needs_gates",
        ),
        CheckConstraint(
            f"time_us IS NULL OR {_GATES_PASSED}",
            name="ck_run_time_needs_gates",
        ),
        CheckConstraint("speedup IS NULL OR speedup > 0", name="ck_run_speedup_positive"),
        CheckConstraint("target_weight >= 0", name="ck_run_target_weight"),
        Index("ix_run_prototype_device", "prototype", "device_id"),
        Index("ix_run_environment", "environment_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Hash of the run and its environment."""
    environment_id: Mapped[str] = mapped_column(ForeignKey("environment.id"))
    prototype: Mapped[str]
    case: Mapped[str] = mapped_column("case_id")
    implementation: Mapped[str]
    shipped: Mapped[bool] = mapped_column(default=False)
    target_weight: Mapped[float] = mapped_column(default=0.0)
    """Weight among the prototype's target cases; 0 for a case that isn't one."""
    device: Mapped[str]
    device_id: Mapped[str]
    scope: Mapped[str]
    status: Mapped[str]
    provisional: Mapped[bool] = mapped_column(default=False)
    fidelity_pass: Mapped[bool | None]
    quality_pass: Mapped[bool | None]
    time_us: Mapped[float | None]
    speedup: Mapped[float | None]
    """Against the strongest baseline."""
    started_at: Mapped[str]
    record: Mapped[dict[str, Any]]
    """The run as `python -m prototypes run` wrote it, samples included."""

    environment: Mapped[Environment] = relationship()


class Score(Base):
    """A paper's present score of one kind for one target; the list and the app read these rows."""

    __tablename__ = "score"
    __table_args__ = (
        Index("ix_score_order", "target", "kind", "rank", "paper_id", "low"),
        Index(
            "ix_score_unplaced",
            "target",
            sqlite_where=text(_UNPLACED),
            postgresql_where=text(_UNPLACED),
        ),
    )

    paper_id: Mapped[str] = mapped_column(
        ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True
    )
    target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """report, claimed or believed."""
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    rank: Mapped[int | None]
    record: Mapped[dict[str, Any]]
    """Breakdown, reasons, recommendation, rubric version."""
    place: Mapped[list[Any] | None]
    """What the rank goes by, the smallest first: the order of all is known without scoring all."""

    paper: Mapped[Paper] = relationship(back_populates="scores")


class Listing(Base):
    """A paper's row of the ranking for a target, apart from its score's long record.

    All of them are read at once, so what a list is narrowed by has columns of its own.
    """

    __tablename__ = "listing"

    target: Mapped[str] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(
        ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    recommendation: Mapped[str]
    verdict: Mapped[str]
    technique: Mapped[str | None]
    complexity: Mapped[str | None]
    device: Mapped[str | None]
    """What the verdict was measured on."""
    run_high: Mapped[float | None]
    """How much faster a whole run gets at best."""
    points: Mapped[list[Any]]
    """The points of the four criteria, then their low ends."""
    row: Mapped[dict[str, Any]]
    """What the list shows, but for ranks and words."""


class ScoreChange(Base):
    """One step of a score's history: what moved it, from what to what."""

    __tablename__ = "score_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"), index=True)
    target: Mapped[str]
    kind: Mapped[str]
    before: Mapped[float | None]
    after: Mapped[float | None]
    cause: Mapped[dict[str, Any]]
    """{"kind": "reading" | "analysis" | "correction" | "run" | "rule", "ref", "message"}."""
    at: Mapped[str] = mapped_column(default=now)


class ReportSnapshot(Base):
    """A report as it stood: the ranking, the recommendations and the phases, frozen."""

    __tablename__ = "report_snapshot"

    id: Mapped[str] = mapped_column(primary_key=True)
    reading_id: Mapped[str] = mapped_column(ForeignKey("reading.id"))
    date: Mapped[str]
    title: Mapped[dict[str, Any]]
    record: Mapped[dict[str, Any]]
