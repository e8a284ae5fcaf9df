"""`assay ui` opens the workbench; `assay doctor` says what this machine can do."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command("ui", epilog="Example: assay ui --port 8502")(ui)
    app.command("doctor", epilog="Example: assay doctor")(doctor)


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open a browser where there is a screen.")] = True,
    team: Annotated[
        bool, typer.Option("--team", help="For several people, with a login: see docs/team.md.")
    ] = False,
) -> None:
    """Open the workbench on http://localhost:8501."""
    from app.workflows.serving import serve

    raise typer.Exit(serve(port, open_browser=browser, for_team=team))


def doctor() -> None:
    """Say what is set up, what is missing, and what to do about it."""
    from app.workflows.doctor import NAMES, examine

    findings = examine()
    for finding in findings:
        print(f"{'ok ' if finding.good else 'BAD'}  {NAMES[finding.name]}: {finding.text}")
        if finding.remedy:
            print(f"     {finding.remedy}\n     {finding.command}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)
