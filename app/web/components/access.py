"""Who is looking, what they may do, and how often; where one person uses Assay alone: anything.

Every change that a page makes goes through `require` or `act`, whatever buttons it shows: those
only spare people clicks that would be refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analyzers.message import message
from app.errors import AssayError
from app.i18n import N_, Translate
from app.web.components.text import plain
from app.web.rates import Rates
from app.workflows.team import LIMITS, Role, Team, known_as, may, team

ROLE_WORDS: dict[str, str] = {
    "read": N_("may read"),
    "curate": N_("may read and curate"),
    "run": N_("may read, curate and run"),
}
ACTIONS: dict[str, str] = {
    "measure": N_("measured"),
    "add": N_("added papers"),
    "watch": N_("asked a watch"),
    "cancel": N_("cancelled a job"),
    "retry": N_("tried a job again"),
    "import": N_("imported runs"),
    "backup": N_("made a backup"),
    "report": N_("kept a report"),
    "watches": N_("changed a watch"),
    "settings": N_("changed a setting"),
    "target": N_("changed an engine"),
    "seed": N_("loaded the ten papers"),
}
"""What is written down, in words."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a page is drawn for; no name where there is no login."""

    name: str
    role: Role | None

    def may(self, role: Role) -> bool:
        """Whether this person may do what needs that role."""
        return may(self.role, role)


_SHORT = 20
"""So many letters of a name stand in a page's first row."""
ALONE = Visitor("", "run")


@st.cache_resource(show_spinner=False)
def _rates() -> Rates:
    return Rates()


def visitor() -> Visitor:
    """Return who looks; nobody who isn't of the team has a role."""
    members = team()
    if members is None:
        return ALONE
    name = _name(members)
    return Visitor(name, members.role_of(name))


def _name(members: Team) -> str:
    """Return what the login says; the server has checked who sent the header."""
    if members.login == "proxy":
        return known_as(st.context.headers.get(members.header))
    if not st.user.is_logged_in or st.user.get("email_verified") in (False, "false"):
        return ""
    return known_as(str(st.user.get("email") or ""))


def may_do(role: Role) -> bool:
    """Whether whoever looks may do what needs that role."""
    return visitor().may(role)


def offers(role: Role, _: Translate) -> bool:
    """Whether a form is to be shown to whoever looks; says so where not."""
    if may_do(role):
        return True
    words = {"curate": _("change the catalog"), "run": _("run code on this machine")}
    st.caption(plain(_("Your role doesn't let you {do}.").format(do=words[role])))
    return False


def require(role: Role) -> Visitor:
    """Return who acts; raises `AssayError` for one whose role doesn't reach."""
    acting = visitor()
    if not acting.may(role):
        raise AssayError(
            message(
                "{name} may not do this: it needs the role {role}. The roles stand in team.toml.",
                name=acting.name or "–",
                role=role,
            )
        )
    return acting


def act(role: Role, what: str, subject: str = "") -> str | None:
    """See that whoever acts may, and not too often, and write it down; return their name.

    None, with nothing written, where one person uses Assay alone. Raises `AssayError`.
    """
    acting = require(role)
    if acting is ALONE:
        return None
    spend(acting, what)
    from app.web.components import context
    from db.queries import actions

    with context.writing() as session:
        actions.add(session, acting.name, what, subject)
    return acting.name


def spend(acting: Visitor, what: str) -> None:
    """Count an action that costs something; raises `AssayError` for one too many in an hour."""
    members = team()
    if members is None or what not in LIMITS:
        return
    limit = members.limits[what]
    wait_s = _rates().wait_s((acting.name, what), limit)
    if wait_s > 0:
        raise AssayError(
            message(
                "That was asked for {limit} times within an hour: it can be again in {minutes} "
                "minutes.",
                limit=limit,
                minutes=max(1, round(wait_s / 60)),
            )
        )


def gate(_: Translate) -> bool:
    """Whether the page may be drawn; else say why not, and how to log in."""
    members = team()
    if members is None:
        return True
    acting = visitor()
    if acting.role is not None:
        return True
    if members.login == "oidc" and not st.user.is_logged_in:
        st.title("Assay", anchor=False)
        st.markdown(plain(_("This workbench is for its team: log in to go on.")))
        st.button(_("Log in"), key="login", type="primary", on_click=st.login)
        return False
    told = _("{name} is not of this workbench's team. Whoever runs it can give you a role.")
    st.error(plain(told.format(name=acting.name or "–")))
    if members.login == "oidc":
        st.button(_("Log out"), key="logout", on_click=st.logout)
    return False


def badge(_: Translate) -> None:
    """Say who is logged in, at a click in full, and offer the way out where there is one.

    In short, so that a page's first row fits a narrow window.
    """
    members = team()
    if members is None:
        return
    acting = visitor()
    name, _at, _domain = acting.name.partition("@")
    with st.popover(plain(name[:_SHORT] or "–"), type="tertiary", key="person"):
        if acting.role is not None:
            st.markdown(plain(f"{acting.name} · {_(ROLE_WORDS[acting.role])}"))
        if members.login == "oidc":
            st.button(_("Log out"), key="logout", on_click=st.logout)
