"""`assay watch …`: saved arXiv queries, what is new since last time, and a digest of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analyzers.message import message
from app.cli.adding import Progress
from app.cli.output import clean, error_line, language, note, print_json, print_table
from app.labels import say

if TYPE_CHECKING:
    from app.workflows.watch import WatchRun

app = typer.Typer(
    name="watch",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Saved arXiv queries: what is new since last time.",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The watch's name.")]


@app.command("add", epilog='Example: assay watch add kv --query "abs:\\"KV cache\\"" --every week')
def add(
    name: Name,
    query: Annotated[str, typer.Option(help="An arXiv query, as the search of its API has it.")],
    every: Annotated[str, typer.Option(help="day or week.")] = "day",
    most: Annotated[
        int, typer.Option(min=1, max=500, help="At most so many new papers are read at a time.")
    ] = 25,
) -> None:
    """Save an arXiv query.

    The workbench asks for it every day or week while it runs.
    """
    from app.errors import UsageError
    from app.workflows.opening import open_catalog
    from db.engine import session_scope
    from db.queries import watches

    if every not in watches.EVERY:
        raise UsageError(message("--every is day or week, not {every!r}.", every=every))
    with session_scope(open_catalog(create=True)) as session:
        watch = watches.add(session, name, query, every=every, most=most)
        name = watch.name
    note(
        say(
            message(
                "Watching {name}: type `assay watch run {name}` to ask now, or open the workbench.",
                name=name,
            ),
            language(),
        )
    )


@app.command("list", epilog="Example: assay watch list --json")
def list_(as_json: Json = False) -> None:
    """List the watches, with their last result and next date."""
    from app.workflows.opening import open_catalog
    from app.workflows.watch import list_watches
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        listed = list_watches(session)
    if as_json:
        print_json(listed)
        return
    if not listed:
        note(say(message("No watch yet. Add one: assay watch add NAME --query …"), language()))
        return
    columns = {
        "name": "name",
        "every": "every",
        "next": "next",
        "last": "last time",
        "query": "query",
    }
    print_table([_row(watch) for watch in listed], columns)


def _row(watch: dict[str, Any]) -> dict[str, str]:
    result = watch["result"]
    last = "–"
    if result is not None:
        last = f"{len(result['new'])} new, {len(result['versions'])} new versions"
        if result["error"]:
            last = f"{result['state']}: {result['error']['message']}"
    following = "paused" if watch["paused"] else _moment(watch["next_at"])
    return {
        "name": watch["name"],
        "every": watch["every"],
        "next": following,
        "last": last,
        "query": watch["query"],
    }


def _moment(iso: str) -> str:
    return iso[:16].replace("T", " ") + " UTC"


@app.command("run", epilog="Example: assay watch run kv --json")
def run(
    names: Annotated[
        list[str] | None, typer.Argument(help="Watches; none means all that aren't paused.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask arXiv what is new since last time.

    It is read, ranked and put into the inbox.
    """
    from app.workflows.opening import open_catalog
    from app.workflows.watch import run_watches

    runs = run_watches(open_catalog(), names or (), on_progress=Progress())
    if as_json:
        print_json([run.to_json() for run in runs])
    elif not runs:
        note(say(message("No watch to run. Add one: assay watch add NAME --query …"), language()))
    for told in runs:
        if not as_json:
            _print_run(told)
        _tell_troubles(told)
    _tell_errors(runs)
    if any(not told.is_whole for told in runs):
        raise typer.Exit(1)


def _print_run(told: WatchRun) -> None:
    name = clean(told.watch)
    for paper in told.new:
        among = f"rank {paper['rank']} of {paper['of']}"
        level = paper["read"] or "record"
        print(f"{name}  new      {paper['paper_id']}  {among}  [{level}]  {clean(paper['title'])}")
    for paper in told.versions:
        print(f"{name}  version  {paper['paper_id']}  {paper['before']} → {paper['after']}")


def _tell_troubles(told: WatchRun) -> None:
    """Say which papers were read by their abstract only, and which could not be read at all."""
    from analyzers.errors import reason_of

    for failure in told.by_abstract:
        note(f"{failure['source']}: {say(reason_of(failure), language())}")
    for failure in told.failed:
        error_line(reason_of(failure), failure["source"])
    if told.state == "failed":
        return
    template = message(
        "{watch}: {found} found, {new} new, {versions} new versions, {known} known, {left} left"
        " for the next time.",
        watch=told.watch,
        found=told.found,
        new=len(told.new),
        versions=len(told.versions),
        known=told.known,
        left=told.left,
    )
    note(say(template, language()))


def _tell_errors(runs: list[WatchRun]) -> None:
    """Say each reason once: of five watches offline there is one sentence."""
    from analyzers.errors import reason_of

    told: dict[str, list[str]] = {}
    for run in runs:
        if run.error:
            told.setdefault(say(reason_of(run.error), language()), []).append(run.watch)
    for why, names in told.items():
        error_line(message("{why}", why=why), ", ".join(names))


@app.command("remove", epilog="Example: assay watch remove kv")
def remove(name: Name) -> None:
    """Remove a watch; the papers that it found stay. Added again, it goes on where it was."""
    from app.workflows.opening import open_catalog
    from db.engine import session_scope
    from db.queries import watches

    with session_scope(open_catalog()) as session:
        watches.remove(session, name)
    print(f"removed  {clean(name)}")


@app.command("pause", epilog="Example: assay watch pause kv")
def pause(name: Name) -> None:
    """Let a watch rest: it is asked for only by its name."""
    _set_paused(name, True)


@app.command("resume", epilog="Example: assay watch resume kv")
def resume(name: Name) -> None:
    """Let a watch that rests go on."""
    _set_paused(name, False)


def _set_paused(name: str, paused: bool) -> None:
    from app.workflows.opening import open_catalog
    from db.engine import session_scope
    from db.queries import watches

    with session_scope(open_catalog()) as session:
        watches.set_paused(session, name, paused)
    print(f"{'paused' if paused else 'resumed'}  {clean(name)}")


@app.command("digest", epilog="Example: assay watch digest --since 2026-11-17 -o digest.md")
def digest(
    since: Annotated[
        str | None,
        typer.Option(help="From this day on (2026-11-17); else the last seven days with news."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="md or atom; else as the file's name ends, or md."),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="en or zh.")] = "en",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else stdout.")
    ] = None,
) -> None:
    """Write what the watches found.

    It is ranked, with each paper's headline claim in our words.
    """
    from app.workflows.digest import format_of, write_digest
    from app.workflows.opening import open_catalog
    from app.workflows.report_output import write_output
    from db.engine import read_scope

    with read_scope(open_catalog()) as session:
        text = write_digest(
            session, format=format_ or format_of(output), language=lang, since=since
        )
    if output is None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    else:
        note(f"Wrote {write_output(output, text)}.")
