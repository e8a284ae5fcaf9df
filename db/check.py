"""Whether the catalog is whole: the file, its rows, its schema, and the promises it makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select, text

from db import check_content, postgres_tables
from db.dialects import is_postgres
from db.engine import catalog_errors, open_engine, place_of
from db.errors import NewerSchemaError
from db.models import Base, Claim, Job, PrototypeLink, Run, Runner
from db.queries.run_documents import RunRefusedError, check_run
from db.schema import HEAD, current_revision
from db.search_index import is_mapped


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a catalog, as a template with its parameters."""

    kind: str
    """file, row, schema, run, link or job."""
    template: str
    params: dict[str, Any]

    @property
    def message(self) -> str:
        """The sentence in English."""
        return self.template.format(**self.params)

    def __str__(self) -> str:
        return self.message


def check(url: str, *, prototypes: Collection[str] | None = None) -> list[Problem]:
    """Return what is wrong with the catalog at `url`; an empty list is a whole catalog.

    `prototypes` are the names that exist, to find links that point nowhere. Nothing is changed.
    Raises `CatalogError` only where the catalog can't be opened at all.
    """
    engine = open_engine(url)
    try:
        problem = _revision_problem(engine)
        if problem is not None:
            return [problem]
        with catalog_errors(engine), engine.connect() as connection:
            return [
                *_file_problems(connection),
                *_row_problems(connection),
                *_schema_problems(connection),
                *_content_problems(connection),
                *_run_problems(connection),
                *_link_problems(connection, prototypes),
                *_job_problems(connection),
            ]
    finally:
        engine.dispose()


def _revision_problem(engine: Engine) -> Problem | None:
    revision = current_revision(engine)
    if revision == HEAD:
        return None
    if revision is None:
        return _problem("schema", "{place} holds no catalog.", place=place_of(engine))
    if revision > HEAD:
        raise NewerSchemaError(
            "The catalog {place} was written by a newer Assay (schema {theirs}; this one knows up "
            "to {ours}): update Assay.",
            place=place_of(engine),
            theirs=revision,
            ours=HEAD,
        )
    return _problem(
        "schema",
        "The schema is {theirs}, and this version's is {ours}: type `assay db upgrade`.",
        theirs=revision,
        ours=HEAD,
    )


def _file_problems(connection: Connection) -> list[Problem]:
    if is_postgres(connection):
        return [
            _problem(
                "file",
                "The index {index} is damaged: type REINDEX INDEX {index} in psql.",
                index=name,
            )
            for name in postgres_tables.broken_indexes(connection)
        ]
    rows = connection.execute(text("PRAGMA integrity_check(20)")).scalars().all()
    return [
        _problem("file", "The file is damaged: {detail}.", detail=row)
        for row in rows
        if row != "ok"
    ]


def _row_problems(connection: Connection) -> list[Problem]:
    counts: dict[tuple[str, str], int] = {}
    if is_postgres(connection):
        counts = postgres_tables.rows_that_point_nowhere(connection, Base.metadata)
    else:
        for table, _rowid, parent, _number in connection.execute(text("PRAGMA foreign_key_check")):
            counts[table, parent] = counts.get((table, parent), 0) + 1
    return [
        _problem(
            "row",
            "{count} rows of {table} point to a {parent} that isn't there.",
            count=count,
            table=table,
            parent=parent,
        )
        for (table, parent), count in sorted(counts.items())
    ]


def _schema_problems(connection: Connection) -> list[Problem]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    options = {"compare_type": True, "include_name": is_mapped}
    context = MigrationContext.configure(connection, opts=options)
    return [
        _problem("schema", "The tables differ from this version's: {detail}.", detail=_name(entry))
        for entry in compare_metadata(context, Base.metadata)
    ]


def _content_problems(connection: Connection) -> list[Problem]:
    if is_postgres(connection):
        return []
    foreign = [
        _problem(
            "schema",
            "It holds a {what} that isn't Assay's ({name}) and may change what is stored: go back "
            "to a backup, or type DROP {what} {name} in sqlite3.",
            what=what,
            name=name,
        )
        for what, name in check_content.foreign_objects(connection)
    ]
    odd = [
        _problem(
            "row",
            "{count} rows of {table} hold in {column} what can't be read there: go back to a "
            "backup, or remove their papers.",
            count=count,
            table=table,
            column=column,
        )
        for table, column, count in check_content.odd_values(connection)
    ]
    return [*foreign, *odd]


def _name(difference: Any) -> str:
    """Return a difference that Alembic found in a few words: `remove_index ix_job_state`."""
    entry = difference[0] if isinstance(difference, list) else difference
    parts = [part if isinstance(part, str) else getattr(part, "name", None) for part in entry]
    return " ".join(str(part) for part in parts if isinstance(part, str))


def _run_problems(connection: Connection) -> list[Problem]:
    problems = []
    for row in connection.execute(select(Run.id, Run.speedup, Run.time_us, Run.record)):
        try:
            check_run(row.record)
        except RunRefusedError as refusal:
            problems.append(
                _problem("run", "Run {run}: {reason}.", run=row.id, reason=str(refusal))
            )
            continue
        stored = (row.record.get("speedup") or {}).get("median")
        if row.speedup != stored:
            problems.append(
                _problem("run", "Run {run}: its speedup isn't the measured one.", run=row.id)
            )
    return problems


def _link_problems(connection: Connection, prototypes: Collection[str] | None) -> list[Problem]:
    if prototypes is None:
        return []
    problems = [
        _problem(
            "link",
            "Paper {paper} names a prototype {prototype!r} that doesn't exist.",
            paper=row.paper_id,
            prototype=row.prototype,
        )
        for row in connection.execute(select(PrototypeLink.paper_id, PrototypeLink.prototype))
        if row.prototype not in prototypes
    ]
    claims = set(connection.execute(select(Claim.key)).scalars())
    linked = set(connection.execute(select(PrototypeLink.prototype)).scalars())
    named: dict[str, str] = {}
    for row in connection.execute(select(Run.id, Run.prototype, Run.record)):
        # Without a paper that has the prototype its claims are gone with the paper: no fault.
        if row.prototype in linked:
            named.update(
                {key: row.id for key in row.record.get("claims") or [] if isinstance(key, str)}
            )
    return problems + [
        _problem("link", "Run {run} names a claim {key!r} that doesn't exist.", run=run, key=key)
        for key, run in sorted(named.items())
        if key not in claims
    ]


def _job_problems(connection: Connection) -> list[Problem]:
    holder = connection.execute(select(Runner.token)).scalar()
    rows = connection.execute(select(Job.id, Job.owner).where(Job.state == "running"))
    return [
        _problem(
            "job",
            "Job {job} is marked as running, but the process that ran it is gone; open the "
            "workbench: it is begun again, or marked as interrupted.",
            job=row.id,
        )
        for row in rows
        if row.owner != holder
    ]


def _problem(kind: str, template: str, **params: Any) -> Problem:
    return Problem(kind, template, params)
