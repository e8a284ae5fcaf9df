"""Papers and what is known of them: readings, facts, claims, corrections, notes."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from db.models.base import Base, now

if TYPE_CHECKING:
    from db.models.measurements import Score


LONGEST_KEY = 500
"""Of a title's key: an index of PostgreSQL takes 2.7 kB, and a hostile title may be a book."""


def title_key(title: str) -> str:
    """Return a title without case, accents, punctuation and spaces: equal for one paper twice."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "", letters)[:LONGEST_KEY]


class Paper(Base):
    """A paper or post; `id` is a stable slug (`int_flash`, `2401.06706`)."""

    __tablename__ = "paper"
    __table_args__ = (Index("ix_paper_listed", "id", "status", "published", "is_seed"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    arxiv_id: Mapped[str | None] = mapped_column(unique=True)
    """Without its version."""
    version: Mapped[str | None]
    title: Mapped[str]
    title_key: Mapped[str] = mapped_column(default="", index=True)
    """The title reduced to its letters, to find the same paper under another id."""
    authors: Mapped[list[Any]] = mapped_column(default=list)
    published: Mapped[str | None]
    url: Mapped[str | None]
    venue: Mapped[str | None]
    abstract: Mapped[str | None]
    is_seed: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(default="inbox")
    source_path: Mapped[str | None]
    content_hash: Mapped[str | None] = mapped_column(index=True)
    read: Mapped[str | None]
    """How much was read: full, partial, abstract, record."""
    analysis: Mapped[dict[str, Any] | None]
    """The last analysis, as `assay analyze` prints it."""
    added_at: Mapped[str] = mapped_column(default=now)
    updated_at: Mapped[str] = mapped_column(default=now, onupdate=now)

    facts: Mapped[list[Fact]] = relationship(back_populates="paper", cascade="all, delete-orphan")
    claims: Mapped[list[Claim]] = relationship(back_populates="paper", cascade="all, delete-orphan")
    corrections: Mapped[list[Correction]] = relationship(
        back_populates="paper", cascade="all, delete-orphan"
    )
    notes: Mapped[list[Note]] = relationship(back_populates="paper", cascade="all, delete-orphan")
    prototypes: Mapped[list[PrototypeLink]] = relationship(
        back_populates="paper", cascade="all, delete-orphan"
    )
    scores: Mapped[list[Score]] = relationship(back_populates="paper", cascade="all, delete-orphan")

    @validates("title")
    def _keep_title_key(self, _name: str, title: str) -> str:
        self.title_key = title_key(title)
        return title


class RemovedPaper(Base):
    """A seed paper that a person removed: the seed doesn't bring it back by itself."""

    __tablename__ = "removed_paper"

    paper_id: Mapped[str] = mapped_column(primary_key=True)
    arxiv_id: Mapped[str | None] = mapped_column(index=True)
    at: Mapped[str] = mapped_column(default=now)


class Reading(Base):
    """A set of facts about the papers at a date; `report-2025-08` is frozen, `current` lives."""

    __tablename__ = "reading"

    id: Mapped[str] = mapped_column(primary_key=True)
    date: Mapped[str | None]
    title: Mapped[dict[str, Any]]
    frozen: Mapped[bool] = mapped_column(default=False)


class Fact(Base):
    """One value of one field of a paper, from one source, in one reading.

    In `current` a person's word outranks the seed, and the seed an analysis. A person's fact is a
    correction: it says who, when and why, and stays on record when it is reverted.
    """

    __tablename__ = "fact"
    __table_args__ = (
        CheckConstraint("source IN ('seed', 'analysis', 'person')", name="ck_fact_source"),
        CheckConstraint(
            "source != 'person' OR (who IS NOT NULL AND why IS NOT NULL)", name="ck_fact_person"
        ),
        Index("ix_fact_paper_reading_field", "paper_id", "reading_id", "field"),
        Index("ix_fact_reading", "reading_id"),
        Index("ix_fact_source_field", "source", "field"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"))
    reading_id: Mapped[str] = mapped_column(ForeignKey("reading.id"))
    field: Mapped[str]
    """technique, relevance, complexity, integration, in_target, risks, speedup, hardware, …"""
    value: Mapped[Any] = mapped_column(JSON, nullable=False)
    source: Mapped[str]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    """Each {"en", "zh"} (seed) or {"template", "params"} (analysis)."""
    evidence: Mapped[list[Any]] = mapped_column(default=list)
    """Each {"text", "url"?, "date"?}."""
    who: Mapped[str | None]
    why: Mapped[str | None]
    at: Mapped[str] = mapped_column(default=now)
    reverted_at: Mapped[str | None]
    reverted_by: Mapped[str | None]
    reverted_why: Mapped[str | None]

    paper: Mapped[Paper] = relationship(back_populates="facts")


class Claim(Base):
    """One number that a paper claims; `key` is stable and shared with the prototypes."""

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("source IN ('seed', 'analysis', 'person')", name="ck_claim_source"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"), index=True)
    source: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    text: Mapped[dict[str, Any] | None]
    """In our own words, {"en", "zh"}; seed claims only."""
    metric: Mapped[str]
    value: Mapped[float]
    value_high: Mapped[float | None]
    unit: Mapped[str]
    bound: Mapped[str]
    subject: Mapped[str | None]
    scope: Mapped[str | None]
    part: Mapped[str | None]
    regime: Mapped[str | None]
    baseline: Mapped[str | None]
    baseline_kind: Mapped[str]
    weak_baseline: Mapped[bool] = mapped_column(default=False)
    overtaken_baseline: Mapped[bool] = mapped_column(default=False)
    hardware: Mapped[str | None]
    own_result: Mapped[bool] = mapped_column(default=True)
    in_abstract: Mapped[bool] = mapped_column(default=False)
    confidence: Mapped[float | None]
    locator: Mapped[str | None]
    """Section, table or page of the paper, for claims whose sentence is not held here."""

    paper: Mapped[Paper] = relationship(back_populates="claims")
    places: Mapped[list[Place]] = relationship(
        back_populates="claim", cascade="all, delete-orphan", order_by="Place.id"
    )


class Place(Base):
    """Where a claim stands in the user's own copy of the paper: sentence, page and boxes."""

    __tablename__ = "place"

    id: Mapped[int] = mapped_column(primary_key=True)
    claim_key: Mapped[str] = mapped_column(
        ForeignKey("claim.key", ondelete="CASCADE", onupdate="CASCADE"), index=True
    )
    kind: Mapped[str]
    quote: Mapped[str]
    page: Mapped[int | None]
    boxes: Mapped[list[Any]] = mapped_column(default=list)

    claim: Mapped[Claim] = relationship(back_populates="places")


class Correction(Base):
    """What a later reading corrects in an earlier one, in words; shown in the report."""

    __tablename__ = "correction"
    __table_args__ = (UniqueConstraint("paper_id", "key", name="uq_correction"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"), index=True)
    key: Mapped[str]
    field: Mapped[str]
    text: Mapped[dict[str, Any]]
    evidence: Mapped[list[Any]] = mapped_column(default=list)
    date: Mapped[str]

    paper: Mapped[Paper] = relationship(back_populates="corrections")


class Note(Base):
    """A person's note on a paper."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"), index=True)
    text: Mapped[str]
    who: Mapped[str]
    at: Mapped[str] = mapped_column(default=now)

    paper: Mapped[Paper] = relationship(back_populates="notes")


class Edit(Base):
    """What a person did to a paper beside its facts: a status set, a note kept or removed.

    `record` holds what undoing it needs. An edit that was undone stays on record.
    """

    __tablename__ = "edit"
    __table_args__ = (
        CheckConstraint("kind IN ('status', 'note', 'note_removed')", name="ck_edit_kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    record: Mapped[dict[str, Any]]
    """status: {"before", "after"}; note: {"note_id", "text"}; note_removed: {"text", "who",
    "at"}."""
    who: Mapped[str]
    at: Mapped[str] = mapped_column(default=now)
    undone_at: Mapped[str | None]
    undone_by: Mapped[str | None]


class PrototypeLink(Base):
    """A paper and the prototype that can test it, as the seed has it.

    A person's links and unlinkings are facts, `prototype.NAME`: the seed doesn't touch those.
    """

    __tablename__ = "prototype_link"

    paper_id: Mapped[str] = mapped_column(
        ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True
    )
    prototype: Mapped[str] = mapped_column(primary_key=True)

    paper: Mapped[Paper] = relationship(back_populates="prototypes")
