"""`assay db …`: upgrade, back up, copy and check the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analyzers.message import message
from app.cli.output import note

app = typer.Typer(
    name="db",
    help="Upgrade, back up, copy and check the catalog.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("upgrade", epilog="Example: assay db upgrade")
def upgrade() -> None:
    """Bring the catalog to this version's schema."""
    from app import home
    from db import schema

    changed = schema.upgrade(home.database_url())
    print("Upgraded." if changed else "The catalog is up to date.")


@app.command("backup", epilog="Example: assay db backup ~/assay-backup.db")
def backup(
    destination: Annotated[Path, typer.Argument(help="A new file, or a folder.")],
) -> None:
    """Copy the catalog while it is in use."""
    from app.workflows.opening import open_catalog
    from db.backup import backup as copy_of

    print(copy_of(open_catalog(), destination))


@app.command("copy", epilog="Example: assay db copy --to postgresql+psycopg://you@host/assay")
def copy(
    to: Annotated[str, typer.Option(help="An empty database's URL, or a new SQLite file.")],
) -> None:
    """Copy the whole catalog into another database.

    From SQLite to PostgreSQL, or back.

    The catalog is only read. What is written to it meanwhile isn't in the copy.
    """
    from app.cli.adding import Progress
    from app.cli.output import language
    from app.labels import say
    from app.workflows.copying import copy_to

    try:
        told = copy_to(to, on_progress=Progress())
    except KeyboardInterrupt:
        note(say(message("Stopped: nothing was copied."), language()))
        raise typer.Exit(1) from None
    for sentence in told:
        print(say(sentence, language()))


@app.command("check", epilog="Example: assay db check")
def check() -> None:
    """Check that the catalog is whole."""
    from app import home
    from app.workflows.opening import open_catalog
    from db.check import check as find_problems

    open_catalog().dispose()
    problems = find_problems(home.database_url())
    for problem in problems:
        note(f"Error: {problem}")
    if problems:
        raise typer.Exit(1)
    print("The catalog is whole.")


@app.command("labels", epilog="Example: assay db labels my-labels")
def labels(
    folder: Annotated[Path, typer.Argument(help="The folder to write to; it is made if need be.")],
) -> None:
    """Write people's corrections as labels.

    `python -m analyzers.evaluate` reads them.
    """
    from app.workflows.labels import export_labels
    from app.workflows.opening import open_catalog
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        exported = export_labels(session, folder)
    for file in exported.files:
        print(file)
    if exported.without_file:
        note(f"Without a file to analyse: {', '.join(exported.without_file)}.")
