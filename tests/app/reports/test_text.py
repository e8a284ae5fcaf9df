"""Hostile text, escaped: what a Markdown reader makes of it is the text itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.reports.text import clean, escape_markdown, safe_url, short_name, shorten

MARKUP = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def read(markdown: str) -> str:
    """The text of a table's only cell, as a reader shows it; fails where it is anything more."""
    tokens = MARKUP.parse(f"| head |\n| --- |\n| {markdown} |\n")
    inline = [token for token in tokens if token.type == "inline"]
    assert len(inline) == 2
    assert [token.type for token in tokens if token.type == "td_open"] == ["td_open"]
    children = inline[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    return "".join(child.content for child in children)


@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "<script>alert(1)</script>",
        "`code` and ``more``",
        "[x](javascript:alert(1))",
        "![x](http://example.org/x.png)",
        "**bold** _soft_ ~~gone~~ __x__",
        "back\\slash \\| \\",
        "&lt;b&gt; &amp; &#60;",
        "kv_cache_type and 2*3*4",
        "$x^2$",
    ],
)
def test_markup_is_shown_as_text(text: str) -> None:
    assert read(escape_markdown(text)) == text


@given(st.text(max_size=60))
def test_any_text_stays_one_cell_with_its_text(text: str) -> None:
    cleaned = clean(text)
    assert read(escape_markdown(text)) == cleaned


@pytest.mark.parametrize("text", ["- x", "+ x", "# x", "1. x", "12) x", "---", "===", "#", "-"])
def test_a_line_begins_no_block(text: str) -> None:
    for line in (escape_markdown(text), "- " + escape_markdown(text)):
        tokens = [t.type for t in MARKUP.parse(line)]
        assert tokens.count("bullet_list_open") == line.startswith("- ")
        assert not {"heading_open", "hr", "ordered_list_open"} & set(tokens)
        inline = [t for t in MARKUP.parse(line) if t.type == "inline"]
        assert "".join(c.content for c in inline[0].children or []) == text


def test_figures_need_no_escape() -> None:
    assert escape_markdown("1.13x (0.98–1.31)") == "1.13x (0.98–1.31)"
    assert escape_markdown("-0.5") == "-0.5"


def test_lines_and_steering_marks_go() -> None:
    assert clean("a\r\n\tb\u202ec\x00d\u2028e") == "a bc de"
    assert clean("\ud800") == "?"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        " data:text/html,x",
        "file:///etc/passwd",
        "//example.org/x",
        "http://",
        "http://[broken",
        "relative/path",
        "",
        None,
    ],
)
def test_only_web_addresses_are_links(url: str | None) -> None:
    assert safe_url(url) is None


def test_an_address_can_not_leave_its_brackets() -> None:
    assert safe_url('https://example.org/a b">)<x>') == "https://example.org/a%20b%22%3E%29%3Cx%3E"
    assert safe_url("https://example.org/a?b=c#d") == "https://example.org/a?b=c#d"


def test_long_titles_are_cut_at_a_word() -> None:
    assert shorten("word " * 500, 20) == "word word word word…"
    assert len(shorten("x" * 2000)) == 110
    assert shorten("Sparsity in the Activations of Models", 17) == "Sparsity…"
    assert shorten("Cut in midword-of-all-words", 18) == "Cut in midword-of…"
    assert short_name("FlatQuant: Flatness Matters") == "FlatQuant"
    assert short_name(": nothing before the colon") == ": nothing before the colon"
