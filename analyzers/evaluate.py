"""How right the analysis is on papers that people labelled: `python -m analyzers.evaluate FOLDER`.

Analyses the folder's labelled papers (or takes what `assay analyze --jsonl` wrote) and compares
with the labels. docs/analysis.md says how to label papers of your own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analyzers.evaluation.claims import Tally, count_paper, own_claims
from analyzers.evaluation.facts import FactTally, count_facts
from analyzers.evaluation.labels import Corpus, LabelError, read_corpus

Analyses = Mapping[str, Mapping[str, Any]]


def evaluate(corpus: Corpus, analyses: Analyses, *, places: bool = True) -> dict[str, Any]:
    """Return the figures of a corpus; `analyses` are the contract's records by paper.

    With `places`, quotes and boxes are checked against the PDFs. "remarks" lists what is wrong.
    """
    failed = sorted(name for name, record in analyses.items() if "error" in record)
    read = {name: record for name, record in analyses.items() if "error" not in record}
    claims, facts = Tally(), FactTally()
    for paper in sorted(corpus.claims.keys() & read.keys()):
        count_paper(claims, paper, corpus.claims[paper], read[paper])
        if places and (path := corpus.files.get(paper)) and path.suffix.lower() == ".pdf":
            _check_places(claims, paper, path, read[paper])
    for paper in sorted(corpus.facts.keys() & read.keys()):
        count_facts(facts, paper, corpus.facts[paper], read[paper])
    labelled = corpus.claims.keys() | corpus.facts.keys()
    return {
        "folder": str(corpus.folder),
        "analysed": len(read),
        "failed": failed,
        "without_file": sorted(labelled - analyses.keys()),
        "claims": claims.figures() if claims.papers else None,
        "facts": facts.figures() if facts.papers else None,
        "remarks": [list(remark) for remark in (*claims.remarks, *facts.remarks)],
    }


def _check_places(tally: Tally, paper: str, path: Path, analysis: Mapping[str, Any]) -> None:
    from analyzers.evaluation.places import unsound_places

    try:
        count, wrong = unsound_places(path, own_claims(analysis))
    except (OSError, RuntimeError):
        return  # it was analysed elsewhere, and the file is gone or damaged since
    tally.places = (tally.places or 0) + count
    tally.places_sound += count - len(wrong)
    for claim, place in wrong:
        told = (str(place.get("page")), f"{claim['value']} {claim['unit']}", str(place["quote"]))
        tally.remarks.append(("unsound place", paper, *told))


def read_analyses(path: Path) -> dict[str, Mapping[str, Any]]:
    """Read the lines of `assay analyze --jsonl` by paper; raises `LabelError`."""
    found: dict[str, Mapping[str, Any]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{path} can't be read ({type(error).__name__}).") from None
    for line_number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            found[Path(record["source"]).stem] = record
        except (json.JSONDecodeError, KeyError, TypeError):
            raise LabelError(
                f"{path}, line {line_number}: that is no line of `assay analyze --jsonl`."
            ) from None
    return found


def _by_paper(corpus: Corpus, by_file: Analyses) -> Analyses:
    """Name analyses as the labels name papers: a label may say which file is meant."""
    named = {path.stem: name for name, path in corpus.files.items()}
    return {named.get(stem, stem): record for stem, record in by_file.items()}


def analyse_corpus(corpus: Corpus, target: str, workers: int | None) -> Analyses:
    """Analyse all labelled papers whose file is there, each in a child process."""
    from analyzers.isolation import analyze_files

    if not corpus.files:
        raise LabelError(
            f"None of the labelled papers has a file in {corpus.folder}: put them into pdfs/,"
            " named as in the labels."
        )
    names = sorted(corpus.files)
    results = analyze_files([corpus.files[n] for n in names], target=target, workers=workers)
    analyses = {}
    for count, (name, result) in enumerate(zip(names, results, strict=True), start=1):
        analyses[name] = result
        if sys.stderr.isatty():
            print(f"\r[{count}/{len(names)}] {name}\x1b[K", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    return analyses


_TOLD = {
    "recall": "claims found",
    "rejection": "other numbers left alone",
    "balanced": "balanced (harmonic mean)",
    "precision_exhaustive": "precision where all is labelled",
    "claims_per_page": "own claims a page",
    "metric_accuracy": "metric right",
    "bound_accuracy": "bound right",
    "baseline_accuracy": "baseline right",
    "page_accuracy": "page right",
    "places_sound": "places sound",
    "technique": "technique among the labelled",
    "technique_first": "technique the labelled first",
    "complexity": "complexity right",
    "complexity_within_one": "complexity within one level",
    "integration": "integration right",
    "relevance_near": "relevance within 0.2",
    "relevance_mean_error": "relevance, mean error",
    "hardware": "hardware right",
    "hardware_not_labelled": "devices that no label names",
    "code_url": "code address right",
}
_NO_SHARE = {"claims_per_page", "relevance_mean_error", "hardware_not_labelled"}


def as_text(result: Mapping[str, Any], remarks: bool) -> str:
    """Return the figures as a table, and what is wrong where asked for."""
    lines = [f"{result['folder']}: {result['analysed']} papers analysed"]
    if result["failed"]:
        lines.append(f"not analysed: {', '.join(result['failed'])}")
    if result["without_file"]:
        lines.append(f"labelled, but without a file: {', '.join(result['without_file'])}")
    for name in ("claims", "facts"):
        figures = result[name]
        if figures is None:
            continue
        lines += ["", f"{name} ({figures['papers']} papers)"]
        for key, told in _TOLD.items():
            if (value := figures.get(key)) is not None:
                shown = f"{value:g}" if key in _NO_SHARE else f"{100 * value:.1f} %"
                lines.append(f"  {told:32} {shown:>8}{_of(key, figures)}")
    if remarks:
        lines += ["", *(" | ".join(remark) for remark in result["remarks"])]
    return "\n".join(lines)


def _of(key: str, figures: Mapping[str, Any]) -> str:
    if key == "recall":
        return f"   {figures['found']} of {figures['labelled']}"
    if key == "rejection":
        return f"   {figures['negatives'] - figures['wrongly_taken']} of {figures['negatives']}"
    labelled = figures.get(f"{key}_labelled")
    return f"   {round(figures[key] * labelled)} of {labelled}" if labelled else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (1: some paper failed, 2: wrong usage)."""
    parser = argparse.ArgumentParser(
        prog="python -m analyzers.evaluate",
        description="How right the analysis is on papers that people labelled.",
        epilog="Example: python -m analyzers.evaluate ~/labelled --misses",
    )
    parser.add_argument("folder", type=Path, help="papers with claims*.jsonl and labels*.json")
    parser.add_argument("--analyses", type=Path, help="what `assay analyze --jsonl` wrote")
    parser.add_argument("--target", default="llama.cpp", help="the engine (default: llama.cpp)")
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument("--misses", action="store_true", help="say what is wrong, one a line")
    parser.add_argument("--no-places", action="store_true", help="don't check places in the PDFs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    from analyzers.targets import TargetError

    try:
        corpus = read_corpus(options.folder)
        if options.analyses:
            analyses: Analyses = _by_paper(corpus, read_analyses(options.analyses))
        else:
            analyses = analyse_corpus(corpus, options.target, options.workers)
    except (LabelError, TargetError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    result = evaluate(corpus, analyses, places=not options.no_places)
    print(_json(result) if options.json else as_text(result, options.misses))
    return 1 if result["failed"] else 0


def _json(result: Mapping[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False, indent=2)


def _main(arguments: Iterable[str]) -> None:
    raise SystemExit(main(list(arguments)))


if __name__ == "__main__":
    _main(sys.argv[1:])
