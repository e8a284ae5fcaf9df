"""Files that were read: look them up by their content, remember what they gave."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.dialects import insert
from db.models import Paper, SourceFile, now


class FileRow(NamedTuple):
    """A file that was read, and the paper or the error that came of it."""

    content_hash: str
    paper_id: str | None
    path: str
    version: int | None
    rules: str
    error: dict[str, Any] | None


def find(session: Session, content_hash: str) -> FileRow | None:
    """Return what is known of a file's content, None if it was never read."""
    columns = [getattr(SourceFile, name) for name in FileRow._fields]
    row = session.execute(select(*columns).where(SourceFile.content_hash == content_hash)).first()
    return None if row is None else FileRow(*row)


def of_version(session: Session, arxiv_id: str, version: int, rules: str) -> FileRow | None:
    """Return the file that these rules read this version of an arXiv paper from, if there is one.

    A paper of which only the abstract was read has no such file.
    """
    columns = [getattr(SourceFile, name) for name in FileRow._fields]
    statement = (
        select(*columns)
        .join(Paper, Paper.id == SourceFile.paper_id)
        .where(
            Paper.arxiv_id == arxiv_id.lower(),
            Paper.read.in_(["full", "partial"]),
            SourceFile.version == version,
            SourceFile.rules == rules,
        )
        .limit(1)
    )
    row = session.execute(statement).first()
    return None if row is None else FileRow(*row)


def remember(session: Session, row: FileRow) -> None:
    """Keep what a file gave; what was known of the same content is replaced."""
    values = {**row._asdict(), "at": now()}
    statement = insert(session, SourceFile).values(values)
    changes = {name: value for name, value in values.items() if name != "content_hash"}
    session.execute(
        statement.on_conflict_do_update(index_elements=[SourceFile.content_hash], set_=changes)
    )
