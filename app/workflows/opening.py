"""Opening the catalog, and filling it with the seed and the runs that ship with the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from analyzers.message import message
from app import home
from app.errors import AssayError
from app.workflows.moves import Move
from db import schema
from db.engine import open_engine, session_scope

SHIPPED_RUNS = Path(__file__).parents[2] / "prototypes" / "results"


@dataclass(frozen=True, slots=True)
class InitSummary:
    """What `assay init` did."""

    created: bool
    papers: int
    runs_added: int
    runs_known: int
    moves: tuple[Move, ...]


def open_catalog(*, create: bool = False) -> Engine:
    """Return the catalog's engine, its schema up to date.

    Raises `AssayError` where there is no catalog yet, unless `create` makes and fills one.
    """
    url = home.database_url()
    engine = open_engine(url)
    if not schema.is_current(engine):
        new = schema.current_revision(engine) is None
        if new and not create:
            engine.dispose()
            raise AssayError(message("There is no catalog yet. Type `assay init` to create it."))
        schema.upgrade(url)
        if new:
            init_catalog(engine, created=True)
    return engine


def create_catalog() -> tuple[Engine, InitSummary]:
    """Create the catalog if need be, load the seed and the shipped runs, and score."""
    url = home.database_url()
    engine = open_engine(url)
    created = schema.current_revision(engine) is None
    schema.upgrade(url)
    return engine, init_catalog(engine, created=created)


def init_catalog(engine: Engine, *, created: bool = False) -> InitSummary:
    """Load the seed and the shipped runs, and score; doing it again changes nothing."""
    from app.workflows.benchmark import shipped_documents
    from app.workflows.triage import rescore
    from db import seed
    from db.queries import papers, runs

    added = known = 0
    with session_scope(engine) as session:
        seed.load(session)
        moves = rescore(session, {"kind": "reading", "ref": "current"})
    with session_scope(engine) as session:
        for document in shipped_documents(SHIPPED_RUNS):
            result = runs.import_document(session, document)
            added += len(result.added)
            known += len(result.known)
        if added:
            moves += rescore(session, {"kind": "run", "ref": "prototypes/results"})
        count = papers.count(session)
    return InitSummary(created, count, added, known, tuple(moves))
