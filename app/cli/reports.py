"""`assay report`: write the priority report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.reports.formats import FORMATS, format_of


def register(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command("report", epilog="Example: assay report --format html --lang zh -o report.html")(
        report
    )


def report(
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", help=f"{', '.join(FORMATS)}; else as the file's name ends, or md."
        ),
    ] = None,
    language: Annotated[str, typer.Option("--lang", help="en or zh.")] = "en",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else stdout.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The engine to rank for; the one in use if left out.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Show changes since this report, e.g. report-2025-08.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep it as a report to compare with later.")
    ] = False,
) -> None:
    """Write the priority report from the catalog as it stands."""
    from app.cli.output import note
    from app.workflows.opening import open_catalog
    from app.workflows.report import render, save_snapshot, write_output
    from db.engine import read_scope, session_scope

    chosen = format_ or (format_of(output) if output else "md")
    engine = open_catalog()
    with read_scope(engine) as session:  # one moment, whatever is written meanwhile
        text = render(session, format=chosen, language=language, target=target, since=since)
    if save:
        with session_scope(engine) as session:
            note(f"Kept as {save_snapshot(session, target=target)}.")
    if output is None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    else:
        note(f"Wrote {write_output(output, text)}.")
