"""What `assay doctor` and the pages say of hosts: their certificates, and who offers what."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import AssayError, UsageError
from app.jobs.hosts.address import CA, CERTIFICATE, KEY
from app.jobs.hosts.certificates import good_until
from app.web.components.measure import devices
from app.workflows import doctor, hosts
from app.workflows.hosts import Offers
from tests.app.jobs.hosts_cluster import OPENSSL, make_certificates

SIGN = "openssl x509 -req -in host.csr -CA ca.pem -CAkey ca-key.pem -extfile host.ext -out host.pem"


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The certificates of two authorities."""
    if OPENSSL is None:
        pytest.skip("there is no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("authorities")
    return [make_certificates(folder / name) for name in ("ours", "theirs")]


def sign(*options: str) -> Callable[[Path, Path], object]:
    def signed(ours: Path, _theirs: Path) -> object:
        return subprocess.run([*SIGN.split(), *options], cwd=ours, check=True, capture_output=True)

    return signed


def of_theirs(name: str) -> Callable[[Path, Path], object]:
    return lambda ours, theirs: shutil.copy(theirs / name, ours / name)


def rubbish(name: str) -> Callable[[Path, Path], object]:
    return lambda ours, _: (ours / name).write_text("rubbish")


def test_certificates_that_are_not_good_are_said(
    authorities: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases: dict[str, tuple[Callable[[Path, Path], object], str]] = {
        "expired": (sign("-days", "-1"), "has expired: make new ones"),
        "another authority": (of_theirs(CA), "isn't of the authority"),
        "another key": (of_theirs(KEY), "don't belong together"),
        "no certificate": (rubbish(CERTIFICATE), "can't be read"),
        "no authority": (rubbish(CA), "copy it here again"),
    }
    for name, (change, words) in cases.items():
        ours = tmp_path / name
        shutil.copytree(authorities[0], ours)
        assert abs((good_until(ours) - good_until(authorities[1])).total_seconds()) < 99
        change(ours, authorities[1])
        with pytest.raises(UsageError, match=words):
            good_until(ours)
        monkeypatch.setenv("ASSAY_TLS", str(ours))
        with pytest.raises(UsageError, match=words):
            hosts.join_scheduler(
                "tls://127.0.0.1:9", device="cpu", offers=(), reads=True, name="", listen=""
            )


def test_doctor_looks_at_certificates_before_it_asks(
    authorities: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SCHEDULER", "tls://127.0.0.1:9")
    monkeypatch.setenv("ASSAY_TLS", str(tmp_path))
    told = {finding.name: finding for finding in doctor.examine()}
    assert not told["certificates"].good
    assert "hosts" not in told
    monkeypatch.setenv("ASSAY_TLS", str(authorities[0]))
    told = {finding.name: finding for finding in doctor.examine()}
    assert told["certificates"].good
    assert str(authorities[0]) in str(told["certificates"].text)
    assert not told["hosts"].good

    def two(_url: str | None) -> list[dict[str, Any]]:
        return [
            {"name": "a", "offers": ["cpu"], "same_code": True},
            {"name": "b", "offers": ["cuda", "h100"], "same_code": False},
        ]

    monkeypatch.setattr(hosts, "list_hosts", two)
    told = {finding.name: finding for finding in doctor.examine()}
    assert not told["hosts"].good
    assert str(told["hosts"].text) == (
        "2: a (cpu), b (cuda, h100). Other code than here on b (cuda, h100)"
    )
    monkeypatch.setattr(hosts, "list_hosts", lambda _url: [])
    told = {finding.name: finding for finding in doctor.examine()}
    assert "no host works for it" in str(told["hosts"].text)
    monkeypatch.undo()
    assert "hosts" not in {finding.name for finding in doctor.examine()}


def test_a_page_offers_what_hosts_have_and_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    answer: list[dict[str, Any]] = [{"offers": ["cuda", "reading"]}]
    may_answer = threading.Event()
    asked: list[int] = []

    def ask(_url: str | None) -> list[dict[str, Any]]:
        asked.append(1)
        assert may_answer.wait(30)
        if not answer:
            raise AssayError("No scheduler answers.")
        return answer

    offers = Offers(ask, again_s=1e9)
    monkeypatch.setenv("ASSAY_SCHEDULER", "tls://127.0.0.1:9")
    monkeypatch.setattr("app.web.components.measure.OFFERS", offers)
    monkeypatch.setattr("app.web.components.measure.WAIT_S", 0.05)
    assert devices() == (["cpu", "cuda"], None)  # not known yet
    may_answer.set()
    assert offers.devices(30) == ["cuda"]
    assert devices() == (["cuda"], None)
    assert len(asked) == 1
    for given, expected in (([{"offers": ["reading"]}], []), ([], ["cpu", "cuda"])):
        answer = given
        offers = Offers(ask, again_s=1e9)
        monkeypatch.setattr("app.web.components.measure.OFFERS", offers)
        monkeypatch.setattr("app.web.components.measure.WAIT_S", 30)
        offered, told = devices()
        assert offered == expected
        assert told is not None
    monkeypatch.delenv("ASSAY_SCHEDULER")
    assert "cpu" in devices()[0]
