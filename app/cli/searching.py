"""The command that searches the catalog."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.output import clean, note, print_json
from app.cli.papers import Json


def register(app: typer.Typer) -> None:
    """Add this module's command to the command line."""
    app.command("search", epilog='Example: assay search "\\"weight only\\" hadam" --limit 5')(
        search
    )


def search(
    words: Annotated[
        str, typer.Argument(help='Words; "a phrase" in quotes; the last may be a beginning.')
    ],
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="The most papers to print.")] = 20,
) -> None:
    """Find papers by their words.

    Looked through are titles, authors, abstracts, claims, notes and the pages of files.
    """
    from app.workflows.opening import open_catalog
    from app.workflows.search import search_papers
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        found = search_papers(session, words, limit=limit)
    if as_json:
        print_json(found)
        return
    for hit in found:
        print(_paper_line(hit))
        print(f"      {_place(hit)}: {clean(_marked(hit))}")
    total = found[0]["papers_found"] if found else 0
    if total > len(found):
        note(f"{len(found)} of {total} papers; --limit shows more.")
    elif not found:
        note("No paper has all these words in one place.")


def _paper_line(hit: dict[str, Any]) -> str:
    rank = "–" if hit["rank"] is None else str(hit["rank"])
    return clean(f"{rank:>4}  {hit['paper_id']}  {' '.join(hit['title'].split())[:100]}")


def _place(hit: dict[str, Any]) -> str:
    from app.workflows.search import PLACES

    page = f", page {hit['page']}" if hit["page"] else ""
    more = f", {hit['pieces'] - 1} more" if hit["pieces"] > 1 else ""
    return f"{PLACES[hit['where']]}{page}{more}"


def _marked(hit: dict[str, Any]) -> str:
    """Return the snippet with the matched words in [brackets]: in a pipe there are no colours."""
    text, end = "", 0
    for start, stop in hit["marks"]:
        text += f"{hit['snippet'][end:start]}[{hit['snippet'][start:stop]}]"
        end = stop
    return text + str(hit["snippet"][end:])
