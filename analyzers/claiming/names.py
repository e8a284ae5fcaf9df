"""Names of what is compared with: cut out of a sentence, told from empty words, and classed."""

from __future__ import annotations

import re

from analyzers.claiming.methods import CITED
from analyzers.facts import BaselineKind

_CUT = re.compile(
    r"[;()\[\]{}]|,"
    r"|\.(?:\s|$)|:\s"
    r"|\s(?:such as|on|for|in|at|when|while|under|across|by|using|that|which|where|because"
    r"|since|respectively|as|thanks|from|we"
    r"|achiev\w+|with (?:a|an|the|negligible|minimal|comparable|only|batch|\d\S*)|is|are|was|were"
    r"|can|could|has|have|leads?|to"
    r"|yields?|reach\w+|provid\w+|deliver\w+|per|due|via|despite|even|during|within"
    r"|through|depending|up to"
    r"|drop(?:s|ped)|f[ea]ll\w*|based|outperform\w*|tak(?:es|ing)|needs?|requires?"
    r"|demonstrat\w+|show\w*|reduc\w+|improv\w+|enabl\w+|while|but|though|however|if|both)\b"
    r"|\s(?:and|or|to)\s(?=(?:up to |about |around |approximately |over |more than "
    r"|nearly |a |an )?[~\d])"
    r"|\s(?:and|or)\s(?=(?:is|are|reduc|improv|achiev|outperform|sav|provid|increas|lower"
    r"|our|we|speed|run|report|observ|find"
    r"|an? (?:\w+\s)?(?:average|speed|improv|reduc|decreas))\w*)",
    re.I,
)
MAX_LISTED = 8
_NOT_A_BASELINE = re.compile(
    r"^(?:\d(?!\d?-?bit|\d?\s?(?-i:[A-Z]))|(?:single|one|multiple|more|few\w*)[\s-]thread\w*"
    r"|all(?!\s(?:the\s)?(?:other|existing|prior|previous|competing|baselines?))|time|those|speed-?ups?|latency(?!-)|that"
    r"|the (?:course|years?|range|entire|whole|same|past|sequence|layers?|network)"
    r"|a (?:range|variety)"
    r"|\w+ (?:tasks|datasets|benchmarks|models|layers|steps|tokens|seeds|runs|settings|rounds"
    r"|trials|prompts|requests|samples|queries|examples)\b|(?:tasks|datasets|layers|runs)$|long|multiple|various"
    r"|different|several|(?:each|which|what|that|this|these|half|twice|one|two|three|four|five|six"
    r"|seven|eight|nine|ten|it"
    r"|on|in|for|at|by|from|with|them|their|ours?|us|using|use)\b(?!-)|expected|before"
    r"|ground truth|batch|sequence"
    r"|(?:time|memory|bandwidth|the (?:number|size|length|time|memory|generation|quality))\b"
    r"|(?:table|figure|fig\.?|section|appendix|equation)\b)",
    re.I,
)
_TRIM = re.compile(
    r"^(?:the|a|an|all|even|just|its|their|our|those of|that of|that|those|other|both|using"
    r"|of|only|larger|smaller|bigger|similar(?:ly)?[- ]sized|strong|robust"
    r"|(?:highly )?optimized"
    r"|running|performing|use of|also|just|simply|directly)\s+(?=\S)",
    re.I,
)
_NOTE = re.compile(
    r"\s?\((?:[^()]*(?:et al|19\d\d|20\d\d)[^()]*)\)|\s?\[\d[\d,\s-]*\]"
    r"|\s?\[[A-Z][A-Za-z+]{1,12}\d{2}[a-z]?[^\]]{0,40}\]"
    r"|\s[A-Z][a-z]+ et al\.? ?\(?\d{4}[a-z]?\)?"
)
_HEAD = (
    r"(?:baselines?|methods?|approach(?:es)?|works?|systems?|solutions?|techniques?|counterparts?"
    r"|ones?|implementations?|algorithms?|schemes?|kernels?|frameworks?|strateg(?:y|ies)"
    r"|models?|versions?|engines?|compilers?|(?:auto-?)?schedulers?|runtimes?|servers?|librar(?:y|ies)|alternatives?|competitors?|studies|versions?)"
)
_QUALITY = (
    r"(?:the|all|other|any|existing|prior|previous(?:ly)?|established|strong(?:est)?|best|its"
    r"|corresponding|recent|current|several|two|three|four|five|both|same|second[- ]best|next"
    r"|competing|competitive|popular|proposed|original|respective|various|these|those|such"
    r"|baseline|most|well-?known|traditional|conventional|common|widely[- ]used|naive"
    r"|performing|state[- ]of[- ]the[- ]art|sota|leading)"
)
_DESCRIBED = re.compile(rf"(?:{_QUALITY}[\s,-]+(?:and\s)?)+(?:\w[\w-]*\s){{0,3}}{_HEAD}", re.I)
"""Words that describe a rival; its name may stand behind them."""
_TELLING = re.compile(
    r"dense|vanilla|naive|eager|autoregressive|greedy|full[- ]|uncompressed|unquantized|sequential"
    r"|non-|\w-bit|fp\d|bf16|pytorch|padded|synchronous|unfused",
    re.I,
)
"""Plain ways of doing: a name that holds such a word says what it is."""
_GENERIC = re.compile(
    rf"(?:{_QUALITY}[\s,-]+)*(?:\w+\s)?{_HEAD}|state[- ]of[- ]the[- ]art|sota"
    r"|baselines?|prior arts?|previous arts?",
    re.I,
)
_STATE_OF_THE_ART = re.compile(r"state[- ]of[- ]the[- ]arts?\b|\bsota\b", re.I)
_LIKE = re.compile(
    r"\s*(?:,|\(|:)?\s*(?:such as|including|like|e\.g\.,?|i\.e\.,?|namely|called|based on|from"
    r"|in the|of|,|\(|:)\s*(?:the\s)?(?!CPUs?\b|GPUs?\b)(?=[A-Za-z]*[A-Z])"
)
_PROPER = re.compile(r"(?:[A-Z]|[a-z]+[A-Z\d])[\w.+/-]*")
_EMPTY_OPENING = re.compile(
    r"(?:Table|Tab\.|Fig|Section|Sec\.|Appendix)"
    r"|(?:However|Thus|Our|We|In|On|For|The|This|With|It|As|At)\b"
)


def cut_name(text: str) -> str | None:
    """Return the name at the start of `text` ("the FP16 model on …" → "FP16 model").

    Empty words with a name behind them give that name ("recent methods, such as GPTQ" → "GPTQ").
    """
    bare = _NOTE.sub("", text[:240])
    end = _end(bare)
    name = _trimmed(bare[:end])
    if len(name) < 2 or _NOT_A_BASELINE.match(name) or not re.search(r"[A-Za-z]{2}", name):
        return None
    if (is_generic(name) or _DESCRIBED.fullmatch(name)) and (said := _said_behind(bare[end:])):
        best = _STATE_OF_THE_ART.search(name)
        return f"{said} (state of the art)" if best else said
    return re.sub(r"(?<=full)-(?=cache|attention)", " ", name[:120])


def _end(text: str) -> int:
    """Return where the name at the start of `text` ends; a list's commas don't end it."""
    for match in _CUT.finditer(text):
        if match[0] != "," or not _goes_on_listing(text[match.end() :]):
            return match.start()
    return 120


def _goes_on_listing(rest: str) -> bool:
    """Tell whether names follow, up to an "and" or "respectively" (", B, and C", ", C and D")."""
    for item in rest.split(",", MAX_LISTED)[:MAX_LISTED]:
        words = item.split(None, 4)[:4]
        if words and words[0] in ("and", "or"):
            return len(words) > 1 and any(c.isupper() for c in words[1])
        if words and words[0].rstrip(".;") == "respectively":
            return True
        if not words or not any(c.isupper() for word in words[:2] for c in word):
            return False
        joint = next((n for n, word in enumerate(words) if word in ("and", "or")), None)
        if joint is not None:
            return any(c.isupper() for word in words[joint + 1 :] for c in word)
        if len(words) > 3:
            return False
    return False


def _trimmed(text: str) -> str:
    name = text.strip(" ,:\"'“”.")
    for _ in range(3):
        name = _TRIM.sub("", name)
    return " ".join(name.split()[:20])


def _said_behind(rest: str) -> str | None:
    """Return the proper name that explains empty words, as in ", LLM-QAT, by" or "(vLLM)"."""
    link = _LIKE.match(rest)
    if link is None:
        return None
    behind = rest[link.end() :]
    if _EMPTY_OPENING.match(behind):
        return None
    name = _trimmed(behind[: min(_end(behind), 60)])
    return name if _PROPER.match(name) and len(name.split()) <= 7 else None


def is_generic(name: str) -> bool:
    """Tell whether a name says nothing by itself ("the baseline", "prior work")."""
    if not _GENERIC.fullmatch(name) or _TELLING.search(name):
        return False
    return not _PROPER.search(re.sub(r"sota", "", name, flags=re.I))


def is_plural(name: str) -> bool:
    """Tell whether empty words speak of several ("existing solutions")."""
    return name.endswith("s") and not name.endswith("ss")


def is_best_known(name: str) -> bool:
    """Tell whether a name speaks of the state of the art."""
    return bool(_STATE_OF_THE_ART.search(name))


def without_citations(text: str) -> str:
    """Return `text` without its references."""
    return _NOTE.sub("", CITED.sub("", text))


_KINDS: tuple[tuple[BaselineKind, re.Pattern[str]], ...] = (
    # "without the fused kernel": the authors' own work with a part left out
    (BaselineKind.OWN, re.compile(r"(?:without|w/o)\b.*$", re.I)),
    (BaselineKind.ENGINE, re.compile(r"llama\.cpp|ggml", re.I)),
    (
        BaselineKind.BEST_KNOWN,
        re.compile(
            r"state[- ]of[- ]the[- ]art|\bsota\b|best (?:known|existing|prior|baseline)", re.I
        ),
    ),
    (
        BaselineKind.PLAIN,
        re.compile(
            r"\b(?:fp16|f16|fp32|bf16|16-bit|full[- ]precision|half[- ]precision"
            r"|uncompressed|unquantized|dense|vanilla"
            r"|standard|naive|eager|plain|original|autoregressive|auto-regressive"
            r"|greedy|pytorch|hugging ?face|full[- ](?:self-)?attention"
            r"|transformers?|without|no |cublas|sequential|regular|uncached)",
            re.I,
        ),
    ),
    (
        BaselineKind.NAMED_RIVAL,
        re.compile(
            r"[A-Z][A-Za-z]*[A-Z\d][\w.-]*|\bv[lL][lL][mM]\b|xformers|[A-Z][\w]+-\w+|[A-Z]{3,}"
        ),
    ),
    (
        BaselineKind.UNNAMED,
        re.compile(r"baseline|existing|prior|previous|other|conventional", re.I),
    ),
)


def kind_of(baseline: str | None) -> BaselineKind:
    """Class the words of a baseline; the person who corrects facts has the last word."""
    if not baseline:
        return BaselineKind.UNNAMED
    for kind, pattern in _KINDS:
        found = pattern.match if kind is BaselineKind.OWN else pattern.search
        if found(baseline):
            return kind
    return BaselineKind.UNNAMED
