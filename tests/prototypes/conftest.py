"""What all tests of the prototypes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.prototypes.fresh import Fresh


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run on one thread, as a session measures.

    Threads that wait for those of a test beside them made a test of seconds take minutes.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def small_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace a small cache before each sample: no test here is about how long something takes.

    A buffer of half a gigabyte for each timed case took more time than the cases.
    """
    monkeypatch.setattr("prototypes.harness.timing.MOST_FLUSH_BYTES", 8 << 20)


@pytest.fixture(scope="session")
def fresh() -> Iterator[Fresh]:
    """Runs modules in processes of their own, without the seconds that importing torch takes."""
    with Fresh() as running:
        yield running
