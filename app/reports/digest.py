"""What the watches found, as Markdown and as an Atom feed: the same digest, the same bytes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from xml.etree import ElementTree

from app.i18n import translator
from app.labels import label
from app.reports.text import clean, escape_markdown, safe_url, shorten

ATOM = "http://www.w3.org/2005/Atom"
_NAMESPACE = uuid.UUID("6f2a9f0e-6d0c-5b52-9a3e-5f6d1f1c7a10")
"""Of the ids of Assay's feeds and their entries."""


@dataclass(frozen=True, slots=True)
class DigestPaper:
    """A paper as a digest tells it; texts may be hostile."""

    paper_id: str
    arxiv_id: str
    version: int
    title: str
    authors: tuple[str, ...]
    read: str | None
    rank: int | None
    of: int
    place: int | None
    """Where it would stand among the shortlist, of `place_of`."""
    place_of: int
    is_beside_seed: bool
    """Whether the report's papers stand in for the shortlist, which is empty yet."""
    advice: str | None
    why: str
    headline: str
    """Its headline claim in our words; may be empty."""
    technique: str | None
    facts: tuple[str, ...]
    """Short facts, each with where it is from."""
    status: str
    watch: str
    at: str
    is_version: bool
    """Whether the catalog had an older version."""

    @property
    def url(self) -> str:
        """The abstract page of this version."""
        return f"https://arxiv.org/abs/{self.arxiv_id}v{self.version}"


@dataclass(frozen=True, slots=True)
class DigestWatch:
    """A watch as it stands: its query, and why it failed the last time, if it did."""

    name: str
    query: str
    asked_at: str | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What is new in a span of time, the best first."""

    since: str
    until: str
    identity: str
    """What makes this catalog's feed another than anybody else's."""
    papers: tuple[DigestPaper, ...]
    watches: tuple[DigestWatch, ...]
    language: str


def to_markdown(digest: Digest) -> bytes:
    """Return the digest as Markdown in UTF-8."""
    _ = translator(digest.language)
    heading, newer_heading = _("New papers"), _("New versions of papers in the catalog")
    watches_heading = _("Watches")
    lines: list[str] = [f"# {heading}", ""]
    if digest.papers:
        span = _("{since} to {until}: {new} new papers, {versions} new versions.")
        lines.append(
            span.format(
                since=digest.since[:10],
                until=digest.until[:10],
                new=sum(not p.is_version for p in digest.papers),
                versions=sum(p.is_version for p in digest.papers),
            )
        )
    else:
        lines.append(_("Nothing new."))
    for number, paper in enumerate((p for p in digest.papers if not p.is_version), start=1):
        title = escape_markdown(shorten(paper.title, 200))
        lines += ["", f"## {number}. [{title}]({safe_url(paper.url)})", ""]
        lines += [f"- {escape_markdown(line)}" for line in facts(paper, digest.language)]
    newer = [p for p in digest.papers if p.is_version]
    if newer:
        lines += ["", f"## {newer_heading}", ""]
        for paper in newer:
            title = escape_markdown(shorten(paper.title, 200))
            now = escape_markdown(f"v{paper.version}, {label(paper.status, _)}")
            lines.append(f"- [{title}]({safe_url(paper.url)}): {now}")
    lines += ["", f"## {watches_heading}", ""]
    for watch in digest.watches:
        asked = (watch.asked_at or "–")[:10]
        told = f"{watch.name}: {watch.query} ({asked})"
        if watch.trouble:
            told += f" – {watch.trouble}"
        lines.append(f"- {escape_markdown(told)}")
    if not digest.watches:
        lines.append(_("There is no watch yet."))
    return ("\n".join(lines) + "\n").encode()


def facts(paper: DigestPaper, language: str) -> list[str]:
    """Return what there is to say of a paper, a line each."""
    _ = translator(language)
    lines: list[str] = []
    technique, authors = _("technique"), _("authors")
    if paper.headline:
        told = _("Claims {claim} ({source}; not measured here)")
        lines.append(told.format(claim=paper.headline, source=f"arXiv {paper.arxiv_id}"))
    else:
        lines.append(_("No speed claim was found in it."))
    if paper.place is not None:
        if paper.is_beside_seed:
            told = _("would be rank {place} of {of} beside the papers of the first report")
        else:
            told = _("would be rank {place} of {of} on the shortlist")
        advice, all_of_it = label(paper.advice, _), _("rank {rank} of {all} in the catalog")
        place = told.format(place=paper.place, of=paper.place_of)
        lines.append(f"{advice} · {place} · {all_of_it.format(rank=paper.rank, all=paper.of)}")
    if paper.why:
        lines.append(paper.why)
    if paper.technique:
        lines.append(f"{technique}: {label(paper.technique, _)}")
    lines += paper.facts
    lines.append(_("read: {level}").format(level=label(paper.read or "record", _)))
    lines.append(f"{authors}: {', '.join(paper.authors[:6]) or '–'}")
    lines.append(
        _("found by {watch}, {day}; now {status}").format(
            watch=paper.watch, day=paper.at[:10], status=label(paper.status, _)
        )
    )
    return [clean(line) for line in lines]


def to_atom(digest: Digest) -> bytes:
    """Return the digest as an Atom feed (RFC 4287) in UTF-8.

    Ids are made of arXiv ids and versions: an entry keeps its id in every feed.
    """
    _ = translator(digest.language)
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    feed.set("{http://www.w3.org/XML/1998/namespace}lang", digest.language)
    _put(feed, "id", uuid.uuid5(_NAMESPACE, f"feed {digest.identity}").urn)
    _put(feed, "title", _("Assay: new papers"))
    _put(feed, "updated", _moment(digest.until))
    author = ElementTree.SubElement(feed, f"{{{ATOM}}}author")
    _put(author, "name", "Assay")
    for paper in sorted(digest.papers, key=lambda p: (p.at, p.arxiv_id, p.version), reverse=True):
        entry = ElementTree.SubElement(feed, f"{{{ATOM}}}entry")
        _put(entry, "id", uuid.uuid5(_NAMESPACE, f"{paper.arxiv_id}v{paper.version}").urn)
        _put(entry, "title", shorten(paper.title, 300) or paper.arxiv_id)
        _put(entry, "updated", _moment(paper.at))
        for name in paper.authors[:20]:
            if clean(name):
                _put(ElementTree.SubElement(entry, f"{{{ATOM}}}author"), "name", clean(name))
        link = ElementTree.SubElement(entry, f"{{{ATOM}}}link")
        link.set("rel", "alternate")
        link.set("type", "text/html")
        link.set("href", safe_url(paper.url) or "")
        if paper.technique:
            category = ElementTree.SubElement(entry, f"{{{ATOM}}}category")
            category.set("term", paper.technique)
            category.set("label", label(paper.technique, _))
        lines = facts(paper, digest.language)
        if paper.is_version:
            lines.insert(0, _("A new version of a paper in the catalog."))
        _put(entry, "summary", "\n".join(lines)).set("type", "text")
    ElementTree.indent(feed)
    text: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _put(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}")
    child.text = text
    return child


def _moment(iso: str) -> str:
    """Return a moment as Atom has it: seconds, and Z for UTC."""
    return f"{iso[:19]}Z"
