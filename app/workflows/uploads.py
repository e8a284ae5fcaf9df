"""Papers that a person uploads: checked, and kept in the papers folder under a safe name."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

from app import home
from app.errors import AssayError, UsageError

SUFFIXES = (".pdf", ".md", ".txt", ".html", ".htm")
MAX_BYTES = 64 << 20
_STEM = 80


def keep_upload(name: str, content: bytes) -> Path:
    """Keep an uploaded paper and return its file; the same content again is the same file.

    Raises `UsageError` for an empty or too large file or one of another kind, `AssayError` where
    the papers folder can't be written. `name` may be anything: only its letters and digits count.
    """
    shown = _last_part(name)[:_STEM] or "?"
    suffix = PurePosixPath(_last_part(name)).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{shown}: a paper is a {', '.join(s[1:] for s in SUFFIXES)} file.")
    if not content:
        raise UsageError(f"{shown} is empty: choose another file.")
    if len(content) > MAX_BYTES:
        raise UsageError(f"{shown} is larger than {MAX_BYTES >> 20} MB: add it by its path instead.")
    if suffix == ".pdf" and b"%PDF-" not in content[:1024]:
        raise UsageError(f"{shown} is called a PDF but isn't one.")
    digest = hashlib.sha256(content).hexdigest()[:12]
    path = home.papers_folder() / f"{_safe_stem(name)}-{digest}{suffix}"
    if path.exists() and path.stat().st_size == len(content):
        return path
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise AssayError(f"{shown} can't be kept: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _last_part(name: str) -> str:
    return "".join(c for c in PureWindowsPath(name).name if c.isprintable())


def _safe_stem(name: str) -> str:
    text = unicodedata.normalize("NFKC", PurePosixPath(_last_part(name)).stem)
    return re.sub(r"[^\w-]+", "-", text).strip("-_")[:_STEM].encode()[:160].decode(
        errors="ignore"
    ) or "paper"
