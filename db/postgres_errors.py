"""What PostgreSQL and its driver say when something is wrong, as sentences that say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable

from db.errors import (
    CatalogError,
    LockedError,
    NoSpaceError,
    NotSetUpError,
    ReadOnlyError,
    RefusedError,
    UnreachableError,
    number_too_large,
)


def as_catalog_error(cause: BaseException, place: str) -> CatalogError | None:
    """Return the typed error behind one of the driver's, None where it is a bug to be seen."""
    state: str = getattr(cause, "sqlstate", None) or ""
    for prefixes, make in _BY_STATE:
        if state.startswith(prefixes):
            return make(place, _detail(cause))
    if state or type(cause).__name__ not in ("OperationalError", "ConnectionTimeout"):
        return None
    # A connection that did not come about carries no code, only words.
    text = str(cause)
    for pattern, make in _BY_WORDS:
        if re.search(pattern, text):
            return make(place, _detail(cause))
    return _unreachable(place, _detail(cause))


def _detail(cause: BaseException) -> str:
    """Return the last thing that was said, in one line: libpq tells what it tried before."""
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "FATAL:" in line), lines[0] if lines else "")
    return said.rpartition("FATAL:")[2].strip() or said


def _busy(place: str, _detail: str) -> CatalogError:
    return LockedError(
        "The catalog {place} is busy: another process is writing to it. Try again in a moment.",
        place=place,
    )


def _password(place: str, _detail: str) -> CatalogError:
    return UnreachableError(
        "The database server refuses the name or the password for {place}: check both in "
        "ASSAY_DATABASE_URL, or in ~/.pgpass.",
        place=place,
    )


def _no_password(place: str, _detail: str) -> CatalogError:
    return UnreachableError(
        "The database server asks for a password for {place}: put it into ~/.pgpass, or into "
        "ASSAY_DATABASE_URL.",
        place=place,
    )


def _no_database(place: str, _detail: str) -> CatalogError:
    return UnreachableError(
        "There is no database {place} on the server: make it there with `createdb`, or correct "
        "ASSAY_DATABASE_URL.",
        place=place,
    )


def _no_entry(place: str, detail: str) -> CatalogError:
    return UnreachableError(
        "The database server lets nobody in from here as {place} asks ({detail}): its "
        "administrator allows it in pg_hba.conf.",
        place=place,
        detail=detail,
    )


def _nobody_there(place: str, detail: str) -> CatalogError:
    return UnreachableError(
        "No database server answers at {place} ({detail}): check host and port in "
        "ASSAY_DATABASE_URL, and that the server runs.",
        place=place,
        detail=detail,
    )


def _starting(place: str, _detail: str) -> CatalogError:
    return UnreachableError(
        "The database server of {place} is just starting, or ending: try again in a moment.",
        place=place,
    )


def _unreachable(place: str, detail: str) -> CatalogError:
    return UnreachableError(
        "The database {place} can't be reached ({detail}): try again, or ask its administrator.",
        place=place,
        detail=detail,
    )


def _ended(place: str, detail: str) -> CatalogError:
    return LockedError(
        "The database server ended what was asked of {place} ({detail}). Nothing was changed: try "
        "again, or ask its administrator for more time.",
        place=place,
        detail=detail,
    )


def _lost(place: str, detail: str) -> CatalogError:
    return UnreachableError(
        "The connection to {place} was lost ({detail}). What was not finished is undone: try "
        "again.",
        place=place,
        detail=detail,
    )


def _no_space(place: str, _detail: str) -> CatalogError:
    return NoSpaceError(
        "No space left for the catalog {place}: free some disk space and try again. "
        "Nothing was changed.",
        place=place,
    )


def _read_only(place: str, detail: str) -> CatalogError:
    return ReadOnlyError(
        "The catalog {place} can't be written ({detail}): its user needs the right to write and "
        "to create tables there.",
        place=place,
        detail=detail,
    )


def _too_large(_place: str, _detail: str) -> CatalogError:
    return number_too_large()


def _too_long(_place: str, detail: str) -> CatalogError:
    return RefusedError(
        "A text is too long for PostgreSQL ({detail}): nothing was changed.", detail=detail
    )


def _no_tables(place: str, _detail: str) -> CatalogError:
    return NotSetUpError(
        "The catalog {place} isn't set up for this version of Assay. "
        "Type `assay init`, or `assay db upgrade` where it holds data already.",
        place=place,
    )


_Make = Callable[[str, str], CatalogError]

# Codes of PostgreSQL's appendix A; those of constraints (23…) are bugs, and stay what they are.
_BY_STATE: tuple[tuple[tuple[str, ...], _Make], ...] = (
    (("55P03", "40001", "40P01"), _busy),
    (("57014",), _ended),
    (("42P01", "42703"), _no_tables),
    (("25006", "42501"), _read_only),
    (("53100",), _no_space),
    (("22003",), _too_large),
    (("54000",), _too_long),
    (("28",), _password),
    (("3D000",), _no_database),
    (("57P01", "57P02", "57P05", "25P03", "08"), _lost),
    (("57P03",), _starting),
    (("53",), _unreachable),
)
_BY_WORDS: tuple[tuple[str, _Make], ...] = (
    (r"password authentication failed|role \".*\" does not exist|authentication failed", _password),
    (r"no password supplied", _no_password),
    (r"database \".*\" does not exist", _no_database),
    (r"no pg_hba\.conf entry", _no_entry),
    (r"system is starting up|recovery mode|not yet accepting|system is shutting down", _starting),
    (r"server closed the connection|connection already closed|consuming input|"
     r"terminating connection|the connection is (?:lost|closed)", _lost),
    (r"failed to resolve|Connection refused|No such file|timeout|No route|unreachable|"
     r"not translate host name", _nobody_there),
)  # fmt: skip
