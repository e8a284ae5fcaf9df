"""Who is spoken of in a sentence: the authors and their work, or others."""

from __future__ import annotations

import re

from analyzers.claiming.methods import CITED, NOT_METHODS, PROPER

WE = re.compile(
    r"\b(?:we|our|ours|us)\b|\b(?:this|these|the (?:proposed|presented|resulting"
    r"|new)),? (?:paper|work|method|approach"
    r"|technique|framework|system|scheme|design|algorithm|kernel|implementation"
    r"|optimi[sz]ations?|solution"
    r"|strategy|blog|post|engine|architecture|model)s?\b|\bexperiments?\b|\bexperimental results\b"
    r"|\b(?:the|our|these)\s(?:\w+\s)?results (?:show|demonstrate|indicate|suggest)"
    r"|\bthis (?:[\w-]+,? ){1,4}(?:scheme|method|approach|design|technique|strategy|kernel|system"
    r"|pipeline|algorithm|framework)\b"
    r"|\bby (?:the|this) (?:technique|optimi[sz]ation|method|design|approach|schedule)s?\b"
    r"|\b(?:evaluation|empirical) results?\b|\bextensive (?:experiments|evaluations?)\b",
    re.I,
)
_BEATEN = re.compile(
    r"[^,;.]{0,60}?\b(?:than|over|compared (?:to|with)|relative to|that of)\s(.{2,40})"
)


def is_own(text: str, names: frozenset[str]) -> bool:
    """Tell whether the authors speak of themselves, or of their work by a name of it."""
    return bool(WE.search(text)) or any(has_name(text, name) for name in names)


def has_name(text: str, name: str) -> bool:
    """Tell whether `text` holds `name` as a word of its own."""
    if name.lower() not in text.lower():
        return False
    # FlashAttention is no mention of FlashAttention-2, nor the other way round
    # "FA2_QuickKV" is one way to run QuickKV
    return bool(re.search(rf"(?<![^\W_])(?<!-){re.escape(name)}(?![\w]|-?\d)", text, re.I))


def is_near(head: str, names: frozenset[str]) -> bool:
    """Tell whether the authors' name and a verb stand right before the number."""
    return any(
        re.search(
            rf"(?<![^\W_])(?<!-){re.escape(name)}\s(?:is|was|can\sbe|achieves|has|reaches|gives|gets)\s"
            r"(?:still\s|also\s|only\s|even\s|up to\s|about\s|around\s|over\s|an?\s)*$",
            head[-80:],
        )
        for name in names
        if name in head[-80:]
    )


def cites_before(head: str, names: frozenset[str]) -> bool:
    """Tell whether a citation stands in the subject and not behind a comparison or a model."""
    for match in CITED.finditer(head):
        ahead = head[max(0, match.start() - 60) : match.start()]
        if re.search(
            r"\b(?:over|than|to|with|against|versus|on|in|using|by|from|of|for|and)\s[^,;]{0,50}$",
            ahead,
            re.I,
        ):
            continue
        if any(has_name(ahead, name) for name in names) or WE.search(ahead):
            continue
        return True
    return False


def beats_own(tail: str, names: frozenset[str]) -> bool:
    """Tell whether the number is another's gain over the authors' work ("50% less than ours")."""
    match = _BEATEN.match(tail)
    if match is None:
        return False
    return bool(re.match(r"ours\b|our (?:method|approach|system|work)\b", match[1])) or any(
        re.match(rf"{re.escape(name)}(?![\w-])(?!.*\b(?:without|w/o|alone|only)\b)", match[1])
        for name in names
    )


def names_another(subject: str, names: frozenset[str]) -> bool:
    """Tell whether the subject is a proper name ("vLLM", "GPTQ") that isn't the authors'."""
    bare = re.sub(CITED, "", subject).strip(" ,")
    bare = re.sub(
        r"^(?:[A-Z][a-z]+(?:ly)?,\s|[Ff]or (?:example|instance),\s"
        r"|[IiBb][ny] (?:contrast|comparison),\s"
        r"|(?:[Ww]hile|[Aa]lthough|[Tt]hough|however|and|[Tt]he)\s)+",
        "",
        bare,
    )
    match = re.fullmatch(
        r"(?:the\s|original\s)*([A-Z][\w.+-]*)(?:'s)?(?:\s[\w-]+){0,2}(?:\s(?:can|could|only"
        r"|also|still))?",
        bare,
    )
    if not match or not (PROPER.fullmatch(match[1]) or match[1][1:].lower() != match[1][1:]):
        return False
    name = match[1]
    if name in NOT_METHODS or name.rstrip("s") in NOT_METHODS:
        return False
    return not any(name.lower() in own.lower() or own.lower() in name.lower() for own in names)
