"""A batch of papers whose process on a host was killed is read again, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.jobs.engine import WorkerDiedError
from app.jobs.hosts import engine as engine_module
from app.jobs.hosts.address import SchedulerAddress
from app.workflows.hosted import read_on_hosts

Answer = Callable[[list[tuple[str, bytes]]], Any]


class Hosts:
    """Stands in for `DaskEngine`: answers by a script."""

    host_count = 1
    answers: ClassVar[list[Answer]] = []

    def __init__(self, scheduler: SchedulerAddress) -> None:
        pass

    def __enter__(self) -> Hosts:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Any, contents: Any, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self.answers.pop(0)(contents))
        except WorkerDiedError as died:
            future.set_exception(died)
        return future

    def release(self, future: Future[Any]) -> None:
        pass


def killed(contents: Any) -> Any:
    raise WorkerDiedError(-9)


def read(contents: list[tuple[str, bytes]]) -> Any:
    return [{"text": content.decode()} for _, content in contents]


@pytest.mark.parametrize(
    ("answers", "kinds"),
    [([killed, read, read], [None, None]), ([killed, killed, read], ["cancelled", None]),
     ([read, killed, read], [None, None])],
)  # fmt: skip
def test_a_killed_batch(
    answers: list[Answer],
    kinds: list[str | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Hosts, "answers", answers)
    monkeypatch.setattr(engine_module, "DaskEngine", Hosts)
    files = [tmp_path / name for name in ("a.md", "b.md")]
    for path in files:
        path.write_text(path.name)
    scheduler = SchedulerAddress("tcp://127.0.0.1:1", None)
    found = {
        result["source"]: result
        for result in read_on_hosts(map(str, files), scheduler, target="x", targets=tmp_path)
    }
    assert set(found) == {str(path) for path in files}
    assert sorted(str(r.get("error", {}).get("kind")) for r in found.values()) == sorted(
        map(str, kinds)
    )
    for path in files:
        assert "error" in found[str(path)] or found[str(path)]["text"] == path.name
    assert answers == []
