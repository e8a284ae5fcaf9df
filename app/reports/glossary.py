"""The words of the field, for a reader who comes from elsewhere."""

from __future__ import annotations

from app.i18n import N_, Translate

_TERMS = (
    (
        N_("claim"),
        N_("a number that a paper gives, with what it compares with and where it stands"),
    ),
    (N_("headline claim"), N_("the one speed claim that speaks for a paper in the score")),
    (
        N_("verdict"),
        N_("what a measurement on one device says of a claim; other hardware is named, not hidden"),
    ),
    (N_("baseline"), N_("what a speedup is measured against: 2x means half its time")),
    (N_("whole run"), N_("a prompt and the answer to it, from the first token to the last")),
    (N_("prefill, decode"), N_("reading the prompt at once; writing the answer token by token")),
    (N_("quick run"), N_("a short measurement: provisional until a full one replaces it")),
    (
        N_("quality gate"),
        N_("the bar a prototype must reach against full precision before its speed counts"),
    ),
    (
        N_("90 % interval"),
        N_("the range in which the value lies with a probability of 90 %, as far as is known"),
    ),
    (N_("recommendation"), N_("what to do with a paper; its phase says how soon")),
)


def glossary(translate: Translate) -> list[tuple[str, str]]:
    """Return terms with their meanings, in the order in which a reader meets them."""
    return [(translate(term), translate(meaning)) for term, meaning in _TERMS]
