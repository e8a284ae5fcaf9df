"""Where the authors' own code is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from analyzers.document import Document
from analyzers.evidence import Index
from analyzers.words import Pattern

_HOSTS = "github.com|gitlab.com|bitbucket.org|codeberg.org|gitee.com|huggingface.co|aka.ms"
_CODE = re.compile(
    rf"(?:https?://)?(?:www\.)?(?:{_HOSTS.replace('.', '[.]')})/[\w.~-]+(?:/[\w.~-]+)*", re.I
)
_RELEASE = re.compile(
    r"\bcodes?\b|open[- ]?sourc\w+|\bimplementations?\b|\breleas\w+|\bavailable\b|\brepository\b"
    r"|\bsource\b|\bprototype\b|\bproject page\b|\bgit clone\b|\bartifacts?\b",
    re.I,
)
_OURS = re.compile(r"\b(?:we|our|this paper|this work)\b", re.I)
_USED = re.compile(
    r"\b(?:use|used|uses|using|adopt\w*|based on|built (?:on|upon|from)|follow(?!s:)\w*|taken from"
    r"|provided by|baselines?|compare\w*|from the official|third-party|datasets?|prompts?"
    r"|evaluation harness)\b",
    re.I,
)
_OTHERS_CODE = re.compile(
    r"/(?:NVIDIA(?:-\w+)?|oneapi-src|intel|huggingface|pytorch|openai|vllm-project|ggerganov|ggml-org"
    r"|triton-lang|tensorflow|EleutherAI|sgl-project|google/jax|tatsu-lab|lm-sys|jax-ml|apple"
    r"|facebookresearch/(?:llama|xformers|faiss)|ml-explore|mlc-ai"
    r"|openxla|apache|meta-llama|mistralai|deepseek-ai/DeepSeek-V3$|karpathy)(?:/|$)",
    re.I,
)


class _Address(NamedTuple):
    """An address of a code host, the words around it, and where it stands."""

    url: str
    before: str
    sentence: str
    page: int | None
    in_abstract: bool


def read_code_url(document: Document, index: Index) -> str | None:
    """Return the address of the authors' code, where the paper says that it is theirs."""
    best: tuple[float, int, str] | None = None
    names = {re.sub(r"\W", "", (document.title or "").split(":")[0]).lower()}
    names |= {re.sub(r"\W", "", name) for name in index.names}
    names = {name for name in names if len(name) > 3}
    last = max(1, document.pages or 1)
    seen: set[str] = set()
    for order, address in enumerate(_addresses(document, index)):
        url = address.url
        points = 0.0
        around = address.before[-160:] + " " + address.sentence
        if _RELEASE.search(around):
            points += 2
        if address.in_abstract or address.page == 1:
            points += 2
        elif address.page is not None and address.page <= max(2, last // 4):
            points += 0.5
        if _OURS.search(around):
            points += 1
        tail = re.sub(r"\W", "", url.rsplit("/", 1)[-1]).lower()
        if len(tail) > 3 and any(tail in name or name in tail for name in names):
            points += 3
        elif len(tail) > 3 and index.text.count(tail) >= 8:
            points += 2  # spoken of all the time: theirs, unless it is a well-known tool
        if _USED.search(address.sentence) and not address.in_abstract:
            points -= 1.5
        if _OTHERS_CODE.search(url):
            points -= 4
        if "huggingface.co" in url.lower():
            points -= 2
        if _is_bare_footnote(address) and not _OTHERS_CODE.search(url) and len(seen) == 0:
            points += 1.5  # the first address of the paper, in a footnote of its first pages
        seen.add(url.lower())
        if points >= 2 and (best is None or points > best[0]):
            best = (points, -order, url)
    return best[2] if best else None


def _is_bare_footnote(address: _Address) -> bool:
    early = address.page is not None and address.page <= 3
    return early and re.fullmatch(r"\W*\d{0,2}\W*https?://\S+\s*", address.sentence) is not None


_MENTION = Pattern(_HOSTS)
# an address cut at a line end stands with a space in it
_CUT = re.compile(r"(github\.com/|gitlab\.com/|[\w.-]+/|https?://|-)\s(?=[\w.-]+(?:/|\b))")


def _addresses(document: Document, index: Index) -> Iterator[_Address]:
    links = [(_tidy(link.url), link) for link in document.links if _CODE.match(link.url)]
    known: set[str] = set()
    for at in index.hits(_MENTION)[:100]:
        sentence = document.sentences[at]
        text = _CUT.sub(r"\1", sentence.text)
        before = document.sentences[at - 1].text if at else ""
        for match in _CODE.finditer(text):
            url = _tidy(match[0])
            whole = next((link for link, _ in links if link.lower().startswith(url.lower())), url)
            known.add(whole.lower())
            yield _Address(whole, before, text, sentence.page, sentence.in_abstract)
    for url, link in links[:200]:
        if url.lower() not in known:
            yield _Address(url, "", link.context, link.page, False)


def _tidy(url: str) -> str:
    url = url.split("#")[0].split("?")[0].rstrip("./,;:)")
    url = re.sub(r"\.git$|/(?:releases|issues|pull|blob|tree/(?:main|master)$).*", "", url)
    return url if url.lower().startswith("http") else f"https://{url}"
