"""Files that were read: what each gave, so that none is read twice for nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, now


class SourceFile(Base):
    """A file's content, the rules it was read by, and the paper (or the error) that came of it."""

    __tablename__ = "source_file"

    content_hash: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of its bytes: the same file under another name is the same file."""
    paper_id: Mapped[str | None] = mapped_column(
        ForeignKey("paper.id", ondelete="CASCADE"), index=True
    )
    """None where reading it failed."""
    path: Mapped[str]
    version: Mapped[int | None]
    """The version of the paper that it holds, where that is known."""
    rules: Mapped[str]
    """Which rules read it; other rules may find other things in it."""
    error: Mapped[dict[str, Any] | None]
    """{"kind", "template", "params"} where reading it failed."""
    at: Mapped[str] = mapped_column(default=now)
