"""What may be shown to a user: one sentence that says what is wrong and what to do."""

from __future__ import annotations

from analyzers.message import Message, message


class AssayError(Exception):
    """An error whose text is meant for the user; no traceback goes with it.

    `reason` is the sentence in any language; a plain text is one that was said in the person's
    language already.
    """

    def __init__(self, reason: Message | str) -> None:
        super().__init__(reason)
        self.reason = reason if isinstance(reason, Message) else message("{why}", why=reason)

    def __str__(self) -> str:
        return str(self.reason)


class UsageError(AssayError):
    """The command or the form was filled in wrongly; exit status 2."""


def reason_of(error: BaseException) -> Message | None:
    """Return the sentence of an error that some pillar raised for people; None for a bug."""
    from analyzers.errors import AnalyzerError
    from analyzers.targets import TargetError
    from db.errors import CatalogError

    if isinstance(error, (AssayError, AnalyzerError, TargetError)):
        return error.reason
    if isinstance(error, CatalogError):
        return Message(error.template, error.params)
    return None
