"""Commands that read papers into the catalog: add, refresh."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from analyzers.message import Message, message
from app.cli.output import error_line, language, note, print_json
from app.labels import say

if TYPE_CHECKING:
    from app.workflows.add import AddSummary

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Again = Annotated[bool, typer.Option("--again", help="Read also what was read already.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command("add", epilog='Example: assay add 2401.06706 paper.pdf --query "abs:speculative"')(
        add
    )
    app.command("refresh", epilog="Example: assay refresh 2401.06706")(refresh)


def add(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="arXiv ids or addresses, PDF/Markdown/text/HTML files, folders, .bib"),
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="An arXiv query; the newest that fit are added.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=2000, help="At most so many of a query.")] = 10,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Fetch and analyse papers, and rank them.

    A file or a version that is in the catalog already is not read again. Interrupted, even killed,
    the same command goes on where it was.
    """
    from app.errors import UsageError
    from app.workflows.add import add_sources
    from app.workflows.opening import open_catalog

    if not sources and not query:
        raise UsageError(message("Nothing to add: give an arXiv id, a file, a folder, or --query."))
    engine = open_catalog(create=True)
    summary = add_sources(
        engine, sources or [], query=query, limit=limit, again=again, on_progress=Progress()
    )
    _tell(summary, as_json=as_json)


def _tell(summary: AddSummary, *, as_json: bool = False) -> None:
    """Print what became of each paper, then one line that counts, and the failures with reasons."""
    if as_json:
        print_json(summary.to_json())
    else:
        for paper in summary.added:
            print(f"added    {paper}")
        for paper in summary.updated:
            print(f"updated  {paper}")
        for paper in summary.known:
            print(f"known    {paper}")
    for failure in summary.failed:
        error_line(failure.reason, failure.source)
    note(
        say(
            message(
                "Added: {added}, updated: {updated}, there already: {known}, failed: {failed}.",
                added=len(summary.added),
                updated=len(summary.updated),
                known=len(summary.known),
                failed=len(summary.failed),
            ),
            language(),
        )
    )
    if summary.failed:
        raise typer.Exit(1)


def refresh(
    papers: Annotated[
        list[str] | None, typer.Argument(help="Papers whose file is analysed again.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All papers that have a file.")] = False,
    again: Again = False,
) -> None:
    """Analyse papers again whose file or rules changed.

    Corrections and notes stay.
    """
    from app.errors import UsageError
    from app.workflows.add import refresh_papers
    from app.workflows.opening import open_catalog

    if bool(papers) == everything:
        raise UsageError(message("Name the papers to read again, or give --all."))
    _tell(refresh_papers(open_catalog(), papers or [], again=again, on_progress=Progress()))


class Progress:
    """Says on stderr how far a workflow is: at most once a second, and nothing in the first one."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, done: int, total: int | None, step: Message | None) -> None:
        """Take a report of `done` of `total`; not every one is said."""
        now = time.monotonic()
        if now - self._said_at < 1.0:
            return
        self._said_at = now
        told = say(step, language())
        note(f"[{done}/{total}] {told}" if total else told)
