"""The ranking page with ten thousand papers: first table, a filter, a search, a weight.

python -m benchmarks.ranking_page [PAPERS]

The catalog is made: facts and claims drawn, scored as any; the times are those of a real browser,
from the click until the page stands still. ASSAY_KEEP=FOLDER keeps the catalog there, or takes the
one that was kept.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, insert

from analyzers.facts import Complexity, Technique
from app.workflows.serving import command
from app.workflows.triage import rescore
from benchmarks.first_page import BARE, FLAGS, free_port, served
from db.engine import session_scope
from db.models import Claim, Fact, Paper, Place
from db.queries import counters

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WORDS = [
    "fast", "sparse", "attention", "kernel", "cache", "quantized", "decoding", "speculative",
    "tensor", "memory", "layer", "head", "token", "batch", "low", "rank", "outlier", "rotation",
    "mixed", "precision", "serving", "expert", "draft", "tree", "page",
]  # fmt: skip


def fill(engine: Engine, papers: int) -> None:
    """Put made papers with facts and claims beside the seed, and rank all."""
    chance = random.Random(0)
    rows: dict[Any, list[dict[str, Any]]] = {Paper: [], Fact: [], Claim: [], Place: []}
    for number in range(papers):
        paper = f"made-{number}"
        words = chance.sample(WORDS, 7)
        rows[Paper].append(
            {
                "id": paper,
                "title": f"{' '.join(words)} {number}".title(),
                "title_key": f"{''.join(words)}{number}",
                "authors": [f"Author {chance.randrange(5000)}"],
                "abstract": " ".join(chance.choices(WORDS, k=150)),
                "published": f"{chance.randrange(2019, 2027)}-05-01",
                "status": chance.choice(("inbox", "shortlisted", "rejected")),
                "read": "full",
            }
        )
        facts = {
            "technique": chance.choice(list(Technique)).value,
            "complexity": chance.choice(list(Complexity)).value,
            "relevance": round(chance.random() ** 2, 2),
        }
        for field, value in facts.items():
            fact = {"paper_id": paper, "reading_id": "current", "field": field, "value": value}
            rows[Fact].append(fact | {"source": "analysis", "reasons": [], "evidence": []})
        for place in range(chance.randrange(4)):
            key = f"{paper}/{place}"
            rows[Claim].append(
                {
                    "key": key, "paper_id": paper, "source": "analysis", "position": place,
                    "metric": "speedup", "value": round(chance.uniform(1.05, 5), 2), "unit": "x",
                    "bound": "exact", "baseline_kind": "unnamed", "scope": "kernel",
                }
            )  # fmt: skip
            quote = " ".join(chance.choices(WORDS, k=20))
            rows[Place].append(
                {"claim_key": key, "kind": "sentence", "quote": quote, "page": 3, "boxes": []}
            )
    with session_scope(engine) as session:
        counters.bump(session)
        for table, values in rows.items():
            session.execute(insert(table), values)
    with session_scope(engine) as session:
        rescore(session, {"kind": "analysis", "ref": "benchmark"})


def first_table(browser: Browser, port: int) -> tuple[Page, float]:
    """Open the page in a new context (a cold browser cache); return it and the seconds it took."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
    began = time.perf_counter()
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector('[data-testid="stDataFrame"] canvas', timeout=120_000)
    return page, time.perf_counter() - began


def settled(page: Page, address: str) -> None:
    """Wait until the page's address says so and nothing runs any more."""
    page.wait_for_function(
        "part => location.search.includes(part) && document.querySelector("
        "'[data-testid=stApp]').dataset.testScriptState === 'notRunning'",
        arg=address,
        polling=20,
    )


def choose(page: Page, label: str, option: str, address: str) -> float:
    """Choose in a select box; return the seconds from the click on the option."""
    page.get_by_label(label, exact=False).first.click()
    item = page.get_by_role("option", name=option, exact=True)
    item.wait_for()
    return timed(lambda: (item.click(), settled(page, address)))


def memory() -> float:
    """Return what the processes that this one started hold, but for the browser, in MB."""
    import psutil

    found = [
        p for p in psutil.Process().children(recursive=True) if "streamlit" in str(p.cmdline())
    ]
    return sum(float(process.memory_info().rss) for process in found) / 1e6


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def search(page: Page, words: str) -> float:
    """Type into the search field; return the seconds from Enter on."""
    field = page.get_by_label("Search", exact=True)
    field.fill(words)
    return timed(lambda: (field.press("Enter"), settled(page, f"q={words}")))


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    from app.workflows.opening import create_catalog

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        keep = os.environ.get("ASSAY_KEEP")
        if keep and (Path(keep) / "assay.db").exists():
            home = keep
        os.environ["ASSAY_HOME"] = home
        if home != keep:
            engine, _ = create_catalog()
            filled = timed(lambda: fill(engine, count))
            print(f"{count} papers stored, indexed and ranked in {filled:.0f} s")
            engine.dispose()
            if keep:
                shutil.copytree(home, Path(keep), dirs_exist_ok=True)
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        taken: dict[str, list[float]] = {}
        bare = Path(home) / "bare.py"
        bare.write_text(BARE)
        port = free_port()
        arguments = command(port)
        arguments[arguments.index("run") + 1] = str(bare)
        with served(arguments, port, home):
            taken["a bare Streamlit page's table, warm"] = [
                first_table(browser, port)[1] for _ in range(6)
            ][1:]
        port = free_port()
        with served(command(port), port, home):
            for visit in range(6):
                page, seconds = first_table(browser, port)
                name = "first table, cold" if visit == 0 else "first table, warm"
                taken.setdefault(name, []).append(seconds)
                page.wait_for_timeout(1500)
                taken.setdefault("a filter", []).append(
                    choose(page, "Technique", "attention", "technique=attention")
                )
                page.wait_for_timeout(500)
                taken.setdefault("a search", []).append(search(page, "rotation"))
                page.close()
            print(f"the server holds {memory():.0f} MB")
        for name, times in taken.items():
            ms = [round(1000 * s) for s in times]
            print(f"{name:36} median {statistics.median(ms):6.0f} ms   of {ms}")
        browser.close()


if __name__ == "__main__":
    main()
