"""A paper's facts with their sources, and the form by which a person corrects one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import FIELDS, label
from app.web.components import access, context, flash, person
from app.web.components.text import clean, link, moment, plain, strong
from app.workflows.correct import EDITABLE, Editable, set_facts
from app.workflows.undo import FACT, newest
from db.queries.prototype_links import LINK

Record = Mapping[str, Any]

_LONG = 40
_ELSEWHERE = ("summary", "code_url", "meaning")
"""Fields that other places of the page show."""


def facts(shown: Record, _: Translate) -> None:
    """Show the facts, the corrections that stand, and the form for one more."""
    paper_id = shown["paper"]["paper_id"]
    table, form = st.columns([7, 4], gap="medium")
    with table:
        _facts_table(shown["facts"], _)
    with form:
        _correction_form(paper_id, shown["facts"], _)
        _standing_corrections(shown["overrides"], paper_id, _)


def _facts_table(known: Mapping[str, Record], _: Translate) -> None:
    order = [field for field in FIELDS if field in known and field not in _ELSEWHERE]
    order += [field for field in known if field not in FIELDS and not field.startswith(LINK)]
    st.table(
        pd.DataFrame([row for field in order for row in _fact_rows(field, known[field], _)]),
        hide_index=True,
        border="horizontal",
        alt=_("Facts about the paper, with their sources and reasons"),
    )


def _fact_rows(field: str, fact: Record, _: Translate) -> list[dict[str, str]]:
    def row(name: str, value: str, why: str) -> dict[str, str]:
        cells = (plain(name), value or "–", plain(_source(fact, _)), why)
        return dict(zip((_("Fact"), _("Value"), _("Source"), _("Why")), cells, strict=True))

    value = fact["value"]
    if field == "risks":
        return [
            row(
                _("risk: {kind}").format(kind=label(risk.get("kind"), _)),
                plain(label(risk.get("severity"), _))
                + ("" if risk.get("is_open", True) else ", " + plain(_("settled"))),
                plain(risk.get("reason", "")),
            )
            for risk in value or ()
        ]
    if isinstance(value, str) and len(value) > _LONG:
        return [row(label(field, _), "", f"{plain(value)} {_why_cell(fact, _)}")]
    if isinstance(value, list):
        return [row(label(field, _), plain(", ".join(map(clean, value))), _why_cell(fact, _))]
    return [row(label(field, _), plain(value_text(value, _)), _why_cell(fact, _))]


def _source(fact: Record, _: Translate) -> str:
    source = label(fact["source"], _)
    if fact["source"] == "person":
        return f"{fact['who']}, {moment(fact['at'])}"
    return source


def _why_cell(fact: Record, _: Translate) -> str:
    parts = [plain(fact["why"])] if fact["why"] else []
    parts += [plain(reason) for reason in fact["reasons"]]
    evidence = [link(e.get("text", ""), e.get("url")) for e in fact["evidence"]]
    if evidence:
        parts.append("(" + _("; ").join(evidence) + ")")
    for other in fact["others"][:3]:
        told = (
            _("taken back: {value} ({source})")
            if other["reverted_at"]
            else _("before: {value} ({source})")
        )
        before = told.format(value=value_text(other["value"], _), source=label(other["source"], _))
        parts.append(f"*{plain(before)}*")
    return " · ".join(parts)


def field_words(field: str, _: Translate) -> str:
    """Return a field in words; `prototype.sampling` is the link with that prototype."""
    if field.startswith(LINK):
        return _("prototype {name}").format(name=field.removeprefix(LINK))
    return label(field, _)


def value_text(value: Any, _: Translate) -> str:
    """Return a fact's value in words."""
    if value is None:
        return "–"
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:g}"
    return clean(label(value, _) if isinstance(value, str) else value)


def _correction_form(paper_id: str, known: Mapping[str, Record], _: Translate) -> None:
    if not access.offers("curate", _):
        return
    st.markdown(strong(_("Correct a fact")))
    field = st.selectbox(
        _("Fact"),
        list(EDITABLE),
        format_func=lambda code: label(code, _),
        key="correct-field",
    )
    if field not in EDITABLE:
        return
    held = known.get(field, {}).get("value")
    with st.form(f"correct-{paper_id}-{field}", border=True):
        value = _value_widget(EDITABLE[field], held, f"correct-value-{paper_id}-{field}", _)
        why = st.text_input(
            _("Why"), key=f"correct-why-{paper_id}-{field}", placeholder=_("What shows it?")
        )
        who = person.name_input(f"correct-who-{paper_id}-{field}", _)
        sent = st.form_submit_button(_("Save the correction"), type="primary")
    if sent:
        with context.errors_shown():
            _save(paper_id, field, value, (why or "").strip(), who, _)


def _value_widget(editable: Editable, held: Any, key: str, _: Translate) -> str:
    if editable.words:
        known = ", ".join(map(clean, held)) if isinstance(held, list) else clean(held or "")
        return st.text_input(_("New value"), value=known, key=key) or ""
    if editable.choices:
        choices = list(editable.choices)
        chosen = st.selectbox(
            _("New value"),
            choices,
            index=choices.index(held) if held in choices else 0,
            format_func=lambda code: label(code, _),
            key=key,
        )
        return str(chosen)
    number = st.number_input(
        _("New value"),
        min_value=editable.minimum,
        max_value=editable.maximum,
        value=float(held) if isinstance(held, int | float) else editable.minimum,
        step=0.05,
        format="%.2f",
        key=key,
    )
    return str(number)


def _save(paper_id: str, field: str, value: str, why: str, who: str, _: Translate) -> None:
    if not why or not who:
        st.error(plain(_("A correction needs a reason and a name: fill in both.")))
        return
    with context.writing() as session:
        moves = set_facts(session, paper_id, {field: value}, why=why, who=who)
        undo = newest(session, paper_id, [field])
    person.remember(who)
    flash.say_after_rerun(
        _("Corrected: {field}.").format(field=label(field, _))
        + " "
        + flash.moved(moves, paper_id, _),
        undo=undo,
    )
    st.rerun()


def _standing_corrections(overrides: Sequence[Record], paper_id: str, _: Translate) -> None:
    if not overrides:
        return
    st.markdown(strong(_("Corrections that stand")))
    for override in overrides:
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            told = f"{field_words(override['field'], _)}: {value_text(override['value'], _)}"
            st.markdown(
                plain(f"{told} — {override['who']}, {moment(override['at'])}: {override['why']}"),
                width="stretch",
            )
            if access.may_do("curate"):
                st.button(
                    _("Take back"),
                    key=f"revert-{override['id']}",
                    on_click=flash.take_back,
                    args=(f"{FACT}:{override['id']}",),
                )
