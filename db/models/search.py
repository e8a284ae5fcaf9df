"""What the search looks through, in pieces that a hit can be shown from."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class SearchText(Base):
    """One piece of text of a paper; a hit is a piece that has all the words.

    A derived table: pages are stored when a file is read, all other pieces follow their sources.
    """

    __tablename__ = "search_text"
    __table_args__ = (
        Index("ix_search_text_paper", "paper_id", "kind"),
        # Found pieces are told apart without reading their texts.
        Index("ix_search_text_piece", "id", "paper_id", "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[str] = mapped_column(ForeignKey("paper.id", ondelete="CASCADE"))
    kind: Mapped[str]
    """title (with authors and ids), claim, note, abstract or page."""
    ref: Mapped[str | None]
    """The claim's key or the note's number."""
    page: Mapped[int | None]
    text: Mapped[str]
    """With a zero-width space between Chinese characters: each is a word of its own."""


class SearchStale(Base):
    """A paper, or a claim, whose pieces are older than what they are made from."""

    __tablename__ = "search_stale"

    kind: Mapped[str] = mapped_column(primary_key=True)
    """paper or claim."""
    key: Mapped[str] = mapped_column(primary_key=True)
