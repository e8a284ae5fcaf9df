"""The command line's entry, and the one place where errors become sentences."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import redirect_stderr
from typing import Any, NoReturn, TextIO, cast

import typer

from app.cli import (
    adding,
    bench,
    database,
    hosts,
    papers,
    reports,
    searching,
    targets,
    watch,
    workbench,
)
from app.cli.output import Cleaned

app = typer.Typer(
    name="assay",
    help="Reads papers about faster LLM inference, weighs their claims, measures a prototype on "
    "this machine, and ranks the papers by what it measured.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="Example: assay init && assay list",
)
papers.register(app)
adding.register(app)
searching.register(app)
reports.register(app)
workbench.register(app)
app.add_typer(bench.app, name="bench")
app.add_typer(watch.app, name="watch")
app.add_typer(database.app, name="db")
app.add_typer(targets.app, name="target")
app.add_typer(hosts.app, name="hosts")


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    status: Any = 0
    try:
        with redirect_stderr(cast(TextIO, Cleaned(sys.stderr))):
            app()
    except SystemExit as done:
        status = done.code
    except Exception as error:
        status = _report(error)
    gc.freeze()  # the interpreter's last collection would look at every module once more
    sys.exit(status)


def _report(error: Exception) -> int:
    """Say what went wrong in one sentence, and return the exit status."""
    from app.cli.output import error_line
    from app.errors import UsageError, reason_of

    if isinstance(error, BrokenPipeError):
        # Whoever read our output has had enough; don't complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    reason = reason_of(error)
    if reason is None:
        return _unexpected(error)
    error_line(reason)
    return 2 if isinstance(error, UsageError) else 1


def _unexpected(error: Exception) -> int:
    """Keep the traceback in a log and tell where it is."""
    from app.error_log import log_error

    log = log_error(error)
    where = f"details are in {log}" if log else "no log could be written"
    print(
        f"Error: something unexpected happened ({type(error).__name__}); {where}.", file=sys.stderr
    )
    return 1
