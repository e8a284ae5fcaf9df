"""Text that means something to whoever doesn't treat it as text."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</style></title><iframe src=//x>",
    "[click](javascript:alert(1))",
    "![i](http://example.org/x.png)",
    "[a]: http://example.org",
    "<http://example.org>",
    ":red[red] :material/home: :smile:",
    "$x^2$ \\(y\\) $$z$$",
    "**bold** __bold__ *it* ~~gone~~ `code`",
    "# head",
    "| a | b |",
    "- item\n1. item\n> quote\n```\nfence\n---",
    "&lt;b&gt; &#60;script&#62;",
    "' OR 1=1; DROP TABLE paper; --",
    "%s %(x)s {0} {title} {{ 7*7 }} {% raw %}",
    "=HYPERLINK(1) +1 -1 @SUM(1)",
    "../../etc/passwd",
    "C:\\con\\nul ~/.ssh $(id) `id` ; rm -rf /",
    "\u202egpj.exe \u2066x\u2069 \u200f\u200b\ufeff",
    "\x00\x07\x1b[2J\x1b]0;x\x07\x7f\x9b31m",
    "line\r\nbreak\u2028and\u2029more\x0b\x0c",
    "Z" + "\u0301" * 60,
    "𠀀" * 30,
    "x" * 3000,
)

hostile_text = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(alphabet=st.characters(codec="utf-8"), max_size=20)),
    min_size=1,
    max_size=4,
).map(" ".join)
"""Some of the pieces, between text of any characters."""

broken_text = st.tuples(hostile_text, st.text(max_size=5)).map("".join)
"""The same with lone surrogates among it, as names of files and arguments may hold them."""
