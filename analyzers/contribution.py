"""What the authors say they bring, in their own sentence; what they ran on; where the code is."""

from __future__ import annotations

import re
from collections import Counter

from analyzers.claiming.subjects import all_hardware
from analyzers.document import Document, Kind, Sentence

_PROPOSES = re.compile(
    r"\b(?:we|this (?:paper|work|report|study|post)|in this (?:paper|work"
    r"|blog post))\b[^.]{0,60}\b(?:propose|present|introduc\w+|develop"
    r"|design|describ\w+|show how|build|explore|study|demonstrate|investigate|provide"
    r"|release|implement)\b",
    re.I,
)
_STRONG = re.compile(
    r"\b(?:we|this (?:paper|work)|paper)\s(?:\w+\s){0,2}(?:propose|present|introduce|develop)s?\b",
    re.I,
)
_MEASURES = re.compile(
    r"\b(?:experiments?|evaluat\w+|measur\w+|benchmark\w*|run|conduct\w*|test\w*"
    r"|performed|speedups?|faster|latency"
    r"|throughput|profil\w+|equipped|testbed|server|use[ds]?|on an?)\b",
    re.I,
)
_OWN = re.compile(r"\b(?:we|our)\b", re.I)
_FOREIGN = re.compile(r"related work|background|motivation|preliminar|introduction", re.I)
_SETUP = re.compile(
    r"set-?up|setting|experiment|evaluation|implementation|result|hardware|abstract", re.I
)
_CODE = re.compile(
    r"(?:https?://)?(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org"
    r"|gitee\.com|huggingface\.co|aka\.ms)"
    r"/[\w.~-]+(?:/[\w.~-]+)*",
    re.I,
)
_RELEASE = re.compile(
    r"\bcodes?\b|open[- ]?sourc\w+|implementation|releas\w+|available|repository|source|prototype",
    re.I,
)
_OTHERS_CODE = re.compile(
    r"/(?:NVIDIA|oneapi-src|intel|huggingface|pytorch|openai|vllm-project|ggerganov|ggml-org"
    r"|triton-lang|tensorflow|EleutherAI|sgl-project"
    r"|google/jax|tatsu-lab|lm-sys|facebookresearch/llama|jax-ml|apple)(?:/|$)",
    re.I,
)


def read_contribution(document: Document) -> dict[str, str | int | None] | None:
    """Return {"text", "page"}: the sentence that says what is new; None if none does."""
    candidates = [s for s in document.sentences if s.kind is Kind.SENTENCE][:160]
    for sentences in ([s for s in candidates if s.in_abstract], candidates):
        for pattern in (_STRONG, _PROPOSES):
            for sentence in sentences:
                if pattern.search(sentence.text) and len(sentence.text.split()) >= 8:
                    return _quote(sentence)
    abstract = [s for s in candidates if s.in_abstract]
    return _quote(abstract[0]) if abstract else None


def _quote(sentence: Sentence) -> dict[str, str | int | None]:
    return {"text": sentence.text[:700], "page": sentence.page}


def read_hardware(document: Document) -> list[str]:
    """Return what the authors measured on, the most spoken of first."""
    weights: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for sentence in document.sentences:
        names = all_hardware(sentence.text)
        if not names:
            continue
        weight = 1
        if _MEASURES.search(sentence.text):
            weight += 2
        if _OWN.search(sentence.text):
            weight += 2
        if _SETUP.search(sentence.section) or sentence.in_abstract:
            weight += 2
        if _FOREIGN.search(sentence.section) and not sentence.in_abstract:
            weight = 1
        for name in names:
            key = _key(name)
            weights[key] += weight
            if len(name) > len(spelling.get(key, "")):
                spelling[key] = name
    top = max(weights.values(), default=0)
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return [spelling[key] for key, weight in ranked if weight >= max(3, 0.25 * top)][:5]


def _key(name: str) -> str:
    bare = re.sub(
        r"NVIDIA|AMD|Intel|Apple|GeForce|Tesla|\d+ ?GB|SXM\d?|PCIe|NVL|[\s-]", "", name, flags=re.I
    )
    return bare.lower()


def read_code_url(document: Document) -> str | None:
    """Return the address of the authors' code, where the paper says that it is theirs."""
    best: tuple[float, int, str] | None = None
    name = re.sub(r"\W", "", (document.title or "").split(":")[0]).lower()
    spoken = Counter(re.findall(r"[a-z0-9]+", document.text.lower()))
    for order, (url, context, page, abstract) in enumerate(_addresses(document)):
        points = 0.0
        if _RELEASE.search(context):
            points += 2
        if abstract or page == 1:
            points += 2
        if re.search(r"\b(?:we|our|this paper|this work)\b", context, re.I):
            points += 1
        tail = re.sub(r"\W", "", url.rsplit("/", 1)[-1]).lower()
        if len(tail) > 3 and (tail in name or (name and name in tail)):
            points += 3
        elif len(tail) > 3 and spoken[tail] >= 8:
            points += 2  # spoken of all the time: theirs, unless it is a well-known tool
        if _OTHERS_CODE.search(url):
            points -= 3
        if "huggingface.co" in url.lower():
            points -= 2
        if points >= 2 and (best is None or points > best[0]):
            best = (points, -order, url)
    return best[2] if best else None


def _addresses(document: Document) -> list[tuple[str, str, int | None, bool]]:
    """Return (url, words around it, page, in the abstract) for each address of a code host."""
    found: list[tuple[str, str, int | None, bool]] = []
    links = [(_tidy(link.url), link) for link in document.links if _CODE.match(link.url)]
    for index, sentence in enumerate(document.sentences):
        if "/" not in sentence.text:
            continue
        # an address cut at a line end stands with a space in it
        text = re.sub(
            r"(github\.com/|gitlab\.com/|[\w.-]+/|https?://|-)\s(?=[\w.-]+(?:/|\b))",
            r"\1",
            sentence.text,
        )
        for match in _CODE.finditer(text):
            url = _tidy(match[0])
            whole = next((link for link, _ in links if link.lower().startswith(url.lower())), url)
            before = document.sentences[index - 1].text if index else ""
            context = before[-160:] + " " + text
            found.append((whole, context, sentence.page, sentence.in_abstract))
        if len(found) > 200:
            break
    known = {url.lower() for url, *_ in found}
    found += [
        (url, link.context, link.page, False) for url, link in links if url.lower() not in known
    ]
    return found


def _tidy(url: str) -> str:
    url = url.split("#")[0].split("?")[0].rstrip("./,;:)")
    url = re.sub(r"\.git$|/(?:releases|issues|pull|blob|tree/(?:main|master)$).*", "", url)
    return url if url.lower().startswith("http") else f"https://{url}"
