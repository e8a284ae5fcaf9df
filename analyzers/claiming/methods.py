"""The names that the authors give their work, and how papers cite others."""

from __future__ import annotations

import re
from collections import Counter

from analyzers.document import Document

CITED = re.compile(
    r"\[\d[\d,\s–-]*\]|\[[A-Z][A-Za-z+]{1,12}\d{2}[a-z]?[^\]]{0,40}\]"
    r"|\([^()]{0,80}et al[^()]{0,60}\)"
    r"|et al\.?,? ?\(?\d{4}|\([A-Z][\w-]+(?: (?:&|and) [A-Z][\w-]+)?,? (?:19"
    r"|20)\d{2}[a-z]?\)|et al\."
    r"|[A-Z][a-z]+ & [A-Z][a-z]+ \(\d{4}\)"
)
PROPER = re.compile(r"\b[A-Z][A-Za-z]*(?:[A-Z]|\d|-[A-Z\d])[\w.+-]*\b")
COINED = r"(?:[a-z]{1,5}[A-Z][\w+-]*\w|[a-z]{2,12}\.(?:ai|cpp|js|[a-z]{2,4}\b))"
"""A name that begins small: inner capitals, or two words that a full stop joins."""
_NAMED = re.compile(rf"{PROPER.pattern}|(?<![\w./-]){COINED}(?![\w/])")
NOT_METHODS = frozenset(
    (
        *("GPU", "GPUs", "CPU", "CPUs", "LLM", "LLMs", "KV", "TPU", "FP16", "FP8", "FP32", "BF16"),
        *("INT8", "INT4", "NVIDIA", "HBM", "SRAM", "GEMM", "API", "CUDA", "PyTorch", "MLP", "FFN"),
        *("MoE", "SSD", "NPU", "A100", "H100", "V100", "RTX", "IO", "PCIe", "NVLink", "FLOPs"),
        *("TFLOPs", "OPT", "LLaMA", "LM", "LMs", "MT", "NLP", "QA", "ML", "AI", "DNN", "TTFT"),
        *("TPOT", "TBT", "ITL", "SLO", "QPS", "PPL", "MFU", "OPS", "MRE", "MSE"),
    )
)


_PROPOSES = re.compile(
    r"\b(?:we|this paper|this work|our)\b[^.]{0,40}?\b(?:propos|present|introduc"
    r"|develop|call|design|build"
    r"|describ|nam|term|dub|implement)\w*\b",
    re.I,
)


_OUR = re.compile(rf"\b[Oo]ur\s(?P<name>{PROPER.pattern})")
# models, formats and devices, of which authors say "our" too
_NO_PART = re.compile(
    r"\d+[BM]\b|^(?:W\d|A\d|INT\d|int\d|FP\d|BF\d|GPT|BERT|T5|OPT|LL[aA]MA|Llama|LL[mM]s?|Qwen|MoE|KV|RTX|[AHV]\d\d"
    r"|DNN|CNN|RNN|NN|API|CUDA|PTQ|QAT|GEM[MV]|SOTA|NLP|AI\b|ML\b)|^[A-Z]{1,2}$"
)
_DESCRIBES = re.compile(
    r"-(?:specific|based|aware|level|style|like|free|wide|centric|driven|bound|only|friendly)$|^..$"
)
# "our evaluation shows that X reduces …": what an abstract shows is the authors' work
_SHOWN = re.compile(
    r"\b(?:evaluations?|experiments?|results?|we|study|benchmarks?|it)\s(?:[\w-]+\s){0,6}?"
    r"(?:show|demonstrat|indicat|confirm|suggest)\w*\sthat[,\s]\s?"
    rf"(?P<name>{PROPER.pattern}|(?<![\w./-]){COINED}(?![\w/]))\s(?:can\s|could\s|also\s|\w+ly\s)*"
    r"(?:achiev|reduc|improv|outperform|accelerat|deliver|speed|increas|provid|enabl|yield|obtain"
    r"|attain|sav|cut|boost|gain|surpass|offer|lower|maintain|retain|match|reach|is|has)\w*\b"
)


def method_names(document: Document) -> frozenset[str]:
    """Return the names that the authors give their work: from the title and "we propose X"."""
    names: set[str] = set()
    title = document.title or ""
    head = title.split(":")[0].strip()
    if ":" in title and 1 <= len(head.split()) <= 4:
        names.add(head)
    if "(" in title:
        names.update(re.findall(r"\(([A-Z][\w-]{2,20})\)", title))
    opening = "\n".join(sentence.text for sentence in document.sentences[:120])
    parts = _parts(document)
    if coined := _coined_in_title(title, opening):
        names.add(coined)
    for sentence in document.sentences[:120]:
        for match in _PROPOSES.finditer(sentence.text):
            behind = sentence.text[match.end() : match.end() + 110]
            for name in _NAMED.finditer(behind):
                ahead = behind[: name.start()]
                if re.search(r"\b(?:for|on|in|with|of|to|from|by|using|and|than)\s[^,(]*$", ahead):
                    break
                names.add(name[0].rstrip(".-"))
        if sentence.in_abstract:
            names.update(match["name"].rstrip(".-") for match in _SHOWN.finditer(sentence.text))
    short = _short(names, opening)
    names |= short
    front = document.front.lower()
    return parts | frozenset(
        name
        for name in names
        if (
            _NAMED.search(name)
            or name in short
            or (name == head and len(name.split()) <= 2)
            or name == coined
        )
        and name not in NOT_METHODS
        and (not _DESCRIBES.search(name) or name in short)
        and (name == head or name.lower() in front)
        # who cites a name gives it to others, were they the same authors
        and not _is_cited(name, opening)
    )


def _short(names: set[str], text: str) -> set[str]:
    """Return the short forms that stand in brackets behind names ("Outlier Suppression+ (OS+)")."""
    found = set()
    for name in names:
        if len(name) >= MIN_LONG and name in text:
            behind = re.compile(rf"{re.escape(name)}\s\((?P<short>[A-Z][A-Za-z]*[A-Z][\w]*\+*)\)")
            found |= {match["short"] for match in behind.finditer(text)}
    return found


MIN_LONG = 8
"""Letters of a name that may have a short form."""


def _parts(document: Document) -> frozenset[str]:
    """Return names of parts of the work: what the authors call "our X" more than once."""
    counts = Counter(
        match["name"].rstrip(".-")
        for sentence in document.sentences
        if "our " in sentence.text or "Our " in sentence.text
        for match in _OUR.finditer(sentence.text)
    )
    return frozenset(
        name
        for name, count in counts.items()
        if count >= 2 and name not in NOT_METHODS and not _NO_PART.search(name)
    )


def _coined_in_title(title: str, text: str) -> str | None:
    """Return the title's first word where the text uses it as a name ("a Tandem of two models").

    That is: with a capital in the middle of sentences, and never without.
    """
    first = re.match(r"[A-Z][a-z]{3,}(?=\s)", title)
    if first is None:
        return None
    inside = re.findall(rf"(?<=[a-z,]\s){first[0]}\b(?!\s[A-Z]\w+\s[A-Z])", text)
    small = len(re.findall(rf"\b{first[0].lower()}\b", text))
    return first[0] if len(inside) >= OFTEN and small <= len(inside) / OFTEN else None


OFTEN = 4
"""Times that a word must stand as a name to be one."""


def _is_cited(name: str, text: str) -> bool:
    """Tell whether a citation stands right behind `name` (compiling a pattern takes longer)."""
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        begins = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_-")
        if begins and (
            CITED.match(text, end) or (text[end : end + 1].isspace() and CITED.match(text, end + 1))
        ):
            return True
        at = text.find(name, at + 1)
    return False
