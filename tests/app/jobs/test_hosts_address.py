"""Which schedulers are taken, and what is said of the others; that the default knows none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.errors import UsageError
from app.jobs.hosts import serving
from app.jobs.hosts.address import CA, CERTIFICATE, KEY, parse_address, scheduler_address
from app.jobs.hosts.code import code_version
from app.workflows.hosts import code_of
from tests.app.conftest import Assay
from tests.conftest import PROJECT


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.jobs.hosts.address.require_distributed", lambda: None)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("tcp://localhost:8786", "tcp://localhost:8786"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
        ("tcp://127.8.9.1:1", "tcp://127.8.9.1:1"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_plain_tcp_stays_on_this_machine(text: str, url: str) -> None:
    address = parse_address(text)
    assert (address.url, address.tls) == (url, None)


@pytest.mark.parametrize(
    "text",
    [
        "tcp://10.0.0.5:8786", "tcp://lead.example:8786", "tcp://0.0.0.0:8786",
        "tcp://localhost.example:8786", "tcp://[fe80::1]:8786", "tcp://128.0.0.1:1",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("installed")
def test_plain_tcp_to_another_machine_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(UsageError, match=r"refused: over plain tcp .* Use tls://"):
        parse_address(text)


@pytest.mark.parametrize(
    "text",
    ["lead:8786", "http://lead:8786", "tls://lead", "tls://:8786", "tls://lead:99999",
     "tls://ann@lead:1", "tls://lead:1/x", "tls://lead:1?x", "ucx://lead:1", "tls://[bad:1"],
)  # fmt: skip
@pytest.mark.usefixtures("installed")
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="no scheduler's address"):
        parse_address(text)


@pytest.mark.usefixtures("installed")
def test_the_certificates_are_there_or_named(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"home/tls/ca.pem is missing.*docs/hosts.md"):
        parse_address("tls://lead.example:8786")
    for name in (CA, CERTIFICATE, KEY):
        (tmp_path / name).write_text("")
    monkeypatch.setenv("ASSAY_TLS", str(tmp_path))
    assert parse_address("tls://lead.example:8786").tls == tmp_path


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'assay\[hosts\]'"):
        parse_address("tcp://127.0.0.1:8786")


def test_commands_refuse_at_once(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SCHEDULER", "tcp://10.0.0.5:8786")
    told = assay("hosts", "list")
    assert (told.status, "plain tcp" in told.err) == (2, True)
    monkeypatch.delenv("ASSAY_SCHEDULER")
    assert assay("hosts", "list").status == 2
    assert "set ASSAY_SCHEDULER" in assay("bench", "run", "sampling", "--on", "h100").err
    assert (
        "tls:// address"
        in assay("hosts", "serve", "tcp://127.0.0.1:8786", "--listen", "0.0.0.0").err
    )
    assert "not 'tpu'" in assay("hosts", "join", "tcp://127.0.0.1:1", "--device", "tpu").err
    assert "needs a device" in assay("hosts", "join", "tcp://127.0.0.1:1", "--no-read").err
    assert "can't be offered" in assay("hosts", "join", "tcp://127.0.0.1:1", "--offer", "a b").err


def test_the_default_never_loads_it(own_home: Path) -> None:
    assert scheduler_address() is None
    script = (
        "import sys, app.jobs.__main__, app.workflows.job_tasks, app.workflows.ingest, app.cli\n"
        "print(sorted(set(sys.modules) & {'distributed', 'dask', 'tornado'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_code_has_one_name_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_version() == code_version()
    version, _, digest = code_version().partition("+")
    assert version and len(digest) == 12
    reading = code_version("reading")
    assert reading != code_version(), "prototypes are no part of reading"
    monkeypatch.setattr("app.jobs.hosts.code._version", lambda package: "0.0")
    assert code_version("reading").partition("+")[2] != reading.partition("+")[2]
    assert code_version().partition("+")[2] == digest, "torch may be another: the runs tell"


def test_a_host_looks_at_its_code_now_and_then_but_not_beside_a_measurement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    versions = iter(["old", "new"])
    monkeypatch.setattr(serving, "code_version", lambda: next(versions))
    code_now = serving._CodeNow()
    monkeypatch.setattr(serving, "LOOK_AT_CODE_S", -1.0)
    assert code_now(SimpleNamespace(state=SimpleNamespace(executing_count=1))) == "old"
    assert code_now(SimpleNamespace(state=SimpleNamespace(executing_count=0))) == "new"
    assert code_of({"code": "old", "metrics": {"code": "new"}}) == "new"
    assert code_of({"code": "old", "metrics": {}}) == "old"
