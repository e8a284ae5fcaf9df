"""`assay target …`: the engines that papers are ranked for, as data to see, change and undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from analyzers.message import message
from app.actor import login_name
from app.cli.output import clean, language, note, print_json, print_moves, print_table
from app.i18n import translator

if TYPE_CHECKING:
    from app.workflows.moves import Move

app = typer.Typer(
    name="target",
    help="See, change and choose the engine that papers are ranked for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The target.")]
Lang = Annotated[str | None, typer.Option(help="en or zh; as ASSAY_LANG says if left out.")]
Who = Annotated[str | None, typer.Option(help="Your name; the login name if left out.")]


@app.command("list", epilog="Example: assay target list")
def list_(as_json: Json = False, lang: Lang = None) -> None:
    """List the targets: those that ship, and your own."""
    from dataclasses import asdict

    from app.cli.target_text import ORIGINS, columns
    from app.labels import say
    from app.workflows.targets import list_targets

    code = lang or language()
    _ = translator(code)
    views = list_targets(code)
    if as_json:
        print_json([asdict(v) | {"problem": v.problem and say(v.problem, code)} for v in views])
        return
    print_table(
        [
            {
                "used": "*" if view.is_default else "",
                "name": view.name,
                "title": view.title,
                "origin": _(ORIGINS[view.origin]),
                "edits": str(view.edits or ""),
                "problem": say(view.problem, code) if view.problem else "",
            }
            for view in views
        ],
        columns(_),
    )


@app.command("show", epilog="Example: assay target show llama.cpp")
def show(name: Name, as_json: Json = False, lang: Lang = None) -> None:
    """Print what a target says.

    Shares, devices, techniques, what the engine has, and its edits.
    """
    from app.cli.target_text import lines
    from app.workflows.targets import show_target

    record = show_target(name)
    if as_json:
        print_json(record)
        return
    for line in lines(record, lang or language()):
        print(clean(line))


@app.command(
    "set",
    epilog='Example: assay target set llama.cpp devices.datacentre_gpu=0.5 --why "we serve too"',
)
def set_(
    name: Name,
    assignments: Annotated[
        list[str],
        typer.Argument(
            help="field=value …, such as shares.decode=0.5, devices.cpu=1, in_target.sage=merged"
        ),
    ],
    why: Annotated[str, typer.Option(help="The reason; it stays with the edit.")],
    evidence: Annotated[
        str, typer.Option(help="For in_target: what shows it, with its address.")
    ] = "",
    date: Annotated[
        str, typer.Option(help="For in_target: since when, 2026-11-24; today if left out.")
    ] = "",
    who: Who = None,
    lang: Lang = None,
) -> None:
    """Change a target.

    The ranking follows at once, and the edit can be undone.
    """
    from app.errors import UsageError
    from app.workflows.opening import open_catalog
    from app.workflows.target_fields import Evidence
    from app.workflows.targets import edit_target
    from db.engine import session_scope

    values: dict[str, str] = {}
    for assignment in assignments:
        field, sign, value = assignment.partition("=")
        if not sign:
            raise UsageError(
                message("{text!r} isn't field=value, such as shares.decode=0.5.", text=assignment)
            )
        values[field.strip()] = value.strip()
    with session_scope(open_catalog()) as session:
        done = edit_target(
            session,
            name,
            values,
            why=why,
            who=who or login_name(),
            evidence=Evidence(evidence, date),
        )
    _tell(done.moves, lang)


@app.command("new", epilog="Example: assay target new our-fork --from llama.cpp")
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, dots, dashes.")],
    like: Annotated[str, typer.Option("--from", help="The target that it starts as.")],
    who: Who = None,
    lang: Lang = None,
) -> None:
    """Make a target of your own.

    What you don't change follows the one it stands on.
    """
    from app.workflows.targets import create_target

    create_target(name, like, who=who or login_name())
    _ = translator(lang or language())
    told = _("Made {name} from {base}; rank by it: assay list --target {name}")
    note(told.format(name=name, base=like))


@app.command("undo", epilog="Example: assay target undo llama.cpp")
def undo(name: Name, who: Who = None, lang: Lang = None) -> None:
    """Take the last edit of a target back; again for the one before."""
    from app.workflows.opening import open_catalog
    from app.workflows.targets import undo_edit
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        moves = undo_edit(session, name, who=who or login_name())
    _tell(moves, lang)


@app.command("use", epilog="Example: assay target use vllm")
def use(name: Name, who: Who = None, lang: Lang = None) -> None:
    """Rank for this target from now on, wherever none is named."""
    from app.workflows.opening import open_catalog
    from app.workflows.targets import use_target
    from db.engine import session_scope

    with session_scope(open_catalog()) as session:
        use_target(session, name, who=who or login_name())
    _ = translator(lang or language())
    note(_("Papers are ranked for {engine} now.").format(engine=name))


def _tell(moves: Sequence[Move], lang: str | None) -> None:
    print_moves([move for move in moves if move.kind == "believed"], lang)
