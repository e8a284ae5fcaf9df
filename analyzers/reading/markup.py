"""Markdown, HTML and plain text as a `Document`: paragraphs, headings, captions; no pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from analyzers.document import Document, Kind, Link, Read, Section, Sentence
from analyzers.errors import ErrorKind, ReadError
from analyzers.message import message
from analyzers.reading.front import find_abstract
from analyzers.reading.headings import is_bibliography
from analyzers.reading.sniff import FileKind
from analyzers.reading.splitting import split_sentences

MAX_CHARACTERS = 2_000_000
MIN_WORDS = 8
_FRONT_MATTER = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.S)
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_PLAIN_HEADING = re.compile(
    r"(?:(\d{1,2}(?:\.\d{1,2})*|[A-H](?:\.\d+)*)\.?\s+)?[A-Z][\w ,:&'’/()-]{2,70}"
)
_CAPTION = re.compile(r"(?:figure|fig\.|table|algorithm)\s*\d+\s*[.:|]", re.I)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
_BLOCK_TAGS = frozenset(
    (
        *("p", "div", "li", "ul", "ol", "table", "tr", "td", "th", "section", "article", "header"),
        *("footer", "main", "aside", "blockquote", "pre", "figure", "figcaption", "h1", "h2", "h3"),
        *("h4", "h5", "h6", "hr", "dt", "dd", "dl", "body"),
    )
)
_ARXIV = re.compile(r"arxiv(?:\.org/(?:abs|pdf)/|:\s*)(\d{4}\.\d{4,5})(?:v(\d{1,3}))?", re.I)


@dataclass(slots=True)
class _Block:
    text: str
    level: int = 0
    table: bool = False


def read_markup(path: Path, kind: FileKind) -> Document:
    """Read a Markdown, HTML or text file. Raises `ReadError`: no_text, unreadable."""
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise ReadError(ErrorKind.UNREADABLE, message("The file cannot be opened.")) from error
    left_out = []
    if len(text) > MAX_CHARACTERS:
        left_out.append(f"characters after the first {MAX_CHARACTERS}")
        text = text[:MAX_CHARACTERS]
    matter: dict[str, str] = {}
    links = [
        Link(match[0], None, text[max(0, match.start() - 200) : match.start()])
        for match in islice(re.finditer(r"https?://[^\s<>\"'`\])]+", text[:400_000]), 400)
    ]
    if kind is FileKind.HTML:
        blocks, matter = _html_blocks(text)
    else:
        text, matter = _front_matter(text)
        blocks = _text_blocks(text)
    document = _compose(blocks, kind, matter)
    if sum(len(sentence.text.split()) for sentence in document.sentences) < MIN_WORDS:
        raise ReadError(
            ErrorKind.NO_TEXT, message("The file holds no sentences. Give the paper's text.")
        )
    document.links = links
    document.left_out = left_out
    if left_out:
        document.read = Read.PARTIAL
    return document


def decode(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 by their marks, else UTF-8, else Latin-1 (which takes every byte)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    return text.replace("\0", " ").replace("\r\n", "\n").replace("\r", "\n")


def _front_matter(text: str) -> tuple[str, dict[str, str]]:
    match = _FRONT_MATTER.match(text)
    if not match:
        return text, {}
    matter = {}
    for line in match[1].splitlines()[:100]:
        key, colon, value = line.partition(":")
        if colon and key.strip().isidentifier():
            matter[key.strip().lower()] = value.strip().strip("\"'")
    return text[match.end() :], matter


def _text_blocks(text: str) -> list[_Block]:
    blocks: list[_Block] = []
    paragraph: list[str] = []
    fenced = False

    def flush() -> None:
        if paragraph:
            blocks.append(_Block(clean_markdown(" ".join(paragraph))))
            paragraph.clear()

    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(("```", "~~~")):
            flush()
            fenced = not fenced
            continue
        if fenced:
            continue
        heading = _HEADING.fullmatch(line)
        if heading:
            flush()
            blocks.append(_Block(clean_markdown(heading[2]), level=len(heading[1])))
        elif re.fullmatch(r"[=-]{3,}", line) and len(paragraph) == 1:
            blocks.append(_Block(clean_markdown(paragraph.pop()), level=1 if line[0] == "=" else 2))
        elif not line:
            flush()
        elif line.startswith("|") or line.count("\t") > 2:
            flush()
            blocks.append(_Block(line, table=True))
        elif re.match(r"(?:[-*+•]|\d{1,2}[.)])\s+", line):
            flush()
            paragraph.append(re.sub(r"^(?:[-*+•]|\d{1,2}[.)])\s+", "", line))
        else:
            if paragraph and re.search(r"[A-Za-z]-$", paragraph[-1]) and line[0].islower():
                paragraph[-1] = paragraph[-1][:-1] + line  # a conversion's word cut at a line end
            else:
                paragraph.append(line)
    flush()
    return blocks


def clean_markdown(text: str) -> str:
    """Take away markup, keep what a reader sees; the alternative text of an image is not seen."""
    text = re.sub(r"!\[[^\]]{0,500}\]\([^)]{0,1000}\)", " ", text)
    text = re.sub(r"\[([^\]\[]{1,500})\]\([^)]{1,1000}\)", r"\1", text)
    text = _TAG.sub(" ", text)
    text = re.sub(r"(\*\*|__)(?=\S)(.{1,500}?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<!\w)[*_](?=\S)([^*_]{1,300}?)(?<=\S)[*_](?!\w)", r"\1", text)
    text = re.sub(r"`([^`]{1,200})`", r"\1", text)
    text = re.sub(r"\$\s*\\(?:times|approx|sim)\s*\$", "×", text)
    text = re.sub(r"\\times\b", "×", text).replace("\\%", "%")
    text = re.sub(r"\$([^$\s][^$]{0,40}?)\$", r"\1", text)
    import html

    return " ".join(html.unescape(text).split())


def _html_blocks(text: str) -> tuple[list[_Block], dict[str, str]]:
    from lxml import etree

    # no network, no entities, no DTD: an HTML file is as hostile as a PDF
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError) as error:
        raise ReadError(ErrorKind.UNREADABLE, message("The HTML cannot be parsed.")) from error
    matter: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = str(meta.get("name") or meta.get("property") or "").lower()
        if name in ("citation_title", "og:title", "author", "citation_author"):
            key = "title" if "title" in name else "author"
            old = matter.get(key)
            new = str(meta.get("content") or "").strip()
            matter[key] = f"{old}, {new}" if old and key == "author" else old or new
    title = next(iter(root.iter("title")), None)
    if title is not None:
        matter.setdefault("title", " ".join("".join(title.itertext()).split()))
    blocks: list[_Block] = []
    buffer: list[str] = []

    def flush(level: int = 0, table: bool = False) -> None:
        joined = " ".join("".join(buffer).split())
        buffer.clear()
        if joined:
            blocks.append(_Block(joined, level, table))

    _walk(root, buffer, flush)
    flush()
    return blocks, matter


def _walk(root: Any, buffer: list[str], flush: Any) -> None:
    """Visit the tree without recursion: a bomb nests deeper than Python's stack."""
    skip = {
        "script",
        "style",
        "head",
        "nav",
        "noscript",
        "template",
        "svg",
        "math",
        "form",
        "iframe",
    }
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        tag = node.tag.lower() if isinstance(node.tag, str) else ""
        if leaving:
            if tag in _BLOCK_TAGS:
                flush(int(tag[1]) if re.fullmatch(r"h[1-6]", tag) else 0, tag in ("td", "th", "tr"))
            if node.tail:
                buffer.append(node.tail)
            continue
        if tag in _BLOCK_TAGS:
            flush()
        if tag in skip or not tag:
            if node.tail:
                buffer.append(node.tail)
            continue
        if tag == "br":
            buffer.append(" ")
        stack.append((node, True))
        if node.text:
            buffer.append(node.text)
        stack.extend((child, False) for child in reversed(node))


def _compose(blocks: list[_Block], kind: FileKind, matter: dict[str, str]) -> Document:
    document = Document(kind=kind.value, sentences=[])
    section, in_references = "", False
    title = matter.get("title") or None
    for block in blocks:
        document.words += len(block.text.split())
        if block.table or not block.text:
            continue
        if not block.level and _is_plain_heading(block.text, kind):
            block.level = 2
        if block.level:
            if title is None and not document.sentences:
                title = block.text
                continue
            section = block.text
            in_references = is_bibliography(section)
            document.sections.append(Section(section, None))
            continue
        if in_references:
            continue
        text = block.text
        lead = re.match(r"abstract\s*[.:—–]\s*", text, re.I)
        if lead:
            text, section = text[lead.end() :], "Abstract"
            document.sections.append(Section("Abstract", None))
        _add(document, text, section)
        if lead:
            section = ""
    document.title = " ".join(title.split())[:300] if title else None
    document.authors = _authors(matter.get("author", ""))
    document.abstract = find_abstract(document)
    stamp = _ARXIV.search(" ".join([*(b.text for b in blocks[:4]), *(document.title or "",)]))
    if stamp:
        document.arxiv_id = stamp[1]
        document.arxiv_version = int(stamp[2]) if stamp[2] else None
    if document.abstract and document.words < 1.6 * len(document.abstract.split()) + 40:
        document.read = Read.ABSTRACT
    return document


def _add(document: Document, text: str, section: str) -> None:
    kind = Kind.CAPTION if _CAPTION.match(text) else Kind.SENTENCE
    abstract = section.lower() == "abstract"
    for start, end in split_sentences(text):
        document.sentences.append(Sentence(text[start:end], None, section, kind, abstract))


def _is_plain_heading(text: str, kind: FileKind) -> bool:
    if kind is not FileKind.TEXT or len(text) > 80 or text[-1] in ".,;:?!":
        return False
    match = _PLAIN_HEADING.fullmatch(text)
    known = r"(?i)(?:\d\.?\s+)?(abstract|introduction|related work|conclusions?|references)"
    return bool(match) and (bool(match and match[1]) or bool(re.fullmatch(known, text)))


def _authors(text: str) -> list[str]:
    bare = re.sub(r"\([^)]*\)", "", text)
    return [name.strip() for name in re.split(r"[,;]|\band\b", bare) if name.strip()][:200]
