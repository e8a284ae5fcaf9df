"""Text that every Python ships with: its library's source, its manual, its poem. Bytes below 128.

It differs a little between versions of Python, and so do the models that are trained on it.
"""

from __future__ import annotations

import codecs
import random
import sysconfig
from functools import cache
from pathlib import Path

VOCABULARY = 128
"""Tokens are characters; what isn't ASCII becomes a question mark."""
MOST_BYTES = 6 << 20
HELD_OUT = ("argparse.py", "dataclasses.py", "statistics.py", "tarfile.py", "textwrap.py")
"""Modules that no model is trained on."""


@cache
def corpus() -> tuple[bytes, bytes]:
    """Return what is trained on, modules in a fixed shuffled order, and what is held out."""
    library = Path(sysconfig.get_paths()["stdlib"])
    modules = [p for p in library.glob("*.py") if p.name not in HELD_OUT]
    modules += [p for p in library.glob("*/*.py") if p.parent.name in PACKAGES]
    modules.sort(key=lambda path: str(path.relative_to(library)))
    random.Random(1).shuffle(modules)
    seen = [_ascii(p.read_bytes()) for p in modules]
    seen += [_ascii(t.encode()) for t in _topics()]
    held_out = b"\n".join(_ascii((library / n).read_bytes()) for n in HELD_OUT)
    return b"\n".join(seen)[:MOST_BYTES], held_out


PACKAGES = ("asyncio", "collections", "email", "http", "json", "logging", "unittest", "xml")


def _topics() -> list[str]:
    from pydoc_data.topics import topics

    poem = Path(sysconfig.get_paths()["stdlib"], "this.py").read_text()
    return [*topics.values(), codecs.decode(poem, "rot13")]


def _ascii(text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode("ascii", "replace")
