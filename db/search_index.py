"""The index of the full-text search: its tables, what keeps it in step, and filling it.

Triggers note which papers changed, whoever changes them and by whatever program; the session that
changed them brings the index up to date before it commits (`db.engine.session_scope`), and a
search does so for what is left. Words are SQLite's own FTS5, or PostgreSQL's own index
(`db.search_postgres`); where both are missing the same pieces are scanned.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, inspect, select, text

from db import search_postgres
from db.dialects import is_postgres, json_text
from db.models import Claim, Note, Paper, Place, SearchStale, SearchText

TABLE = "search_index"
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af"
_BETWEEN = re.compile(rf"(?<=[{_CHINESE}])|(?=[{_CHINESE}])")
GAP = "\u200b"
"""Stands around each Chinese character: unicode61 takes an unbroken run of them for one word."""

_WATCHED = {
    "paper": ("id, title, authors, abstract, arxiv_id", "'paper'", "id"),
    "claim": ("key, paper_id, subject, baseline, text", "'paper'", "paper_id"),
    "note": ("paper_id, text", "'paper'", "paper_id"),
    "place": ("claim_key, quote, page", "'claim'", "claim_key"),
}
"""Of each table: the columns that are searched, and whose pieces a change makes stale.

No trigger names another source table: a later migration may rebuild any of them.
"""
_BATCH = 300


class Piece(NamedTuple):
    """A piece to store; see `SearchText`."""

    kind: str
    ref: str | None
    page: int | None
    text: str


def spaced(words: str) -> str:
    """Return text whose Chinese characters are words of their own, in NFKC."""
    return _BETWEEN.sub(GAP, unicodedata.normalize("NFKC", words.replace("\0", " ")))


def unspaced(words: str) -> str:
    """Return the text that `spaced` was given, in NFKC."""
    return words.replace(GAP, "")


def has_words_index(connection: Connection) -> bool:
    """Whether there is an index of words; elsewhere the pieces are scanned."""
    if is_postgres(connection):
        return search_postgres.is_there(connection)
    statement = text("SELECT 1 FROM sqlite_master WHERE name = :name")
    return connection.execute(statement, {"name": TABLE}).first() is not None


def is_mapped(name: str | None, kind: str, _parents: Any = None) -> bool:
    """Whether the models say what a table looks like; the index's own tables are its own affair."""
    return not (kind == "table" and name is not None and name.startswith(TABLE))


def prepare(connection: Connection) -> None:
    """Make the index's table and triggers where they are missing, and fill it.

    A migration that rebuilds a table drops its triggers: this runs after each upgrade.
    """
    if not inspect(connection).has_table("search_text"):
        return
    if is_postgres(connection):
        search_postgres.prepare(connection, _WATCHED)
        refresh(connection)
        return
    for table, (columns, kind, key) in _WATCHED.items():
        for moment, row in (("INSERT", "NEW"), (f"UPDATE OF {columns}", "NEW"), ("DELETE", "OLD")):
            name = f"search_{table}_{moment.split()[0].lower()}"
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {moment} ON {table} BEGIN "
                f"INSERT INTO search_stale (kind, key) SELECT {kind}, {row}.{key} WHERE NOT EXISTS "
                f"(SELECT 1 FROM search_stale WHERE kind = {kind} AND key = {row}.{key}); END"
            )
    if _has_fts5(connection):
        is_new = not has_words_index(connection)
        for statement in _FTS:
            connection.exec_driver_sql(statement)
        if is_new:
            connection.exec_driver_sql(f"INSERT INTO {TABLE} ({TABLE}) VALUES ('rebuild')")
    refresh(connection)


def _has_fts5(connection: Connection) -> bool:
    options = connection.exec_driver_sql("PRAGMA compile_options").scalars()
    return "ENABLE_FTS5" in set(options)


_FTS = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5(text, content='search_text', "
    "content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
    "CREATE TRIGGER IF NOT EXISTS search_text_insert AFTER INSERT ON search_text BEGIN "
    f"INSERT INTO {TABLE} (rowid, text) VALUES (NEW.id, NEW.text); END",
    "CREATE TRIGGER IF NOT EXISTS search_text_delete AFTER DELETE ON search_text BEGIN "
    f"INSERT INTO {TABLE} ({TABLE}, rowid, text) VALUES ('delete', OLD.id, OLD.text); END",
    "CREATE TRIGGER IF NOT EXISTS search_text_update AFTER UPDATE ON search_text BEGIN "
    f"INSERT INTO {TABLE} ({TABLE}, rowid, text) VALUES ('delete', OLD.id, OLD.text); "
    f"INSERT INTO {TABLE} (rowid, text) VALUES (NEW.id, NEW.text); END",
)


def is_stale(connection: Connection) -> bool:
    """Whether something changed that the index doesn't know yet."""
    if connection.execute(select(SearchStale.key).limit(1)).first() is not None:
        return True
    return is_postgres(connection) and search_postgres.is_stale(connection)


def refresh(connection: Connection) -> int:
    """Bring the pieces of changed papers up to date; return how many papers changed."""
    changed = _refresh_pieces(connection)
    if is_postgres(connection):
        search_postgres.refresh(connection)
    return changed


def _refresh_pieces(connection: Connection) -> int:
    keys: dict[str, list[str]] = {"paper": [], "claim": []}
    for kind, key in connection.execute(select(SearchStale.kind, SearchStale.key)):
        keys[kind].append(key)
    if not any(keys.values()):
        return 0
    papers = set(keys["paper"])
    for some in _groups(keys["claim"]):
        papers.update(connection.scalars(select(Claim.paper_id).where(Claim.key.in_(some))))
    for group in _groups(sorted(papers)):
        connection.execute(
            delete(SearchText).where(SearchText.paper_id.in_(group), SearchText.kind != "page")
        )
        rows = [
            piece._asdict() | {"paper_id": paper_id, "text": spaced(piece.text)}
            for paper_id, piece in _pieces(connection, group)
        ]
        if rows:
            connection.execute(insert(SearchText), rows)
    connection.execute(delete(SearchStale))
    return len(papers)


def store_pages(
    connection: Connection, paper_id: str, pages: Iterable[tuple[int | None, str]]
) -> None:
    """Put the text of a paper's file, by page, in the place of what was held of it."""
    connection.execute(
        delete(SearchText).where(SearchText.paper_id == paper_id, SearchText.kind == "page")
    )
    rows = [
        {"paper_id": paper_id, "kind": "page", "ref": None, "page": page, "text": spaced(words)}
        for page, words in pages
        if words.strip()
    ]
    if rows:
        connection.execute(insert(SearchText), rows)


def _groups(keys: Iterable[str]) -> Iterator[tuple[str, ...]]:
    waiting = iter(keys)
    while group := tuple(islice(waiting, _BATCH)):
        yield group


def _pieces(connection: Connection, papers: tuple[str, ...]) -> Iterator[tuple[str, Piece]]:
    """Yield what is searched of these papers, but for their files' pages."""
    for paper in connection.execute(
        select(Paper.id, Paper.arxiv_id, Paper.title, Paper.authors, Paper.abstract).where(
            Paper.id.in_(papers)
        )
    ):
        names = [str(name) for name in paper.authors or ()]
        head = [paper.title, ", ".join(names), paper.arxiv_id or "", paper.id]
        yield paper.id, Piece("title", None, None, " · ".join(dict.fromkeys(filter(None, head))))
        if paper.abstract:
            yield paper.id, Piece("abstract", None, None, paper.abstract)
    quotes: dict[str, list[tuple[str, int | None]]] = {}
    statement = (
        select(Place.claim_key, Place.quote, Place.page)
        .join(Claim, Claim.key == Place.claim_key)
        .where(Claim.paper_id.in_(papers))
        .order_by(Place.id)
    )
    for key, quote, page in connection.execute(statement):
        quotes.setdefault(key, []).append((quote, page))
    claims = select(
        Claim.key, Claim.paper_id, Claim.subject, Claim.baseline, json_text(connection, Claim.text)
    ).where(Claim.paper_id.in_(papers))
    for key, paper_id, subject, baseline, told in connection.execute(claims):
        places = quotes.get(key, [])
        ours = list((json.loads(told) or {}).values()) if told else []
        parts = [*ours, *(quote for quote, _ in places), subject, baseline]
        page = next((page for _, page in places if page), None)
        words = " · ".join(dict.fromkeys(str(part) for part in parts if part))
        if words:
            yield paper_id, Piece("claim", key, page, words)
    notes = select(Note.id, Note.paper_id, Note.text).where(Note.paper_id.in_(papers))
    for number, paper_id, words in connection.execute(notes):
        yield paper_id, Piece("note", str(number), None, words)


__all__ = [
    "GAP", "TABLE", "has_words_index", "is_mapped", "is_stale", "prepare", "refresh", "spaced",
    "store_pages", "unspaced",
]  # fmt: skip
