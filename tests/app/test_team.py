"""The settings of a team: what they may say, who has which role, what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.errors import AssayError, UsageError
from app.web.members import check_exposure, is_local
from app.web.rates import HOUR_S, Rates
from app.workflows.serving import command, environment, serve
from app.workflows.team import check_secrets, may, parse_team, read_team, team
from tests.conftest import PROJECT

TEAM = """
login = "proxy"
address = "0.0.0.0"
hosts = ["assay.example.org"]
[proxy]
header = "X-Forwarded-Email"
from = ["127.0.0.1", "10.1.0.0/16"]
[people]
"Ann@Example.org" = "run"
"bob@example.org" = "curate"
"*@example.org" = "read"
[limits]
measure = 2
"""


def parsed(text: str = TEAM) -> Any:
    return parse_team(tomllib.loads(text))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("ann@example.org", "run"), ("ANN@example.ORG", "run"), (" bob@example.org ", "curate"),
        ("eve@example.org", "read"), ("eve@evil.example", None), ("eve@sub.example.org", None),
        ("*@example.org", None), ("ann@example.org@evil.example", None), ("ann", None),
        ("example.org", None), ("", None), (None, None), ("@example.org", None),
        ("eve@evil.example, x@example.org", None), ("eve@evil.example@example.org", None),
        ("\u00a0bob@example.org", None), ("bob@example.org\x85", None), ("eve x@example.org", None),
        ("<eve@evil.example>x@example.org", None), ("boB@example.org\t", "curate"),
        ("mar\u212a@example.org", "read"), ("\u0130@example.org", "read"),
    ],
)  # fmt: skip
def test_roles_go_by_name_then_by_domain(name: str | None, role: str | None) -> None:
    assert parsed().role_of(name) == role


def test_a_sign_that_only_looks_like_a_letter_makes_nobody_another() -> None:
    people = parsed(TEAM.replace("bob@", "mark@"))
    assert people.role_of("MARK@example.org") == "curate"
    assert people.role_of("mar\u212a@example.org") == "read", "the Kelvin sign's small letter is k"


def test_each_role_may_do_what_those_before_it_may() -> None:
    assert [may("curate", role) for role in ("read", "curate", "run")] == [True, True, False]
    assert not may(None, "read")


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("10.2.0.1", False),
        ("127.0.0.2", False), ("::1", False), ("", False), (None, False), ("proxy", False),
    ],
)  # fmt: skip
def test_only_the_proxy_is_trusted(address: str | None, trusted: bool) -> None:
    assert parsed().trusts(address) is trusted


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('login = "proxy"', 'login = "none"'), "login is"),
        (('login = "proxy"', ""), "login is"),
        (('hosts = ["assay.example.org"]', "hosts = []"), "hosts lists"),
        (('hosts = ["assay.example.org"]', 'hosts = ["*"]'), "hosts lists"),
        (('hosts = ["assay.example.org"]', 'hosts = ["http://x"]'), "hosts lists"),
        (('header = "X-Forwarded-Email"', ""), "proxy.header"),
        (('header = "X-Forwarded-Email"', 'header = "X: y"'), "proxy.header"),
        (('from = ["127.0.0.1", "10.1.0.0/16"]', ""), "proxy.from"),
        (('from = ["127.0.0.1", "10.1.0.0/16"]', 'from = ["gateway"]'), "no address"),
        (('"Ann@Example.org" = "run"', '"Ann@Example.org" = "admin"'), "the role of"),
        (('"*@example.org" = "read"', '"*" = "read"'), "is nobody"),
        (("measure = 2", "measure = -1"), "limits.measure"),
        (("measure = 2", "sing = 2"), "limits.sing"),
        (("[limits]", "[limit]"), "no setting 'limit'"),
    ],
)
def test_what_cannot_hold_is_said(change: tuple[str, str], why: str, tmp_path: Path) -> None:
    assert change[0] in TEAM
    file = tmp_path / "team.toml"
    file.write_text(TEAM.replace(*change))
    with pytest.raises(AssayError, match=why):
        read_team(file)


def test_a_role_that_is_taken_counts_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "team.toml"
    monkeypatch.setenv("ASSAY_TEAM", str(file))
    with pytest.raises(AssayError, match=r"docs/team\.md"):
        team()
    file.write_text(TEAM)
    held = team()
    assert held is not None and held.role_of("ann@example.org") == "run"
    file.write_text(TEAM.replace('"Ann@Example.org" = "run"', ""))
    held = team()
    assert held is not None and held.role_of("ann@example.org") == "read"
    monkeypatch.delenv("ASSAY_TEAM")
    assert team() is None


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True), ("::1", True), ("localhost", True), ("unix:///run/assay", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.5", False), ("assay.example", False),
        ("", False), (None, False),
    ],
)  # fmt: skip
def test_beyond_this_machine_there_is_a_login_or_nothing(address: str | None, local: bool) -> None:
    assert is_local(address) is local
    if local:
        check_exposure(address)
    else:
        with pytest.raises(AssayError, match="has no login"):
            check_exposure(address)


def test_the_server_of_a_team_is_told_of_it_and_each_sees_who_connects(own_home: Path) -> None:
    assert environment(None) == {"FORWARDED_ALLOW_IPS": ""}
    assert command(8501)[-1] == "--server.address=127.0.0.1"
    told = environment(parsed())
    assert told == {"ASSAY_TEAM": str(own_home / "team.toml"), "FORWARDED_ALLOW_IPS": ""}
    assert command(8501, parsed())[-2:] == [
        "--server.address=0.0.0.0",
        "--server.allowedHosts=assay.example.org",
    ]
    oidc = parsed(TEAM.replace('login = "proxy"', 'login = "oidc"'))
    assert command(8501, oidc)[-1] == f"--secrets.files={own_home / 'secrets.toml'}"
    with pytest.raises(AssayError, match=r"needs the file .*team\.toml"):
        serve(8501, open_browser=False, for_team=True)


def test_secrets_are_for_their_owner(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.toml"
    with pytest.raises(UsageError, match="identity provider"):
        check_secrets(secrets)
    secrets.write_text("")
    secrets.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        check_secrets(secrets)
    secrets.chmod(0o600)
    check_secrets(secrets)


def test_so_many_an_hour_for_each() -> None:
    now = [0.0]
    rates = Rates(clock=lambda: now[0])
    assert [rates.wait_s("ann", 2) for _ in range(2)] == [0.0, 0.0]
    now[0] = 600.0
    assert rates.wait_s("ann", 2) == HOUR_S - 600
    assert rates.wait_s("bob", 2) == 0.0, "others aren't held up"
    now[0] = HOUR_S
    assert rates.wait_s("ann", 2) == 0.0
    assert rates.wait_s("eve", 10, cost=11) == HOUR_S, "more than the whole limit never is"
    assert rates.wait_s("eve", 0) > 0


def test_the_example_of_the_docs_can_be_used() -> None:
    text = (PROJECT / "docs" / "team.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in text.split("```toml\n")[1:]]
    teams = [example for example in examples if "login =" in example]
    assert {parsed(example).login for example in teams} == {"proxy", "oidc"}
