"""What can go wrong with the catalog, each as one sentence that says what to do.

A `CatalogError` carries an English template and its parameters, so that the roof can say the same
in another language: `translate(error.template).format(**error.params)`.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError


class CatalogError(Exception):
    """Something that a person can put right; `message` is safe to show."""

    def __init__(self, template: str, /, **params: Any) -> None:
        super().__init__(template)
        self.template = template
        self.params: dict[str, Any] = params

    @property
    def message(self) -> str:
        """The sentence in English."""
        return self.template.format(**self.params)

    def __str__(self) -> str:
        return self.message


class NotACatalogError(CatalogError):
    """The file is no SQLite database, or a damaged one, or one of another program."""


class NewerSchemaError(CatalogError):
    """The catalog was written by a newer Assay."""


class LockedError(CatalogError):
    """Another process kept the catalog busy for longer than the busy timeout."""


class ReadOnlyError(CatalogError):
    """The catalog or its folder can't be written."""


class NoSpaceError(CatalogError):
    """The disk is full."""


class UnreachableError(CatalogError):
    """The catalog's file can't be opened at all, or its server not be reached."""


class NotSetUpError(CatalogError):
    """The catalog has no tables yet, or those of an older Assay."""


class NotFoundError(CatalogError):
    """Nothing by that name; `close` lists what the person may have meant."""

    def __init__(self, template: str, /, *, close: tuple[str, ...] = (), **params: Any) -> None:
        super().__init__(template, **params)
        self.close = close


class DuplicateError(CatalogError):
    """The catalog holds that already; `existing` is the id of what it holds."""

    def __init__(self, template: str, /, *, existing: str, **params: Any) -> None:
        super().__init__(template, **params)
        self.existing = existing


class RefusedError(CatalogError):
    """A change that the catalog doesn't allow: a frozen reading, a correction without a reason."""


class DocumentError(CatalogError):
    """A run document that can't be read as one."""


class SeedError(CatalogError):
    """A seed file that breaks the format; names the file and the key."""


def number_too_large() -> CatalogError:
    """Return the error for a number that no column of the catalog holds."""
    return RefusedError("A number is too large for the catalog: nothing was changed.")


def as_catalog_error(error: DBAPIError, place: str) -> CatalogError | None:
    """Return the typed error behind a database error, None where it is a bug to be seen.

    A broken constraint stays an `IntegrityError`: it is the program's fault, never the user's.
    """
    cause = error.orig
    if type(cause).__module__.startswith("psycopg"):
        from db import postgres_errors

        assert cause is not None
        return postgres_errors.as_catalog_error(cause, place)
    if not isinstance(cause, sqlite3.Error):
        return None
    name: str = getattr(cause, "sqlite_errorname", None) or ""
    text = str(cause)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LockedError(
            "The catalog {place} is busy: another process is writing to it. Try again in a moment.",
            place=place,
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return NotACatalogError(
            "{place} is not a catalog, or it is damaged ({detail}). "
            "Move it away, copy a backup there or run `assay init`.",
            place=place,
            detail=text,
        )
    if name.startswith("SQLITE_READONLY"):
        return ReadOnlyError(
            "The catalog {place} can't be written: check the permissions of the file and of its "
            "folder.",
            place=place,
        )
    if name.startswith("SQLITE_FULL"):
        return NoSpaceError(
            "No space left for the catalog {place}: free some disk space and try again. "
            "Nothing was changed.",
            place=place,
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_AUTH")):
        return UnreachableError(
            "The catalog {place} can't be opened ({detail}): check that its folder exists and "
            "that you may write there.",
            place=place,
            detail=text,
        )
    if "no such table" in text or "no such column" in text:
        return NotSetUpError(
            "The catalog {place} isn't set up for this version of Assay. "
            "Type `assay init`, or `assay db upgrade` where it holds data already.",
            place=place,
        )
    return None
