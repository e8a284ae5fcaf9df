"""A paper as `assay show` prints it for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.cli.output import clean
from app.i18n import N_, translator
from app.labels import BOUNDS, FIELDS, LABELS, SOURCES, VERDICT_ICONS, label

_LABEL_PLACES = 15
_TEXTS = ("meaning", "engine_today", "summary", "report_line")
"""Facts that are whole sentences: each stands under its name, not beside it."""


def paper_text(record: Mapping[str, Any], language: str = "en", width: int | None = None) -> str:
    """Return the whole page of a paper as plain text in `language`, each text in its own.

    With `width` (places of the screen) long lines are broken, and go on under their text.
    """
    lines = _Page(language).lines(record)
    if width is not None:
        lines = (part for line in lines for part in _broken(line, width))
    return clean("\n".join(lines))


class _Page:
    """The page in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._ = translator(language)

    def lines(self, record: Mapping[str, Any]) -> Iterator[str]:
        for part in (
            self._head(record["paper"]),
            self._score(record["score"], record["row"] or {}),
            self._under(N_("Findings"), map(self._finding, record["findings"])),
            self._what_if(record.get("what_if")),
            self._under(N_("Facts"), self._facts(record["facts"])),
            self._under(N_("Claims"), self._claims(record["claims"])),
            self._under(N_("Corrections"), (c["text"] for c in record["corrections"])),
            self._under(N_("Notes"), map(self._note, record["notes"])),
            self._under(N_("History"), self._history(record["history"])),
        ):
            yield from part

    def _under(self, heading: str, lines: Iterable[str]) -> Iterator[str]:
        """Yield a section: an empty line, its heading, its lines; nothing where there are none."""
        for number, line in enumerate(lines):
            if number == 0:
                yield ""
                yield self._(heading)
            yield f"  {line}"

    def _head(self, paper: Mapping[str, Any]) -> Iterator[str]:
        yield paper["title"]
        yield ", ".join(paper["authors"][:6]) + (" …" if len(paper["authors"]) > 6 else "")
        place = paper["url"] or (
            f"https://arxiv.org/abs/{paper['arxiv_id']}" if paper["arxiv_id"] else ""
        )
        yield f"{paper['paper_id']}   {place}"

    def _score(self, scores: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
        yield ""
        believed, _ = scores["believed"], self._
        if believed and row:
            advice = label(row["recommendation"], _)
            yield f"#{row['rank']}  {advice}: {believed['recommendation']['why']}"
            interval = f"[{believed['low']:.2f}, {believed['high']:.2f}]"
            yield f"{_('score')} {believed['value']:.2f} {interval}"
            for criterion in believed["breakdown"]:
                name = _padded(label(criterion["name"], _))
                yield f"  {criterion['points']:+.2f}  {name} {criterion['reason']}"
        for kind, told in (("claimed", N_("claimed score")), ("report", N_("report score"))):
            if scores[kind]:
                yield f"{_(told)} {scores[kind]['value']:.2f}"

    def _finding(self, finding: Mapping[str, Any]) -> str:
        where = f" ({finding['device']})" if finding["device"] else ""
        return f"{finding['text']}{where}"

    def _what_if(self, found: Mapping[str, Any] | None) -> Iterator[str]:
        if not found:
            return
        now, _ = found["now"], self._
        told = _("What would change this rank (now {rank}, score {score})")
        yield ""
        yield told.format(rank=now["rank"], score=f"{now['score']:.2f}")
        for change in found["changes"]:
            advice = label(change["recommendation"], _) if change["recommendation_moves"] else ""
            yield (
                f"  #{change['rank']:<5} {change['score']:6.2f}  {change['change']}"
                f"{': ' + advice if advice else ''}"
            )

    def _facts(self, facts: Mapping[str, Any]) -> Iterator[str]:
        for field, fact in facts.items():
            value = fact["value"]
            by = label(fact["source"], self._, SOURCES)
            by += f", {fact['who']}: {fact['why']}" if fact["who"] else ""
            name = label(field, self._, FIELDS)
            if field in _TEXTS:
                yield f"{name} ({by})"
                yield f"  {value}"
            elif field == "risks":
                yield f"{name} ({by})"
                yield from (f"  {self._risk(risk)}" for risk in value)
            elif isinstance(value, list):
                yield f"{_padded(name)} {', '.join(map(str, value))}  ({by})"
            else:
                told = label(value, self._, LABELS) if isinstance(value, str) else value
                yield f"{_padded(name)} {told}  ({by})"

    def _risk(self, risk: Mapping[str, Any]) -> str:
        words = risk["kind"].replace("_", " ")
        kind = f"{self._(words)} ({label(risk['severity'], self._)})"
        settled = "" if risk.get("is_open", True) else f", {self._('settled')}"
        return f"{kind}{settled}: {risk.get('reason') or ''}"

    def _claims(self, claims: list[Mapping[str, Any]]) -> Iterator[str]:
        own = [claim for claim in claims if claim["own_result"]]
        for claim in own:
            yield from self._claim(claim)
        if len(own) < len(claims):
            told = self._("({count} results of others, cited, left out)")
            yield told.format(count=len(claims) - len(own))

    def _claim(self, claim: Mapping[str, Any]) -> Iterator[str]:
        high = f"–{claim['value_high']:g}" if claim["value_high"] is not None else ""
        bound = "" if claim["bound"] == "exact" else f"{self._(BOUNDS.get(claim['bound'], ''))} "
        where = claim["locator"] or ""
        if not where and claim["places"]:
            page = claim["places"][0]["page"]
            where = f"p. {page}" if page else ""
        text = claim["text"] or (claim["places"][0]["quote"] if claim["places"] else "")
        place = f"  ({where})" if where else ""
        yield f"{bound}{claim['value']:g}{high} {claim['unit']}  {text}{place}  {claim['key']}"
        for verdict in claim["verdicts"]:
            if verdict["verdict"] == "untested":
                continue
            told = self._("{verdict} (on {device})").format(
                verdict=label(verdict["verdict"], self._), device=verdict["device"]
            )
            yield f"    {VERDICT_ICONS[verdict['verdict']]} {told}"
            for reason in verdict["reasons"]:
                yield f"      {reason}"

    def _note(self, note: Mapping[str, Any]) -> str:
        return f"{note['at'][:10]} {note['who']}: {note['text']}"

    def _history(self, changes: list[Mapping[str, Any]]) -> Iterator[str]:
        for change in changes:
            if change["kind"] == "believed":
                before = "–" if change["before"] is None else f"{change['before']:.3f}"
                moved = f"{before} → {change['after']:.3f}"
                yield f"{change['at'][:16].replace('T', ' ')}  {moved}  {change['cause']}"


def _padded(name: str) -> str:
    """Return a name in the column of names; a Chinese sign takes two places."""
    from rich.cells import cell_len

    return name + " " * max(0, _LABEL_PLACES - cell_len(name))


def _broken(line: str, width: int) -> Iterator[str]:
    """Yield a line in parts of at most `width` places, the later ones two further in."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    if cell_len(line) <= width:
        yield line
        return
    inset = " " * (len(line) - len(line.lstrip()))
    text = Text(line.lstrip())
    parts = text.wrap(Console(width=width), max(20, width - len(inset) - 2))
    for number, part in enumerate(parts):
        yield inset + ("  " if number else "") + part.plain.rstrip()
