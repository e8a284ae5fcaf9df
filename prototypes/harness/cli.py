"""The command line of `python -m prototypes`: needs torch only in the children it starts."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from prototypes.harness import session, skeleton
from prototypes.harness.child import die_with_parent
from prototypes.harness.comparing import ComparingError, pairs, read
from prototypes.harness.declarations import Declaration, Device
from prototypes.harness.document import Document, OutputError, check_writable
from prototypes.harness.isolation import CancelledError
from prototypes.harness.plans import Plan, Settings, plan
from prototypes.harness.progress import Progress
from prototypes.harness.registry import RegistryError, record, scan, select
from prototypes.harness.status import Status
from prototypes.harness.survey import ProbeError
from prototypes.harness.table import render

DONE, SOME_FAILED, USAGE = 0, 1, 2

EXAMPLES = """examples:
  python -m prototypes list
  python -m prototypes run sampling --device cpu --quick --out runs.json
  python -m prototypes run all --device cuda --out runs.json
  python -m prototypes compare before.json after.json
  python -m prototypes new my_attention --paper int_flash
  python -m prototypes check my_attention
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="python -m prototypes",
        description="Run techniques from papers on this machine and measure them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    listing = commands.add_parser(
        "list",
        help="what there is to run",
        epilog="example:\n  python -m prototypes list --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    listing.add_argument("--json", action="store_true", help="everything declared, as JSON")
    run = commands.add_parser(
        "run",
        help="measure one prototype, or all",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("name", metavar="NAME", help="a prototype's name, or all")
    run.add_argument(
        "--device", choices=[str(d) for d in Device], help="default: cuda if there is one, else cpu"
    )
    run.add_argument("--quick", action="store_true", help="few cases and rounds; provisional")
    run.add_argument("--case", metavar="ID", help="only this case")
    run.add_argument(
        "--out", metavar="FILE", required=True, help="JSON document to write (- prints)"
    )
    run.add_argument("--timeout", type=float, metavar="S", help="seconds one measurement may take")
    run.add_argument("--memory", type=float, default=8.0, metavar="GB", help="limit on the CPU")
    run.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default 1)")
    run.add_argument("--progress-fd", type=int, metavar="N", help="write progress as JSON lines")
    run.add_argument(
        "--exit-with-parent", action="store_true", help="stop when the starting process dies"
    )
    run.add_argument("--quiet", action="store_true", help="no progress on stderr")
    _add_small_commands(commands)
    return parser


def _add_small_commands(commands: Any) -> None:
    comparing = commands.add_parser(
        "compare",
        help="is a kernel faster in B than in A?",
        epilog="example:\n  python -m prototypes compare before.json after.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    comparing.add_argument("first", metavar="A", help="a run document")
    comparing.add_argument("second", metavar="B", help="another, of the same device")
    comparing.add_argument("--json", action="store_true", help="the answers as JSON")
    new = commands.add_parser(
        "new",
        help="write the skeleton of a prototype and its test",
        epilog="example:\n  python -m prototypes new my_attention --paper int_flash",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new.add_argument("name", metavar="NAME", help="a-z, 0-9 and _")
    new.add_argument("--paper", metavar="SLUG", help="the paper's id in db/seed/papers/")
    check = commands.add_parser(
        "check",
        help="say what a prototype still lacks",
        epilog="example:\n  python -m prototypes check my_attention",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("name", metavar="NAME", help="a prototype's name")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = build_parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except (RegistryError, OutputError, ProbeError, ComparingError) as error:
        print(f"prototypes: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        return DONE


def _list(options: argparse.Namespace) -> int:
    known = scan()
    if options.json:
        print(json.dumps([record(d) for d in known.values()], ensure_ascii=False, indent=1))
        return DONE
    for declaration in known.values():
        devices = ", ".join(declaration.devices)
        print(f"{declaration.name}: {declaration.title} ({devices})")
        for case in declaration.cases:
            marks = [f"target weight {case.target_weight:g}"] if case.target_weight else []
            marks += ["quick"] if case.quick else []
            print(f"  {case.id}" + (f"  ({', '.join(marks)})" if marks else ""))
    return DONE


def _run(options: argparse.Namespace) -> int:
    if options.exit_with_parent:
        die_with_parent(os.getppid(), signal.SIGTERM)
    chosen = select(options.name, scan())
    settings = _settings(options)
    plans = _plans(chosen, settings, options.name)
    path = None if options.out == "-" else Path(options.out).resolve()
    if path is not None:
        check_writable(path)
    document = Document(path)
    progress = Progress(len(plans), options.progress_fd, options.quiet)
    try:
        with session.cancel_on_signals():
            session.run(plans, settings, document, progress)
    except CancelledError as reason:
        kept = f"; {path} keeps what was done" if path is not None and document.environment else ""
        print(f"prototypes: stopped by {reason}{kept}.", file=sys.stderr)
        return SOME_FAILED
    if path is not None and not options.quiet:
        print(render(document.to_json()), file=sys.stderr)
    failed = [r for r in document.runs if r["status"] not in (Status.OK, Status.QUALITY_ONLY)]
    return SOME_FAILED if failed else DONE


def _compare(options: argparse.Namespace) -> int:
    found = pairs(read(Path(options.first)), read(Path(options.second)))
    if options.json:
        print(json.dumps([pair.to_json() for pair in found], ensure_ascii=False, indent=1))
    else:
        print(f"A: {options.first}, B: {options.second}; B against A")
        for pair in found:
            print(pair.line())
    return DONE if any(pair.speed for pair in found) else SOME_FAILED


def _new(options: argparse.Namespace) -> int:
    for path in skeleton.write(options.name, options.paper):
        print(path)
    print(f"Fill in what says {skeleton.MARK}, then: python -m prototypes check {options.name}")
    return DONE


def _check(options: argparse.Namespace) -> int:
    from prototypes.harness.check import report

    lines, is_complete = report(options.name)
    print("\n".join(lines))
    return DONE if is_complete else SOME_FAILED


COMMANDS = {"list": _list, "run": _run, "compare": _compare, "new": _new, "check": _check}


def _settings(options: argparse.Namespace) -> Settings:
    seconds = (
        options.timeout if options.timeout is not None else (120.0 if options.quick else 300.0)
    )
    for name, value in (
        ("timeout", seconds),
        ("memory", options.memory),
        ("threads", options.threads),
    ):
        if not 0 < value < math.inf:
            raise OutputError(f"--{name} must be a number above 0, not {value:g}.")
    return Settings(
        device=Device(options.device) if options.device else _default_device(),
        quick=options.quick,
        case=options.case,
        seconds=seconds,
        memory_bytes=int(options.memory * (1 << 30)),
        threads=options.threads,
    )


def _default_device() -> Device:
    found = Path("/dev/nvidia0").exists()
    device = Device.CUDA if found else Device.CPU
    why = "there is /dev/nvidia0" if found else "there is no NVIDIA device"
    print(f"prototypes: measuring on {device}: {why}.", file=sys.stderr)
    return device


def _plans(chosen: list[Declaration], settings: Settings, name: str) -> list[Plan]:
    if settings.case is not None and not any(d.has(settings.case) for d in chosen):
        known: Any = ", ".join(c.id for d in chosen for c in d.cases)
        raise RegistryError(f"{name} has no case {settings.case!r}; known: {known}.")
    plans = plan(chosen, settings)
    if not plans:
        what = f"case {settings.case!r}" if settings.case else "case"
        raise RegistryError(f"{name} has no {what} for {settings.device}: try the other device.")
    return plans
