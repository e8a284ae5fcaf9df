"""A target's fields to change, and what a change would do to the ranking, before it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analyzers.facts import Technique
from app import home
from app.i18n import Translate
from app.labels import DEVICE_CLASSES, IN_TARGET, PARTS, TARGET_FIELDS, TECHNIQUES, label
from app.reports.text import short_name
from app.web.components import access, catalog, context, flash, person
from app.web.components.text import clean, link, plain, score, strong
from app.workflows.target_fields import DEVICES, SHARES, WORKLOAD, Evidence, newest_entry
from app.workflows.targets import NO_EVIDENCE, edit_target, preview

Record = Mapping[str, Any]
_NAMES = PARTS | DEVICE_CLASSES | TARGET_FIELDS | TECHNIQUES
_TOP = 5
_SHARES = tuple(
    tuple(name for name in SHARES if (name.startswith("prefill")) is early)
    for early in (True, False)
)
"""A row of what prefill is made of, and one of what decode is."""


def editor(name: str, record: Record, _: Translate) -> None:
    """Show the fields as they are; a field that differs shows what it would do."""
    stamp = hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()[:8]
    fields, effect = st.columns([7, 5], gap="large")
    with fields:
        values = _fields(f"{name}-{stamp}", record, _)
        entry, evidence = _entry(f"{name}-{stamp}", name, record, _)
    with effect:
        _effect(name, stamp, values | entry, evidence if entry else NO_EVIDENCE, _)


def _fields(key: str, record: Record, _: Translate) -> dict[str, str]:
    groups = (
        ("shares", _("Share of a whole run"), _SHARES, 0.01, "%.3f"),
        ("devices", _("Weight of hardware"), (DEVICES,), 0.05, "%.2f"),
        ("workload", _("Reference workload"), (WORKLOAD,), 1, "%d"),
    )
    changed: dict[str, str] = {}
    for table, heading, rows, step, form in groups:
        st.markdown(strong(heading))
        for row in rows:
            columns = st.columns(4, gap="small", vertical_alignment="bottom")
            for column, field in zip(columns, row, strict=False):
                held = record[table].get(field, 1)
                with column:
                    value = _number(key, f"{table}.{field}", held, step, form, _)
                if value is not None and value != held:
                    changed[f"{table}.{field}"] = str(value) if form == "%d" else f"{value:.6g}"
    core = [code for code in record["core_techniques"] if code in set(Technique)]
    chosen = st.multiselect(
        _("Core directions"),
        list(TECHNIQUES),
        default=core,
        format_func=lambda code: label(code, _),
        key=f"{key}-core",
        placeholder=_("Choose techniques"),
    )
    if set(chosen) != set(core):
        changed["core_techniques"] = ", ".join(chosen)
    return changed


def _number(
    key: str, field: str, held: float, step: float, form: str, _: Translate
) -> float | int | None:
    name = label(field.partition(".")[2], _, _NAMES)
    whole = form == "%d"
    return st.number_input(
        name[:1].upper() + name[1:],
        min_value=1 if whole else 0.0,
        max_value=None if whole else 1.0,
        value=int(held) if whole else float(held),
        step=int(step) if whole else step,
        format=form,
        key=f"{key}-{field}",
    )


def _entry(key: str, name: str, record: Record, _: Translate) -> tuple[dict[str, str], Evidence]:
    """Show what the engine has of a paper's technique, and take what a person knows better."""
    st.markdown(strong(_("What the engine has")))
    rows = catalog.ranking()
    titles = {paper_id: clean(title) for paper_id, title in catalog.offered(rows).items()}
    are_all = len(titles) == len(rows)
    left, right = st.columns([3, 2], gap="small")
    with left:
        paper = st.selectbox(
            _("Paper"), list(titles), index=None, format_func=lambda p: titles.get(p, p),
            key=f"{key}-paper", accept_new_options=not are_all,
            placeholder=_("Choose a paper") if are_all else _("Choose a paper, or type its id"),
        )  # fmt: skip
    if paper is None:
        return {}, NO_EVIDENCE
    if paper not in titles:  # typed; of very many papers not all are offered
        with context.errors_shown():
            paper = catalog.find(paper)
        if paper not in rows.paper_ids:
            return {}, NO_EVIDENCE
    held = newest_entry(record, paper)
    state = str(held["state"]) if held else "no"
    with right:
        chosen = st.selectbox(
            _("In the engine"), list(IN_TARGET), index=list(IN_TARGET).index(state),
            format_func=lambda code: label(code, _, IN_TARGET), key=f"{key}-{paper}-state",
        )  # fmt: skip
    if held:
        told = (held.get("why") or {}).get(context.language()) or (held.get("why") or {}).get("en")
        shown = ", ".join(link(e.get("text", ""), e.get("url")) for e in held.get("evidence", ()))
        said = plain(f"{held['date']}: {told or ''}") + (f" ({shown})" if shown else "")
        st.markdown(f":small[{said}]")  # a caption fades its links
    left, right = st.columns([3, 2], gap="small")
    with left:
        proof = st.text_input(
            _("Evidence"), key=f"{key}-{paper}-evidence", max_chars=300,
            placeholder=_("A pull request, a page: its name and address"),
        )  # fmt: skip
    with right:
        since = st.date_input(
            _("Since"), value="today", format="YYYY-MM-DD", key=f"{key}-{paper}-since"
        )
    if chosen == state and not (proof or "").strip():
        return {}, NO_EVIDENCE
    return {f"in_target.{paper}": str(chosen)}, Evidence((proof or "").strip(), str(since))


def _effect(
    name: str, stamp: str, values: dict[str, str], evidence: Evidence, _: Translate
) -> None:
    st.subheader(_("What a change would do"), anchor=False)
    if not values:
        st.caption(plain(_("Change a value: the ranking that it would give is shown here.")))
        return
    with context.errors_shown():
        before, after = _preview(
            home.database_url(),
            catalog.version(),
            name,
            stamp,
            tuple(values.items()),
            evidence.date,
        )
        _table(before, after, _)
        if access.offers("curate", _):
            _save(f"{name}-{stamp}", name, values, evidence, _)


@st.cache_data(show_spinner=False, max_entries=32)
def _preview(
    url: str,
    catalog_version: int,
    name: str,
    stamp: str,
    values: tuple[tuple[str, str], ...],
    since: str,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    # What isn't used is the key: another catalog, another state of the target, other values.
    proof = Evidence("–", since)
    with context.reading() as session:
        seen = preview(session, name, dict(values), evidence=proof)
    kept = ("paper_id", "title", "rank", "score", "recommendation")
    return (
        [{key: row[key] for key in kept} for row in seen.before],
        [{key: row[key] for key in kept} for row in seen.after],
    )


def _table(before: Sequence[Record], after: Sequence[Record], _: Translate) -> None:
    """Show the first five as they would be, with where each comes from; who falls out, below."""
    held = {row["paper_id"]: row for row in before}
    now = {row["paper_id"]: row for row in after}
    if not before:
        st.caption(plain(_("The catalog has no papers yet. Add some by id, address or file.")))
        return
    st.table(
        pd.DataFrame([_row(row, held[row["paper_id"]], _) for row in after[:_TOP]]),
        hide_index=True,
        border="horizontal",
        alt=_("The first five papers after the change, and where each stands now"),
    )
    gone = [row for row in before[:_TOP] if now[row["paper_id"]]["rank"] > _TOP]
    for row in gone:
        told = _("{paper} falls from rank {before} to {after}.").format(
            paper=short_name(row["title"]), before=row["rank"], after=now[row["paper_id"]]["rank"]
        )
        st.caption(plain(told))
    moved = sum(round(row["score"], 3) != round(now[p]["score"], 3) for p, row in held.items())
    ranks = sum(row["rank"] != now[p]["rank"] for p, row in held.items())
    told = _("{scores} of {count} scores would move, {ranks} ranks.")
    st.caption(plain(told.format(scores=moved, count=len(held), ranks=ranks)))


def _moved(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"


def _row(row: Record, held: Record, _: Translate) -> dict[str, str]:
    return {
        _("Rank"): plain(_moved(str(held["rank"]), str(row["rank"]))),
        _("Paper"): plain(short_name(row["title"])),
        _("Score"): plain(_moved(score(held["score"]), score(row["score"]))),
        _("Recommendation"): plain(
            _moved(label(held["recommendation"], _), label(row["recommendation"], _))
        ),
    }


def _save(key: str, name: str, values: dict[str, str], evidence: Evidence, _: Translate) -> None:
    with st.form(f"{key}-save", border=True):
        why = st.text_input(_("Why"), key=f"{key}-why", placeholder=_("What shows it?"))
        who = person.name_input(f"{key}-who", _)
        sent = st.form_submit_button(_("Save the change"), type="primary")
    if not sent:
        return
    if not (why or "").strip() or not who:
        st.error(plain(_("A correction needs a reason and a name: fill in both.")))
        return
    with context.writing() as session:
        done = edit_target(session, name, values, why=why or "", who=who, evidence=evidence)
    person.remember(who)
    moved = len({move.paper_id for move in done.moves})
    told = _("Papers whose score moved: {count}.").format(count=moved)
    flash.say_after_rerun(_("The change is saved.") + " " + told)
    st.rerun()
