"""A paper as `assay show` prints it for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.cli.output import clean
from app.i18n import translator
from app.labels import BOUNDS, VERDICT_ICONS, label

_EN = translator("en")


def paper_text(record: Mapping[str, Any]) -> str:
    """Return the whole page of a paper as plain text."""
    return clean("\n".join(_lines(record)))


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    paper, row = record["paper"], record["row"] or {}
    yield paper["title"]
    yield ", ".join(paper["authors"][:6]) + (" …" if len(paper["authors"]) > 6 else "")
    place = paper["url"] or (
        f"https://arxiv.org/abs/{paper['arxiv_id']}" if paper["arxiv_id"] else ""
    )
    yield f"{paper['paper_id']}   {place}"
    yield ""
    believed = record["score"]["believed"]
    if believed and row:
        advice = label(row["recommendation"], _EN)
        yield f"#{row['rank']}  {advice}: {believed['recommendation']['why']}"
        yield f"score {believed['value']:.2f} [{believed['low']:.2f}, {believed['high']:.2f}]"
        for criterion in believed["breakdown"]:
            yield (
                f"  {criterion['points']:+.2f}  {label(criterion['name'], _EN):15} "
                f"{criterion['reason']}"
            )
    for kind in ("claimed", "report"):
        if record["score"][kind]:
            yield f"{kind} score {record['score'][kind]['value']:.2f}"
    if record["findings"]:
        yield ""
        yield "Findings"
        for finding in record["findings"]:
            where = f" ({finding['device']})" if finding["device"] else ""
            yield f"  {finding['text']}{where}"
    if record.get("what_if"):
        yield ""
        yield from _what_if(record["what_if"])
    yield ""
    yield "Facts"
    for field, fact in record["facts"].items():
        value = fact["value"]
        if isinstance(value, list):
            continue
        by = f"{fact['source']}" + (f", {fact['who']}: {fact['why']}" if fact["who"] else "")
        yield f"  {label(field, _EN):15} {value}  ({by})"
    yield ""
    yield "Claims"
    own = [claim for claim in record["claims"] if claim["own_result"]]
    for claim in own:
        yield from _claim(claim)
    if len(own) < len(record["claims"]):
        yield f"  ({len(record['claims']) - len(own)} results of others, cited, left out)"
    if record["corrections"]:
        yield ""
        yield "Corrections"
        for correction in record["corrections"]:
            yield f"  {correction['text']}"
    if record["notes"]:
        yield ""
        yield "Notes"
        for note in record["notes"]:
            yield f"  {note['at'][:10]} {note['who']}: {note['text']}"
    yield ""
    yield "History"
    for change in record["history"]:
        if change["kind"] != "believed":
            continue
        before = "–" if change["before"] is None else f"{change['before']:.3f}"
        yield f"  {change['at'][:16]}  {before} → {change['after']:.3f}  {change['cause']}"


def _what_if(found: Mapping[str, Any]) -> Iterator[str]:
    now = found["now"]
    yield f"What would change this rank (now {now['rank']}, score {now['score']:.2f})"
    for change in found["changes"]:
        advice = label(change["recommendation"], _EN) if change["recommendation_moves"] else ""
        yield (
            f"  #{change['rank']:<5} {change['score']:6.2f}  {change['change']}"
            f"{': ' + advice if advice else ''}"
        )


def _claim(claim: Mapping[str, Any]) -> Iterator[str]:
    high = f"–{claim['value_high']:g}" if claim["value_high"] is not None else ""
    bound = "" if claim["bound"] == "exact" else f"{_EN(BOUNDS.get(claim['bound'], ''))} "
    where = claim["locator"] or ""
    if not where and claim["places"]:
        page = claim["places"][0]["page"]
        where = f"p. {page}" if page else ""
    text = claim["text"] or (claim["places"][0]["quote"] if claim["places"] else "")
    yield f"  {bound}{claim['value']:g}{high} {claim['unit']}  {text}  ({where})  {claim['key']}"
    for verdict in claim["verdicts"]:
        if verdict["verdict"] == "untested":
            continue
        icon = VERDICT_ICONS[verdict["verdict"]]
        yield f"      {icon} {label(verdict['verdict'], _EN)} on {verdict['device']}"
        for reason in verdict["reasons"]:
            yield f"        {reason}"
