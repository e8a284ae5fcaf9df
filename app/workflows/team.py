"""A workbench for several people: how they log in, what each may do, how often.

All of it stands in one file, `team.toml` of the data folder; `ASSAY_TEAM` names it, and is set by
`assay ui --team`. Without the variable there is no team: one person, on this machine.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from analyzers.message import message
from analyzers.targets.files import read_toml
from app import home
from app.errors import AssayError, UsageError

VARIABLE = "ASSAY_TEAM"
FILE = "team.toml"
SECRETS = "secrets.toml"

Role = Literal["read", "curate", "run"]
ROLES: tuple[Role, ...] = ("read", "curate", "run")
"""Each may do what those before it may: look; change the catalog; run code on this machine."""
LIMITS: Mapping[str, int] = {"add": 60, "measure": 20, "import": 60, "backup": 6, "report": 120}
"""How often an hour each person may ask for it."""
UPLOAD_MB = "upload_mb"
USUAL_UPLOAD_MB = 1024

_SIGN = r"[^\s\x00-\x1f\x7f-\x9f@*,;<>\"]"
_NAME = re.compile(rf"{_SIGN}+@{_SIGN}+|{_SIGN}+(?: {_SIGN}+)*")
"""An address, or a name: no list of them, no wildcard."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Team:
    """What `team.toml` says."""

    login: Literal["proxy", "oidc"]
    address: str
    """Where the workbench listens."""
    hosts: tuple[str, ...]
    """The names that it is reached by."""
    people: Mapping[str, Role]
    """Roles by name, in small letters; "*@example.org" is everybody there."""
    limits: Mapping[str, int]
    upload_mb: int
    header: str = ""
    """The header in which a trusted proxy says who asks."""
    proxies: tuple[Network, ...] = ()
    """Where that proxy is."""

    def role_of(self, name: str | None) -> Role | None:
        """Return the role of a person who logged in, None for one who isn't of the team."""
        known = known_as(name)
        _, at, domain = known.rpartition("@")
        return self.people.get(known) or (self.people.get(f"*@{domain}") if at else None)

    def trusts(self, address: str | None) -> bool:
        """Whether a connection from that address is the proxy's."""
        try:
            peer = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self.proxies)


def known_as(said: str | None) -> str:
    """Return the name that a login says as `team.toml` spells it; "" for what names no person.

    Only ASCII's capitals are made small: the Kelvin sign's small letter is k, and would make one
    person another. Two people in one header, and spaces that aren't ASCII's, name nobody.
    """
    name = (said or "").strip(" \t")
    name = "".join(sign.lower() if sign.isascii() else sign for sign in name)
    return name if _NAME.fullmatch(name) else ""


def may(role: Role | None, needed: Role) -> bool:
    """Whether who has `role` may do what needs `needed`."""
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


def team() -> Team | None:
    """Return the team of this process, None where it serves one person.

    The file is read again when it changed, so that a role given or taken counts at once. Raises
    `AssayError` for a file that can't be used: then nobody is let in.
    """
    named = os.environ.get(VARIABLE)
    return read_team(Path(named)) if named else None


def is_for_a_team() -> bool:
    """Whether this process serves a team."""
    return bool(os.environ.get(VARIABLE))


def team_file() -> Path:
    """Return where the settings of a team are kept."""
    return home.data_folder() / FILE


def read_team(path: Path) -> Team:
    """Return what a team's file says; raises `AssayError` for one that can't be used."""
    try:
        stamp = path.stat()
        return _read(path, stamp.st_mtime_ns, stamp.st_size)
    except FileNotFoundError:
        told = message(
            "A workbench for a team needs the file {file}, which says how people log in and what "
            "each may do: write it as docs/team.md shows.",
            file=str(path),
        )
    except OSError as error:
        told = message("{file} can't be read: {why}.", file=str(path), why=error.strerror)
    except AssayError as error:
        told = message("{file} can't be used: {why}", file=str(path), why=error.reason)
    except ValueError as error:
        told = message("{file} can't be used: {why}", file=str(path), why=str(error))
    raise AssayError(told)


@lru_cache(maxsize=4)
def _read(path: Path, changed_at: int, size: int) -> Team:
    # The time and the size are the key: another state of the file is another answer.
    return parse_team(read_toml(path))


def parse_team(record: Mapping[str, Any]) -> Team:
    """Read a team's settings; raises `AssayError` for what is wrong with them."""
    unknown = set(record) - {"login", "address", "hosts", "proxy", "people", "limits"}
    if unknown:
        raise AssayError(message("there is no setting {name!r}.", name=sorted(unknown)[0]))
    login = record.get("login")
    if login not in ("proxy", "oidc"):
        raise AssayError(message('login is "proxy" or "oidc".'))
    hosts = record.get("hosts")
    if not isinstance(hosts, list) or not hosts or not all(_is_host(host) for host in hosts):
        raise AssayError(
            message('hosts lists the names that people type, as ["assay.example.org"].')
        )
    proxy = _table(record, "proxy")
    header: Any = ""
    proxies: tuple[Network, ...] = ()
    if login == "proxy":
        header = proxy.get("header")
        if not isinstance(header, str) or not header.replace("-", "").isalnum():
            raise AssayError(message('proxy.header names a header, as "X-Forwarded-Email".'))
        proxies = tuple(_network(item) for item in _list(proxy, "from"))
        if not proxies:
            raise AssayError(message('proxy.from lists where the proxy is, as ["127.0.0.1"].'))
    limits = _table(record, "limits")
    for name, value in limits.items():
        if name not in (*LIMITS, UPLOAD_MB) or not isinstance(value, int) or value < 0:
            raise AssayError(
                message(
                    "limits.{name} is no number of one of these: {known}.",
                    name=name,
                    known=", ".join([*LIMITS, UPLOAD_MB]),
                )
            )
    return Team(
        login=login,
        address=str(record.get("address", "127.0.0.1")),
        hosts=tuple(hosts),
        people=_people(_table(record, "people")),
        limits={**LIMITS, **{k: v for k, v in limits.items() if k in LIMITS}},
        upload_mb=int(limits.get(UPLOAD_MB, USUAL_UPLOAD_MB)),
        header=str(header),
        proxies=proxies,
    )


def _people(table: Mapping[str, Any]) -> dict[str, Role]:
    people: dict[str, Role] = {}
    for name, role in table.items():
        if role not in ROLES:
            raise AssayError(message("the role of {name!r} is read, curate or run.", name=name))
        known = f"*{known_as('x' + name[1:])[1:]}" if name[:2] == "*@" else known_as(name)
        if not known.strip("*"):
            raise AssayError(
                message('{name!r} is nobody: "*@example.org" is everybody there.', name=name)
            )
        people[known] = role
    if not people:
        raise AssayError(message('people names at least one person, as "ann@example.org" = "run".'))
    return people


def _table(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = record.get(name, {})
    if not isinstance(table, dict):
        raise AssayError(message("{name} is a table.", name=name))
    return table


def _list(table: Mapping[str, Any], name: str) -> list[Any]:
    found = table.get(name, [])
    return found if isinstance(found, list) else [found]


def _network(text: Any) -> Network:
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        raise AssayError(
            message("proxy.from: {text!r} is no address and no network.", text=str(text))
        ) from None


def _is_host(host: Any) -> bool:
    return isinstance(host, str) and bool(host) and not set(host) & set("*/:@ ")


def check_secrets(path: Path) -> None:
    """Raise `UsageError` unless the login's secrets are there, and for their owner's eyes only."""
    if not path.is_file():
        raise UsageError(
            message(
                "The login needs {file} with the table auth of the identity provider: see "
                "docs/team.md.",
                file=str(path),
            )
        )
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise UsageError(
            message("{file} holds secrets that others can read: chmod 600 {file}", file=str(path))
        )
