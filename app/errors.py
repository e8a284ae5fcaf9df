"""What may be shown to a user: one sentence that says what is wrong and what to do."""

from __future__ import annotations


class AssayError(Exception):
    """An error whose text is meant for the user; no traceback goes with it."""


class UsageError(AssayError):
    """The command or the form was filled in wrongly; exit status 2."""
