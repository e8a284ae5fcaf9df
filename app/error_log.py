"""Where tracebacks go: to a file for whoever mends Assay, never to a person's terminal or page."""

from __future__ import annotations

import traceback
from pathlib import Path

from app import home


def log_error(error: BaseException) -> Path | None:
    """Keep an error's traceback; return the log, None where none could be written.

    An error may repeat what a file said: signs that would drive a terminal are replaced.
    """
    told = "".join(traceback.format_exception(error))
    shown = "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in told)
    try:
        log = home.logs_folder() / "errors.log"
        with log.open("a", encoding="utf-8") as out:
            out.write(shown)
    except OSError:
        return None
    return log
