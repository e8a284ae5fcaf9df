"""The full-text index in PostgreSQL: a `tsvector` a piece under a GIN index, and triggers.

The words are taken apart here, not by a text search configuration of the server: those go by the
server's locale and split numbers and names in their own way, and a search should find the same
papers on both databases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from db.words import WORD, folded

_MOST_POSITIONS = 255
"""Of one word in a piece; PostgreSQL keeps no more."""
_LAST_POSITION = 16_383
"""PostgreSQL counts no further: words beyond it are found, phrases there are not."""
_LONGEST_WORD = 400
"""In bytes; PostgreSQL takes up to 2,046, and a longer run of letters is no word."""
_MOST_BYTES = 900_000
"""Of one piece's words; PostgreSQL takes up to 1 MB."""
_AT_ONCE = 500

TABLES = ("search_index", "search_index_new")
"""Which no model describes."""
_INDEX = (
    "CREATE INDEX IF NOT EXISTS search_index_words ON search_index USING gin (words)"
    # A search shouldn't have to read what writers left to be sorted in.
    " WITH (fastupdate = off)"
)
_MAKE = (
    "CREATE TABLE IF NOT EXISTS search_index ("
    " id integer PRIMARY KEY REFERENCES search_text (id) ON DELETE CASCADE,"
    ' paper_id varchar COLLATE "C" NOT NULL, kind varchar COLLATE "C" NOT NULL,'
    " words tsvector NOT NULL"
    # Words move out of the row: counting found pieces reads narrow rows only.
    ") WITH (toast_tuple_target = 128)",
    "ALTER TABLE search_index ALTER COLUMN words SET STORAGE EXTERNAL",
    _INDEX,
    "CREATE TABLE IF NOT EXISTS search_index_new (id integer PRIMARY KEY)",
)


def is_there(connection: Connection) -> bool:
    """Whether the index was made."""
    return connection.execute(text("SELECT to_regclass('search_index')")).scalar() is not None


def prepare(connection: Connection, watched: Mapping[str, tuple[str, str, str]]) -> None:
    """Make the index's tables and triggers where they are missing.

    `watched` says of each table which columns are searched, and what a change makes stale: a quoted
    kind and the column that holds the key.
    """
    for statement in _MAKE:
        connection.exec_driver_sql(statement)
    for table, (columns, kind, key) in watched.items():
        for moment, row in ((f"INSERT OR UPDATE OF {columns}", "NEW"), ("DELETE", "OLD")):
            name = f"search_{table}_{'delete' if row == 'OLD' else 'write'}"
            _trigger(
                connection, name, table, moment,
                f"INSERT INTO search_stale (kind, key) VALUES ({kind}, {row}.{key}) "
                "ON CONFLICT DO NOTHING;",
            )  # fmt: skip
    _trigger(
        connection, "search_text_write", "search_text", "INSERT OR UPDATE OF text",
        "INSERT INTO search_index_new (id) VALUES (NEW.id) ON CONFLICT DO NOTHING;",
    )  # fmt: skip
    connection.exec_driver_sql(
        "INSERT INTO search_index_new (id) SELECT t.id FROM search_text t WHERE NOT EXISTS "
        "(SELECT 1 FROM search_index i WHERE i.id = t.id) ON CONFLICT DO NOTHING"
    )


def _trigger(connection: Connection, name: str, table: str, moment: str, action: str) -> None:
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {action} RETURN NULL; END $$"
    )
    connection.exec_driver_sql(
        f"CREATE OR REPLACE TRIGGER {name} AFTER {moment} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def is_stale(connection: Connection) -> bool:
    """Whether there are pieces that the index doesn't know yet."""
    return is_there(connection) and bool(
        connection.execute(text("SELECT EXISTS (SELECT 1 FROM search_index_new)")).scalar()
    )


def fill(connection: Connection, on_progress: Callable[[int, int], None]) -> None:
    """Take all pieces into an empty index, as `postgres_loading.loading` lets them in."""
    driver: Any = connection.connection.driver_connection
    total = connection.execute(text("SELECT count(*) FROM search_text")).scalar_one()
    done, last = 0, None
    while rows := connection.execute(_NEXT, {"last": last, "most": _AT_ONCE}).all():
        on_progress(done, total)
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row((row.id, row.paper_id, row.kind, vector_of(row.text)))
        done, last = done + len(rows), rows[-1].id


_NEXT = text(
    "SELECT id, paper_id, kind, text FROM search_text "
    "WHERE CAST(:last AS integer) IS NULL OR id > :last ORDER BY id LIMIT :most"
)
_COPY = "COPY search_index (id, paper_id, kind, words) FROM STDIN (FREEZE)"


def refresh(
    connection: Connection, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Take new pieces, and those whose text changed, into the index."""
    if not is_there(connection):
        return
    found = connection.scalars(text("SELECT id FROM search_index_new ORDER BY id")).all()
    ids, done = iter(found), 0
    while some := list(islice(ids, _AT_ONCE)):
        on_progress(done, len(found))
        done += len(some)
        rows = connection.execute(
            text("SELECT id, paper_id, kind, text FROM search_text WHERE id = ANY(:ids)"),
            {"ids": some},
        )
        values = [
            {"id": row.id, "paper": row.paper_id, "kind": row.kind, "words": vector_of(row.text)}
            for row in rows
        ]
        if values:
            connection.execute(_PUT, values)
        connection.execute(text("DELETE FROM search_index_new WHERE id = ANY(:ids)"), {"ids": some})


_PUT = text(
    "INSERT INTO search_index (id, paper_id, kind, words) "
    "VALUES (:id, :paper, :kind, CAST(:words AS tsvector)) ON CONFLICT (id) DO UPDATE SET "
    "paper_id = excluded.paper_id, kind = excluded.kind, words = excluded.words"
)


def vector_of(words: str) -> str:
    """Return the words of a text with their places, as PostgreSQL writes a `tsvector`."""
    places: dict[str, list[str]] = {}
    for number, word in enumerate(WORD.findall(folded(words)), start=1):
        where = places.setdefault(_short(word), [])
        if len(where) < _MOST_POSITIONS and number <= _LAST_POSITION:
            where.append(str(number))
    told, size = [], 0
    for word, where in places.items():
        # A lexeme takes its bytes and two for each place.
        size += len(word.encode()) + 2 * len(where) + 8
        if size > _MOST_BYTES:
            break
        told.append(f"'{word}':{','.join(where)}" if where else f"'{word}'")
    return " ".join(told)


def query_of(terms: Iterable[tuple[str, bool]]) -> str:
    """Return what a query asks for as PostgreSQL writes a `tsquery`.

    Each term is words with a space between them, and whether the last one may be a beginning. A
    word holds letters and digits only, so nothing in it is syntax.
    """
    return " & ".join(
        f"({' <-> '.join(_lexemes(words.split(), is_beginning))})" for words, is_beginning in terms
    )


def _lexemes(words: Sequence[str], is_beginning: bool) -> list[str]:
    last = len(words) - 1
    return [
        f"'{_short(folded(word))}'{':*' if is_beginning and number == last else ''}"
        for number, word in enumerate(words)
    ]


def _short(word: str) -> str:
    if len(word) * 4 <= _LONGEST_WORD:
        return word
    return word.encode()[:_LONGEST_WORD].decode("utf-8", "ignore")


def numbers(connection: Connection, query: str) -> bytes:
    """Return the numbers of all pieces that match, four bytes each, the highest byte first.

    A third less to send than their digits, and nothing to parse.
    """
    # The planner believes that reading all rows is as quick for a common word: it doesn't count
    # that each page's words lie apart from its row. By the index it takes a sixteenth.
    connection.execute(_SEQUENTIAL, {"how": "off"})
    found = connection.scalar(_NUMBERS, {"query": query})
    connection.execute(_SEQUENTIAL, {"how": "on"})
    return bytes(found or b"")


_SEQUENTIAL = text("SELECT set_config('enable_seqscan', :how, true)")
_NUMBERS = text(
    "SELECT string_agg(int4send(id), '') FROM search_index WHERE words @@ CAST(:query AS tsquery)"
)
