"""How fast papers come into a catalog, with an empty one and with ten thousand papers in it.

python -m benchmarks.ingest [PAPERS] [CATALOG]

The papers are made for it: PDFs of six pages and Markdown texts, half and half, each with claims of
its own. A second run over the same folder shows what it costs to find that nothing is new.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

WORDS = (
    "attention",
    "kernel",
    "cache",
    "token",
    "decode",
    "prefill",
    "memory",
    "bandwidth",
    "weights",
    "scale",
    "group",
    "throughput",
    "latency",
    "batch",
    "sequence",
    "model",
    "tile",
)


def text_of(number: int, sentences: int) -> list[str]:
    """Return a paper's sentences; every tenth claims something."""
    made = []
    for n in range(sentences):
        if n % 10 == 3:
            made.append(
                f"Turbo{number} achieves a {1.1 + (number + n) % 40 / 10:.1f}x speedup over vLLM "
                "on an RTX 4090 at batch size 1."
            )
        else:
            words = " ".join(WORDS[(number * 7 + n * 3 + k) % len(WORDS)] for k in range(14))
            made.append(f"The {words} are kept as they are.")
    return made


def write_pdf(path: Path, number: int, pages: int = 6) -> None:
    """Write a paper of one column with a title, authors, an abstract and arXiv's stamp."""
    import pymupdf

    with pymupdf.open() as pdf:
        for page_number in range(pages):
            page = pdf.new_page()
            top = 60.0
            if page_number == 0:
                page.insert_text((60, 80), f"Turbo{number}: Kernels of the Series", fontsize=17)
                page.insert_text((60, 110), "Ada Mora, Bela Kovacs", fontsize=11)
                page.insert_text((60, 140), "Abstract", fontsize=12)
                stamp = (
                    f"arXiv:24{1 + number // 90000:02d}.{number % 90000:05d}v1 [cs.LG] 1 Oct 2024"
                )
                page.insert_text((30, 500), stamp, fontsize=14, rotate=90)
                top = 150.0
            body = " ".join(text_of(number * 10 + page_number, 34))
            page.insert_textbox((60, top, 540, 780), body, fontsize=9)
        pdf.save(path)


def write_text(path: Path, number: int) -> None:
    """Write a Markdown post."""
    sentences = text_of(number, 120)
    body = "\n\n## Results\n\n".join(
        " ".join(sentences[start : start + 40]) for start in range(0, 120, 40)
    )
    path.write_text(
        f"# Turbo{number}: Kernels of the Series\n\nAda Mora\n\n## Abstract\n\n{body}\n",
        encoding="utf-8",
    )


def fill(count: int, copied: str) -> None:
    """Put `count` papers into the catalog, with the facts and claims of paper `copied`."""
    import sqlite3

    from app import home

    with sqlite3.connect(home.database_url().removeprefix("sqlite:///")) as connection:

        def columns(table: str, left_out: tuple[str, ...]) -> list[str]:
            rows = connection.execute(f"PRAGMA table_info({table})")
            return [row[1] for row in rows if row[1] not in left_out]

        connection.execute(
            "CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
            " WHERE i < ?) SELECT i FROM c",
            (count,),
        )
        for table, own, changed in (
            (
                "paper",
                ("id", "arxiv_id", "title", "title_key", "content_hash", "source_path"),
                "'fill' || i, NULL, 'Fill ' || i, 'fill' || i, 'hash' || i, NULL",
            ),
            ("fact", ("id", "paper_id"), "NULL, 'fill' || i"),
            ("claim", ("key", "paper_id"), "'fill' || i || '/' || t.key, 'fill' || i"),
        ):
            rest = columns(table, own)
            key = "id" if table == "paper" else "paper_id"
            connection.execute(
                f"INSERT INTO {table} ({', '.join((*own, *rest))}) SELECT {changed}, "
                f"{', '.join('t.' + name for name in rest)} FROM {table} t, n WHERE t.{key} = ?",
                (copied,),
            )


def timed(name: str, papers: int, work: Callable[[], object]) -> object:
    """Print how long a run took, the processor time of all its processes, and papers a second."""
    started, used = time.perf_counter(), processor_s()
    result = work()
    took, used = time.perf_counter() - started, processor_s() - used
    rate = papers / took
    print(f"{name:46} {took:7.1f} s {used:7.1f} s CPU {rate:8.1f} papers/s", flush=True)
    return result


def processor_s() -> float:
    """Return the processor time of this process and of the children that ended."""
    return sum(os.times()[:4])


def main() -> None:
    """Measure and print."""
    papers = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    held = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASSAY_HOME"] = f"{folder}/home"
        os.environ.pop("ASSAY_DATABASE_URL", None)
        _measure(Path(folder), papers, held)


def _measure(folder: Path, papers: int, held: int) -> None:
    from app.workflows.add import add_sources
    from app.workflows.opening import create_catalog
    from app.workflows.ranking import list_papers
    from app.workflows.triage import rescore
    from db.engine import session_scope

    (folder / "in").mkdir()
    (folder / "more").mkdir()
    for number in range(papers + 20):
        where = folder / ("in" if number < papers else "more")
        if number % 2:
            write_pdf(where / f"{number:05d}.pdf", number)
        else:
            write_text(where / f"{number:05d}.md", number)
    engine, _ = create_catalog()
    summary = timed(
        f"{papers} papers into an empty catalog",
        papers,
        lambda: add_sources(engine, [str(folder / "in")]),
    )
    print(f"  added {len(summary.added)}, failed {len(summary.failed)}")  # type: ignore[attr-defined]
    timed(
        f"the same {papers} again: nothing to read",
        papers,
        lambda: add_sources(engine, [str(folder / "in")]),
    )
    fill(held, summary.added[0])  # type: ignore[attr-defined]
    with session_scope(engine) as session:
        timed(f"first ranking of {held} more", held, lambda: rescore(session, {"kind": "rule"}))
    with session_scope(engine) as session:
        timed("ranking all of them again", held, lambda: rescore(session, {"kind": "rule"}))
        timed("reading the list", held, lambda: list_papers(session))
    files = sorted((folder / "more").iterdir())
    timed(f"one paper into a catalog of {held}", 1, lambda: add_sources(engine, [str(files[0])]))
    timed(
        f"{len(files) - 1} papers into a catalog of {held}",
        len(files) - 1,
        lambda: add_sources(engine, [str(f) for f in files[1:]]),
    )


if __name__ == "__main__":
    main()
