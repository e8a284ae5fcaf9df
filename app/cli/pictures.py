"""Writing the picture of a claim's page."""

from __future__ import annotations

from pathlib import Path

from app.cli.output import note


def write_picture(paper: str, file: Path, *, claim: str | None, number: int, whole: bool) -> None:
    """Write the PNG of a claim's place to `file`; raises `AssayError` where it can't be written."""
    from analyzers.message import message
    from app.errors import AssayError
    from app.workflows.opening import open_catalog
    from app.workflows.pictures import claim_picture
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        png = claim_picture(session, paper, claim=claim, number=number, whole=whole)
    try:
        file.write_bytes(png)
    except OSError as error:
        told = message("{path} can't be written: {why}.", path=str(file), why=error.strerror or "")
        raise AssayError(told) from error
    note(f"Wrote {file}.")
