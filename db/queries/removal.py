"""Taking a paper out of the catalog so that it can come back: all its rows, as JSON holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Integer, Table, delete, insert, select
from sqlalchemy.orm import Session

from db.dialects import count_on_from_highest
from db.errors import CatalogError
from db.models import Paper, RemovedPaper
from db.queries import counters, papers

Rows = dict[str, list[dict[str, Any]]]


def pack(session: Session, paper_id: str) -> Rows:
    """Return the rows of a paper in all tables that its removal empties, by table.

    Raises `NotFoundError` for an id that no paper has.
    """
    papers.get(session, paper_id)
    session.flush()
    connection = session.connection()
    packed: Rows = {}
    for table, column, parent, key in _belonging():
        values = [row[key] for row in packed.get(parent, ())] if parent else [paper_id]
        if values:
            found = connection.execute(select(table).where(table.c[column].in_(values)))
            packed[table.name] = [dict(row._mapping) for row in found]
    return packed


def unpack(session: Session, packed: Mapping[str, list[dict[str, Any]]]) -> str:
    """Put packed rows back and return the paper's id.

    A number that another row took meanwhile is given anew. Raises `CatalogError` where the paper
    is in the catalog, or the rows are of another schema.
    """
    rows = packed.get("paper") or [{}]
    paper_id = str(rows[0].get("id", ""))
    if not paper_id or session.get(Paper, paper_id) is not None:
        raise CatalogError("The paper {paper!r} is in the catalog.", paper=paper_id)
    counters.bump(session)
    session.execute(delete(RemovedPaper).where(RemovedPaper.paper_id == paper_id))
    session.flush()
    connection = session.connection()
    for table, *_ in _belonging():
        known = set(table.c.keys())
        for row in packed.get(table.name, ()):
            if not set(row) <= known:
                raise CatalogError(
                    "What was kept of {paper!r} is of another version of the catalog: "
                    "add the paper again.",
                    paper=paper_id,
                )
            number = _number_of(table)
            if number is not None:
                taken = select(table.c[number]).where(table.c[number] == row[number])
                if connection.execute(taken).first() is not None:
                    row = {name: value for name, value in row.items() if name != number}
            connection.execute(insert(table), row)
        count_on_from_highest(connection, table)
    return paper_id


def _belonging() -> list[tuple[Table, str, str, str]]:
    """Return (table, column, parent, parent's key) of what goes with a paper, parents first."""
    found = [(Paper.metadata.tables["paper"], "id", "", "")]
    names = {"paper"}
    for table in Paper.metadata.sorted_tables:
        for column in table.columns:
            for foreign in column.foreign_keys:
                parent = foreign.column.table.name
                if foreign.ondelete == "CASCADE" and parent in names and table.name not in names:
                    names.add(table.name)
                    found.append((table, column.name, parent, foreign.column.name))
    return found


def _number_of(table: Table) -> str | None:
    """Return the key that the database counts up itself, if any."""
    keys = list(table.primary_key.columns)
    return keys[0].name if len(keys) == 1 and isinstance(keys[0].type, Integer) else None
