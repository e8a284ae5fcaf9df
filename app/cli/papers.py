"""Commands about papers: init, analyze, list, show, set, note, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from analyzers.message import message
from app.actor import login_name
from app.cli.output import error_line, note, print_json, print_json_list, print_moves

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Target = Annotated[
    str | None, typer.Option(help="The engine to rank for; that of `assay target use` if left out.")
]
Analysed = Annotated[str, typer.Option(help="The engine to weigh the relevance for.")]
Device = Annotated[str | None, typer.Option(help="Rank by this device's measurements alone.")]
Language = Annotated[str, typer.Option("--lang", help="en or zh.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command("init", epilog="Example: assay init")(init)
    app.command("analyze", epilog="Example: assay analyze papers/*.pdf --jsonl > out.jsonl")(
        analyze
    )
    app.command("list", epilog="Example: assay list --order safe --json")(list_)
    app.command("show", epilog="Example: assay show sampling")(show)
    app.command(
        "set", epilog='Example: assay set sage relevance=0.5 --why "we ship for consumer cards"'
    )(set_)
    app.command("note", epilog='Example: assay note sage "ask about head_dim 80"')(add_note)
    app.command("remove", epilog="Example: assay remove 2401.06706")(remove)


def init() -> None:
    """Create the catalog, with its ten papers and the shipped runs.

    Doing it again does no harm: what people changed stays.
    """
    from app.workflows.opening import create_catalog
    from db.engine import place_of

    engine, summary = create_catalog()
    with engine.connect():
        pass
    note(
        f"{'Created' if summary.created else 'Checked'} the catalog {place_of(engine)}: "
        f"{summary.papers} papers, {summary.runs_added} runs added, "
        f"{summary.runs_known} known already."
    )


def analyze(
    files: Annotated[list[str], typer.Argument(help="PDF, Markdown, text or HTML files, folders.")],
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line.")] = False,
    target: Analysed = "llama.cpp",
) -> None:
    """Analyse files without touching the catalog."""
    import sys

    from analyzers.errors import reason_of
    from app.workflows.analyze import analyze_paths

    failed = False
    for result in analyze_paths(files, target=target):
        failed = failed or "error" in result
        if jsonl:
            print_json(result, on_one_line=True)
            sys.stdout.flush()
        elif "error" in result:
            error_line(reason_of(result["error"]), result["source"])
        else:
            _print_analysis(result)
    sys.stdout.flush()
    if failed:
        raise typer.Exit(1)


def _print_analysis(result: dict[str, Any]) -> None:
    from app.cli.output import clean

    paper, technique = result["paper"], result["technique"]
    print(clean(paper["title"] or result["source"]))
    print(f"  technique   {technique['primary']}   complexity  {result['complexity']['level']}")
    print(f"  relevance   {result['relevance']['value']}   claims  {len(result['claims'])}")
    for claim in result["claims"]:
        high = f"–{claim['value_high']:g}" if claim["value_high"] is not None else ""
        page = f"p.{claim['page']}" if claim["page"] else ""
        print(
            clean(
                f"  {claim['value']:g}{high} {claim['unit']:2} {claim['metric']}  "
                f"{page}  {claim['quote'][:100]}"
            )
        )
    print()


def list_(
    as_json: Json = False,
    target: Target = None,
    device: Device = None,
    order: Annotated[str, typer.Option(help="expected or safe.")] = "expected",
    weights: Annotated[
        str, typer.Option(help="How much each criterion counts, 0 to 2: relevance=2,ease=0.5.")
    ] = "",
    top: Annotated[
        int | None,
        typer.Option(min=1, help="So many of the first; else 200 in a table, and all in JSON."),
    ] = None,
    language: Language = "en",
) -> None:
    """Print the ranking: what to build next.

    With weights of your own it is in the order of the weighted score.
    """
    from contextlib import nullcontext

    from app.cli.ranking_table import MOST, print_ranking
    from app.workflows.opening import open_catalog
    from app.workflows.ranking import ranking, told
    from app.workflows.weights import parse_weights, reordered
    from db.engine import read_scope

    chosen = parse_weights(weights)
    with read_scope(open_catalog()) as session:
        # Of a hundred thousand papers the rows are read as they are printed.
        found = ranking(lambda: nullcontext(session), target=target, device=device, order=order)
        ranked = reordered(found, chosen)
        if as_json:
            rows = ranked if top is None else ranked[:top]
            print_json_list(told(row, language) for row in rows)
            return
        shown = [told(row, language) for row in ranked[: top or MOST]]
    if not shown:
        note("The catalog is empty: type `assay init` for the seed, or `assay add …`.")
        return
    print_ranking(shown, language, weighted=not chosen.are_usual, papers=len(ranked))


def show(
    paper: Annotated[str, typer.Argument(help="Its id, its arXiv id, or how its title begins.")],
    as_json: Json = False,
    target: Target = None,
    device: Device = None,
    language: Language = "en",
    picture: Annotated[
        Path | None, typer.Option(help="Draw the page of a claim, its quote marked, as a PNG.")
    ] = None,
    claim: Annotated[
        str | None, typer.Option(help="The claim to draw; the headline claim if left out.")
    ] = None,
    place: Annotated[int, typer.Option(min=1, help="Which of the claim's places.")] = 1,
    whole: Annotated[bool, typer.Option("--whole", help="The whole page.")] = False,
) -> None:
    """Print all that is known of a paper.

    Or, with --picture, draw the page that one of its claims stands on.
    """
    if picture is not None:
        from app.cli.pictures import write_picture

        write_picture(paper, picture, claim=claim, number=place, whole=whole)
        return
    if claim or whole or place > 1:
        from app.errors import UsageError

        raise UsageError(message("--claim, --place and --whole go with --picture FILE.png."))
    import shutil
    import sys

    from app.cli.paper_text import paper_text
    from app.workflows.opening import open_catalog
    from app.workflows.paper import show_paper
    from app.workflows.what_if import what_if
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        record = show_paper(session, paper, target=target, device=device, language=language)
        record["what_if"] = what_if(session, paper, target=target, device=device, language=language)
    if as_json:
        print_json(record)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print(paper_text(record, language, width))


def set_(
    paper: Annotated[str, typer.Argument(help="The paper.")],
    assignments: Annotated[
        list[str] | None, typer.Argument(help="field=value …; with --undo the fields alone.")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason; it stays with the correction.")] = "",
    who: Annotated[str | None, typer.Option(help="Your name; the login name if left out.")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the newest correction of the fields, or any edit.")
    ] = False,
) -> None:
    """Correct facts of a paper, or undo it.

    The score follows at once. A prototype is linked by prototype.NAME=linked, and taken away by
    prototype.NAME=unlinked.
    """
    from app.errors import UsageError
    from app.workflows.correct import set_facts
    from app.workflows.opening import open_catalog
    from db.engine import session_scope

    name = who or login_name()
    if undo:
        _undo(paper, assignments or [], name)
        return
    values: dict[str, str] = {}
    for assignment in assignments or []:
        field, sign, value = assignment.partition("=")
        if not sign:
            raise UsageError(
                message("{text!r} isn't field=value, such as relevance=0.5.", text=assignment)
            )
        values[field.strip()] = value.strip()
    if not values:
        raise UsageError(message("Say what to set: field=value, such as relevance=0.5."))
    with session_scope(open_catalog()) as session:
        print_moves(set_facts(session, paper, values, why=why, who=name))


def _undo(paper: str, fields: list[str], who: str) -> None:
    from app.workflows import undo
    from app.workflows.opening import open_catalog
    from db.engine import session_scope
    from db.queries import papers

    moves: list[Any] = []
    with session_scope(open_catalog()) as session:
        paper_id = papers.get_by_any_id(session, paper).id
        wanted = [[field.partition("=")[0].strip()] for field in fields] or [[]]
        for ref in [undo.newest(session, paper_id, names) for names in wanted]:
            done = undo.undo(session, ref, who=who)
            moves += done.moves
            print(f"undone  {done.told}")
    if moves:
        print_moves(moves)


def add_note(
    paper: Annotated[str, typer.Argument(help="The paper.")],
    text: Annotated[str, typer.Argument(help="The note.")],
    who: Annotated[str | None, typer.Option(help="Your name.")] = None,
) -> None:
    """Keep a note on a paper."""
    from app.workflows import correct
    from app.workflows.opening import open_catalog
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        paper_id = correct.add_note(session, paper, text, who=who or login_name())
    print(f"Noted on {paper_id}.")


def remove(
    papers: Annotated[list[str], typer.Argument(help="Papers to remove.")],
    undo: Annotated[
        bool, typer.Option("--undo", help="Put removed papers back, with all that was known.")
    ] = False,
) -> None:
    """Remove papers from the catalog, or put them back.

    Files of your own stay where they are.
    """
    from app.workflows import removing
    from app.workflows.opening import open_catalog
    from db.engine import session_scope

    act, told = (
        (removing.restore_papers, "restored") if undo else (removing.remove_papers, "removed ")
    )
    with session_scope(open_catalog()) as session:
        for paper_id in act(session, papers):
            print(f"{told} {paper_id}")


def existing_file(text: str) -> Path:
    """Return a path that is a file; raises `UsageError`."""
    from app.errors import UsageError

    path = Path(text)
    if not path.is_file():
        raise UsageError(message("There is no file {path}.", path=text))
    return path
