"""Which prototypes test a paper, by the seed or a person's word, and which claims of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.errors import AssayError
from app.workflows.measuring import list_prototypes
from db.queries import claims as claim_queries
from db.queries import facts as fact_queries
from db.queries.prototype_links import LINK, prototypes


def prototype_links(session: Session, paper_id: str) -> list[dict[str, Any]]:
    """Return every prototype that there is, those that are linked first.

    Each {"prototype", "linked", "by": seed|person, "who", "why", "at", "claims": keys of the
    paper's claims that it tests}. Where the prototypes can't be listed, only the linked ones.
    """
    try:
        declared = {p["name"]: p.get("claims") or [] for p in list_prototypes()}
    except AssayError:
        declared = {}
    linked = prototypes(session).get(paper_id, [])
    words = {
        fact.field.removeprefix(LINK): fact
        for fact in fact_queries.overrides(session, paper_id)
        if fact.field.startswith(LINK)
    }
    own = {claim.key for claim in claim_queries.rows(session, [paper_id]).get(paper_id, [])}
    found = []
    for name in sorted({*declared, *linked}, key=lambda name: (name not in linked, name)):
        word = words.get(name)
        found.append(
            {
                "prototype": name,
                "linked": name in linked,
                "by": "person" if word else "seed",
                "who": word.who if word else None,
                "why": word.why if word else None,
                "at": word.at if word else None,
                "claims": [key for key in map(_key, declared.get(name, [])) if key in own],
            }
        )
    return found


def _key(claim: Any) -> str:
    return str(claim["key"] if isinstance(claim, dict) else claim)
