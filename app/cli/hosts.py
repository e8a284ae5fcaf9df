"""`assay hosts …`: the scheduler and the workers of other machines, and who is there."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from app.cli.output import note, print_json, print_table
from app.cli.papers import Json

app = typer.Typer(
    name="hosts",
    help="Let other machines read papers and measure prototypes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Address = Annotated[
    str | None, typer.Argument(help="tls://HOST:PORT; without it that of ASSAY_SCHEDULER.")
]
Listen = Annotated[str, typer.Option(help="Listen on this address of the machine.")]


@app.command("serve", epilog="Example: assay hosts serve tls://lead.example:8786")
def serve(address: Address = None, listen: Listen = "") -> None:
    """Be the scheduler, which the work goes through, until Ctrl-C."""
    from app.workflows.hosts import serve_scheduler

    serve_scheduler(address, listen)


@app.command("join", epilog="Example: assay hosts join tls://lead.example:8786 --device cuda:0")
def join(
    address: Address = None,
    device: Annotated[str, typer.Option(help="Offer cpu, cuda or cuda:N to benchmarks.")] = "",
    offer: Annotated[
        list[str] | None, typer.Option(help="Another word for what is here, as h100; repeatable.")
    ] = None,
    read: Annotated[bool, typer.Option(help="Read papers, too.")] = True,
    name: Annotated[str, typer.Option(help="What the host is called; its own name if empty.")] = "",
    listen: Listen = "",
) -> None:
    """Work for a scheduler until Ctrl-C; one piece of work at a time."""
    from app.workflows.hosts import GPU, join_scheduler

    if device.startswith(GPU) and shutil.which("nvidia-smi") is None:
        note("This machine has no NVIDIA driver (nvidia-smi): benchmarks may fail on its GPU.")
    status = join_scheduler(
        address, device=device, offers=offer or [], reads=read, name=name, listen=listen
    )
    raise typer.Exit(status)


@app.command("list", epilog="Example: assay hosts list")
def list_(address: Address = None, as_json: Json = False) -> None:
    """Say which hosts work for the scheduler.

    What each offers, and whether its code is this machine's.
    """
    from app.workflows.hosts import list_hosts

    found = list_hosts(address)
    if as_json:
        print_json(found)
        return
    if not found:
        note("No host works for this scheduler yet: type `assay hosts join` on one.")
        return
    rows = [
        {
            "name": host["name"],
            "offers": ", ".join(host["offers"]),
            "state": "at work" if host["busy"] else "free",
            "code": host["code"] or "?",
            "same": "as here" if host["same_code"] else "DIFFERS",
        }
        for host in found
    ]
    print_table(rows, {key: key for key in ("name", "offers", "state", "code", "same")})
