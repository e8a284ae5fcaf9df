"""`assay bench …`: prototypes, runs measured here, runs from elsewhere and for elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import clean, language, moved, note, notes, print_json, print_table
from app.cli.papers import Json, existing_file

app = typer.Typer(
    name="bench",
    help="Measure prototypes; list, import and export runs.",
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
    on: Annotated[
        list[str] | None, typer.Option(help="What a host must offer besides, as h100; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure prototypes; the scores follow.

    It is done here, or on the hosts of ASSAY_SCHEDULER.
    """
    from app.labels import say
    from app.workflows.measuring import run_prototypes
    from app.workflows.opening import open_catalog

    engine = open_catalog(create=True)
    result = run_prototypes(
        engine,
        names,
        device=device,
        quick=quick,
        cases=case or [],
        on=on or [],
        on_progress=lambda step: note(say(step, language())),
    )
    if as_json:
        print_json(result.document)
    else:
        for line in result.lines:
            print(line)
    notes(moved(result.moves))
    if not result.succeeded:
        raise typer.Exit(1)


@app.command("import", epilog="Example: assay bench import h100.json")
def import_(files: Annotated[list[str], typer.Argument(help="Run documents.")]) -> None:
    """Take in runs that were measured elsewhere.

    They come from `python -m prototypes run … --out FILE`; twice changes nothing.
    """
    from app.workflows.benchmark import import_run_files
    from app.workflows.opening import open_catalog

    summary = import_run_files(open_catalog(create=True), [existing_file(text) for text in files])
    print(f"{summary.added} runs added, {summary.known} known already.")
    notes(moved(summary.moves))
    for problem in summary.problems:
        note(f"Error: {problem.say()}")
    if not summary.is_clean:
        raise typer.Exit(1)


Prototype = Annotated[str | None, typer.Option(help="Only runs of this prototype.")]
Device = Annotated[
    str | None, typer.Option(help="Only runs on this device, by its id (see `assay bench runs`).")
]


@app.command("export", epilog="Example: assay bench export --out runs.json --prototype sampling")
def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    prototype: Prototype = None,
    device: Device = None,
) -> None:
    """Write runs to a file, samples included.

    `assay bench import` elsewhere gives the same runs.
    """
    from app.workflows.opening import open_catalog
    from app.workflows.run_files import count, export_runs, write_export
    from db.engine import read_scope

    with read_scope(open_catalog(create=True)) as session:
        exported = export_runs(session, prototype=prototype, device=device)
    write_export(out, exported)
    note(f"{count(exported)} runs written to {out}.")


@app.command("runs", epilog="Example: assay bench runs --prototype sampling --status ok")
def runs(
    prototype: Prototype = None,
    device: Device = None,
    status: Annotated[
        str | None, typer.Option(help="Only runs that ended so: ok, below_quality, crashed, …")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the stored runs, the newest first."""
    from app.cli.fitted import print_fitted
    from app.cli.run_text import RUN_COLUMNS, SPARED_COLUMNS, run_row
    from app.workflows.benchmarks import list_runs
    from app.workflows.measuring import list_prototypes
    from app.workflows.opening import open_catalog
    from app.workflows.staleness import current_hashes
    from db.engine import read_scope

    with read_scope(open_catalog(create=True)) as session:
        found = list_runs(
            session,
            prototype=prototype,
            device=device,
            status=status,
            current=current_hashes(list_prototypes()),
        )
    if as_json:
        print_json(found)
        return
    print_fitted(
        [run_row(run) for run in found], RUN_COLUMNS, spared=SPARED_COLUMNS, language=language()
    )


@app.command("show", epilog="Example: assay bench show d15661b8")
def show(
    run: Annotated[str, typer.Argument(help="A run's id, or how it begins.")],
    as_json: Json = False,
) -> None:
    """Show all that is stored of a run.

    Gates, baselines, samples, environment.
    """
    from app.cli.run_text import run_lines
    from app.workflows.benchmarks import show_run
    from app.workflows.measuring import list_prototypes
    from app.workflows.opening import open_catalog
    from app.workflows.staleness import current_hashes
    from db.engine import read_scope

    with read_scope(open_catalog(create=True)) as session:
        shown = show_run(session, run, current=current_hashes(list_prototypes()))
    if as_json:
        print_json(shown)
        return
    for line in run_lines(shown):
        print(clean(line))
