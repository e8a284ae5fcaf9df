from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.workflows.correct import set_facts
from db.models import Paper

TITLES = {
    "markup": "<script>alert(1)</script> <b>bold</b> & &lt; ]]> | `x` # [x](javascript:alert(1))",
    "formula": '=HYPERLINK("http://example.org";"x")',
    "latex": "\\input{/etc/passwd} $x^2$ 100 % of_it {\\bf x} }}} @comment{x, \\write18{ls}",
    "typst": '#read("/etc/passwd") *x* _y_ $z$ @ref <label> #import "x": y // z',
    "turned": "Fast \u202egnp.exe\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 x",
    "long": "Wide " + "x" * 1994,
    "controls": "Nul\x00 bell\x07 tab\tline\nfeed \ufffe \uffff end",
    "chinese": "注意力：更快的推理 ✓ ▲",
}


@pytest.fixture(params=sorted(TITLES))
def hostile(session: Session, request: pytest.FixtureRequest) -> str:
    """Put a hostile title, author, reason and risk into the catalog; return the title."""
    text = TITLES[request.param]
    paper = session.get(Paper, "quick")
    assert paper is not None
    paper.title = text
    paper.authors = [text, "and Co, Inc and others"]
    paper.venue = text
    paper.url = "javascript:alert(1)"
    paper.arxiv_id = None
    reason = text.replace("\x00", "").strip()
    set_facts(session, "quick", {"relevance": "0.3"}, why=reason, who=reason[:60])
    session.flush()
    return text
