"""A report's file: written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from analyzers.message import message
from app.errors import AssayError, UsageError


def write_output(output: Path, content: bytes) -> Path:
    """Write a file whole or not at all, and return its path; raises `AssayError`.

    What was there is replaced only when the new content is complete.
    """
    output = output.expanduser()
    if output.is_dir():
        raise UsageError(
            message("{path} is a folder: give the name of a file in it.", path=str(output))
        )
    if not output.parent.is_dir():
        raise UsageError(
            message(
                "There is no folder {path}: create it, or choose another.", path=str(output.parent)
            )
        )
    try:
        if output.exists() and not output.is_file():
            output.write_bytes(content)  # a pipe or a device can't be replaced
            return output
        real = output.resolve()
        part = real.with_name(f".{real.name}.{os.getpid()}.part")
        try:
            part.write_bytes(content)
            part.replace(real)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise AssayError(
            message("The report can't be written to {path}: {why}.", path=str(output), why=reason)
        ) from error
    return output
