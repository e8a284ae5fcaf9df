"""`assay bench …`: list prototypes, run one here, take in runs measured elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import note, print_json, print_table
from app.cli.papers import Json, existing_file

app = typer.Typer(
    name="bench",
    help="List prototypes, measure one on this machine, import runs measured elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list", epilog="Example: assay bench list --json")
def list_(as_json: Json = False) -> None:
    """List the prototypes."""
    from app.workflows.measuring import list_prototypes

    prototypes = list_prototypes()
    if as_json:
        print_json(prototypes)
        return
    print_table(
        [
            {
                "name": p["name"],
                "papers": ", ".join(p["papers"]),
                "devices": ", ".join(p["devices"]),
                "cases": str(len(p["cases"])),
                "claims": ", ".join(p["claims"]),
            }
            for p in prototypes
        ],
        {k: k for k in ("name", "papers", "devices", "cases", "claims")},
    )


@app.command("run", epilog="Example: assay bench run sampling --device cpu --quick")
def run(
    names: Annotated[list[str], typer.Argument(help="Prototypes, or all.")],
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer cases; provisional.")] = False,
    case: Annotated[list[str] | None, typer.Option(help="Only this case; repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Measure prototypes on this machine; the scores follow."""
    from app.workflows.measuring import run_prototypes
    from app.workflows.opening import open_catalog

    engine = open_catalog(create=True)
    result = run_prototypes(
        engine, names, device=device, quick=quick, cases=case or [], on_progress=note
    )
    if as_json:
        print_json(result.document)
    else:
        for line in result.lines:
            print(line)
    for move in result.moves:
        note(str(move))
    if not result.succeeded:
        raise typer.Exit(1)


@app.command("import", epilog="Example: assay bench import h100.json")
def import_(files: Annotated[list[str], typer.Argument(help="Run documents.")]) -> None:
    """Take in runs of `python -m prototypes run … --out FILE`; twice changes nothing."""
    from app.workflows.benchmark import import_run_files
    from app.workflows.opening import open_catalog

    summary = import_run_files(open_catalog(create=True), [existing_file(text) for text in files])
    print(f"{summary.added} runs added, {summary.known} known already.")
    for move in summary.moves:
        note(str(move))
    for problem in summary.problems:
        note(f"Error: {problem.say()}")
    if not summary.is_clean:
        raise typer.Exit(1)
