"""The fonts of the PDF: those inside the typesetter, and one for Chinese that MuPDF brings along.

No font of the machine is used, so that a report looks the same, and is the same bytes, anywhere.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

from analyzers.message import message
from app import home
from app.errors import AssayError

CHINESE = "Droid Sans Fallback"
_FILE = "droid-sans-fallback.ttf"
# MuPDF stays out of this process: the workbench's scripts are threads, and it is not for threads.
_WRITE = (
    "import pathlib, pymupdf, sys; "
    "pathlib.Path(sys.argv[1]).write_bytes(pymupdf.Font('china-s').buffer)"
)
_PATIENCE_S = 60


def font_folder() -> Path:
    """Return the folder with the Chinese font, written on the first call; raises `AssayError`."""
    folder = home.data_folder() / "fonts"
    file = folder / _FILE
    if file.is_file() and file.stat().st_size:
        return folder
    folder.mkdir(exist_ok=True)
    part = folder / f".{_FILE}.{os.getpid()}.part"
    try:
        subprocess.run(
            [sys.executable, "-I", "-c", _WRITE, str(part)],
            check=True,
            capture_output=True,
            timeout=_PATIENCE_S,
        )
        part.write_bytes(with_names(part.read_bytes(), CHINESE))
        part.replace(file)
    except (OSError, ValueError, struct.error, subprocess.SubprocessError) as error:
        raise AssayError(
            message(
                "The PDF's font for Chinese can't be read from PyMuPDF. Install it again "
                "(pip install --force-reinstall pymupdf-lite), or write the report as HTML and "
                "print that."
            )
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return folder


def with_names(font: bytes, family: str) -> bytes:
    """Return a TrueType font whose `name` table has all of a regular font's names.

    MuPDF's copy leaves out the full and the PostScript name, and Typst passes over a font that has
    no PostScript name. A new table goes to the end and the directory points there (OpenType
    specification, `name` table, format 0). Raises `ValueError` where that table is missing.
    """
    names = {1: family, 2: "Regular", 4: family, 6: family.replace(" ", "")}
    storage, records = b"", b""
    for identity, text in names.items():
        written = text.encode("utf-16-be")
        records += struct.pack(">6H", 3, 1, 0x409, identity, len(written), len(storage))
        storage += written
    table = struct.pack(">3H", 0, len(names), 6 + len(records)) + records + storage
    table += b"\0" * (-len(table) % 4)
    padded = font + b"\0" * (-len(font) % 4)
    checksum = sum(struct.unpack(f">{len(table) // 4}I", table)) & 0xFFFFFFFF
    for number in range(struct.unpack_from(">H", font, 4)[0]):
        entry = 12 + 16 * number
        if font[entry : entry + 4] == b"name":
            record = struct.pack(">4s3I", b"name", checksum, len(padded), len(table))
            return padded[:entry] + record + padded[entry + 16 :] + table
    raise ValueError("the font has no name table")
