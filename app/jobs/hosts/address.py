"""Which scheduler the work goes to, and the certificates that the hosts know each other by."""

from __future__ import annotations

import importlib
import importlib.util
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from analyzers.message import message
from app.errors import UsageError
from app.home import data_folder

VARIABLE = "ASSAY_SCHEDULER"
TLS_VARIABLE = "ASSAY_TLS"
SECURE = "tls://"
PATIENCE_S = 300.0
"""How long the scheduler or a host may be away before the work is given up for lost;
`ASSAY_HOSTS_PATIENCE` is another number of seconds."""
CA, CERTIFICATE, KEY = "ca.pem", "host.pem", "host-key.pem"


@dataclass(frozen=True, slots=True)
class SchedulerAddress:
    """A scheduler's address: "tls://host:port", or "tcp://…" on this very machine."""

    url: str
    tls: Path | None
    """The folder of the certificates; None for tcp."""

    def security(self) -> Any:
        """Return what `distributed` makes and takes connections with.

        Both ends show a certificate of the same authority, and nothing is sent in the clear.
        """
        distributed: Any = importlib.import_module("distributed")
        if self.tls is None:
            return distributed.Security()
        certificate, key = str(self.tls / CERTIFICATE), str(self.tls / KEY)
        return distributed.Security(
            require_encryption=True,
            tls_ca_file=str(self.tls / CA),
            tls_client_cert=certificate,
            tls_client_key=key,
            tls_scheduler_cert=certificate,
            tls_scheduler_key=key,
            tls_worker_cert=certificate,
            tls_worker_key=key,
        )


def is_configured() -> bool:
    """Whether `ASSAY_SCHEDULER` names a scheduler, be it a good one or not."""
    return bool(os.environ.get(VARIABLE, "").strip())


def scheduler_address() -> SchedulerAddress | None:
    """Return the scheduler that `ASSAY_SCHEDULER` names, None where it names none.

    Raises `UsageError` for what can't be used, with the reason.
    """
    text = os.environ.get(VARIABLE, "").strip()
    return parse_address(text) if text else None


def parse_address(text: str) -> SchedulerAddress:
    """Read "tls://host:port" or "tcp://127.0.0.1:port"; raises `UsageError` for anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    rest = parts.path or parts.query or parts.fragment or parts.username
    if parts.scheme not in ("tls", "tcp") or not host or not port or rest:
        raise UsageError(
            message(
                "{address!r} is no scheduler's address: ASSAY_SCHEDULER is tls://HOST:PORT.",
                address=text,
            )
        )
    if parts.scheme == "tcp" and not is_loopback(host):
        raise UsageError(
            message(
                "{address} is refused: over plain tcp anybody on the way to another machine could "
                "read the work and send code of his own. Use tls://{host}:{port} with certificates "
                "(docs/hosts.md).",
                address=text,
                host=host,
                port=port,
            )
        )
    require_distributed()
    shown = f"[{host}]" if ":" in host else host
    tls = certificates() if parts.scheme == "tls" else None
    return SchedulerAddress(f"{parts.scheme}://{shown}:{port}", tls)


def is_loopback(host: str) -> bool:
    """Whether a host's name or number is this machine's own, whatever a name server says."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def certificates() -> Path:
    """Return the folder of this machine's certificates; raises `UsageError` where one is missing.

    `ASSAY_TLS` names it; else it is `tls` in the data folder.
    """
    named = os.environ.get(TLS_VARIABLE)
    folder = Path(named).expanduser() if named else data_folder() / "tls"
    for name in (CA, CERTIFICATE, KEY):
        if not (folder / name).is_file():
            raise UsageError(
                message(
                    "The certificate file {file} is missing: make the three files as docs/hosts.md "
                    "says, or name their folder in ASSAY_TLS.",
                    file=str(folder / name),
                )
            )
    return folder.absolute()


def require_distributed() -> None:
    """Raise `UsageError` where the optional package isn't installed."""
    if importlib.util.find_spec("distributed") is None:
        raise UsageError(
            message(
                "Work on other hosts needs a package that isn't installed: "
                "pip install 'assay[hosts]', or unset ASSAY_SCHEDULER."
            )
        )


def patience() -> float:
    """Return how long hosts may be away, in seconds."""
    try:
        return float(os.environ.get("ASSAY_HOSTS_PATIENCE") or PATIENCE_S)
    except ValueError:
        return PATIENCE_S
