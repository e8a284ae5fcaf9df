"""A backup of a catalog in PostgreSQL, by the server's own program for it, while it is in use."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import Engine

from db.engine import place_of
from db.errors import CatalogError, NoSpaceError, RefusedError

PROGRAM = "pg_dump"


def dump(engine: Engine, part: Path, target: Path) -> None:
    """Write one moment of the catalog to `part`, in the form that `pg_restore` reads.

    Raises `RefusedError` where `pg_dump` isn't installed or older than the server, with what to
    type instead for a backup at `target`; `NoSpaceError`; `CatalogError`.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise RefusedError(
            "A backup of a catalog in PostgreSQL needs PostgreSQL's own programs, which are not "
            "installed here. Type, where they are: {command}",
            command=_command(engine, target),
        )
    environment = {**os.environ, "LC_ALL": "C"}
    if engine.url.password:  # in no list of processes
        environment["PGPASSWORD"] = str(engine.url.password)
    where = [f"--file={part}", f"--dbname={place_of(engine)}"]
    ended = subprocess.run(
        [program, "--format=custom", "--no-password", *where],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        raise _failure(engine, ended.stderr.decode("utf-8", "replace"), target)


def _failure(engine: Engine, said: str, target: Path) -> CatalogError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    detail = lines[0].removeprefix(f"{PROGRAM}: ").removeprefix("error: ") if lines else "?"
    if "No space left" in said:
        return NoSpaceError(
            "No space left to write the backup {target}: choose another folder.", target=target
        )
    if "version mismatch" in said:
        return RefusedError(
            "The pg_dump that is installed here is older than the server ({detail}). Type, where "
            "there is a newer one: {command}",
            detail=" ".join(lines[1:2]).removeprefix(f"{PROGRAM}: detail: ") or detail,
            command=_command(engine, target),
        )
    return CatalogError(
        "The backup {target} couldn't be made ({detail}). Nothing was kept: try again.",
        target=target,
        detail=detail,
    )


def _command(engine: Engine, target: Path) -> str:
    words = (PROGRAM, "--format=custom", f"--file={target}", f"--dbname={place_of(engine)}")
    return " ".join(map(shlex.quote, words))
