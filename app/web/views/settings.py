"""Settings: the engine that papers are ranked for, the data folder, what this machine lacks."""

from __future__ import annotations

from app.web.components import context, flash, people, url
from app.web.components.checkup import checkup
from app.web.components.data_folder import data_folder
from app.web.components.header import header
from app.web.components.target import target
from app.workflows.team import is_for_a_team

_ = context.words()
with header(_("Settings")):
    pass
flash.show()
sections = {
    "engine": (_("Engine"), target),
    "data": (_("Data and language"), data_folder),
    "machine": (_("This machine"), checkup),
}
if is_for_a_team():
    sections["people"] = (_("People"), people.people)
section = url.sections(_("Section"), "show", list(sections), lambda name: sections[name][0])
with context.errors_shown():
    sections[section][1](_)
