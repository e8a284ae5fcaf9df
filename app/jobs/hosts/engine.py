"""Work on other hosts behind the seam of `app.jobs.engine`, through a Dask scheduler.

What was handed over is kept here until it ended: a scheduler that restarts, a network that drops
and a worker that dies cost time, and the work is given out again. After `patience_s` without a
scheduler, or without a host that could do it, a future fails with `HostsLostError`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any

from analyzers.message import Message, message
from app.jobs.engine import WorkerDiedError
from app.jobs.hosts.address import SchedulerAddress, patience
from app.jobs.hosts.code import READING, code_version
from app.jobs.hosts.connection import Connection
from app.jobs.hosts.fitting import fit_for, hopeless, note_unfit, wait_for_a_free_one
from app.jobs.hosts.performing import perform
from app.jobs.hosts.reasons import (
    HostsLostError,
    no_answer,
    no_host,
    no_scheduler,
    nobody_offers,
    too_often,
    waiting,
)
from app.jobs.hosts.work import Event, Work

MOST_TRIES = 5
"""A piece of work that took so many hosts down is not given to another."""
LONG_S = 3.0
"""Seconds after which it is told for what work waits."""
_TICK_S = 0.05


class DaskEngine:
    """Runs functions on the hosts of a scheduler; the shape of `app.jobs.engine.Engine`.

    A function is named by its module, which the hosts have too; its arguments and its result are
    pickled. It runs in a process of its own there: a crash is `WorkerDiedError`, as on one machine.
    """

    def __init__(self, scheduler: SchedulerAddress, *, patience_s: float | None = None) -> None:
        self._connection = Connection(scheduler, self._hear)
        self._patience_s = patience() if patience_s is None else patience_s
        self._works: dict[Future[Any], Work] = {}
        self._by_id: dict[str, Work] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.retried = 0
        """How often work was given out again."""

    def __enter__(self) -> DaskEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        needs: Sequence[str] = (READING,),
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> Future[Any]:
        """Hand over `function(*args)` to a host that offers all that it `needs`.

        `on_event` is called in another thread. The future fails with what the function raises,
        `WorkerDiedError`, `HostsLostError` or `CodeDiffersError`.
        """
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        work = Work(function, args, tuple(needs), on_event, future)
        with self._lock:
            self._works[future] = self._by_id[work.id] = work
            if self._thread is None:
                self._connection.begin_to_wait()
                self._thread = threading.Thread(target=self._tend, name="hosts", daemon=True)
                self._thread.start()
        return future

    def release(self, future: Future[Any]) -> None:
        """Stop the work if it still runs: its host kills it within half a second."""
        with self._lock:
            work = self._works.pop(future, None)
            if work is None:
                return
            self._by_id.pop(work.id, None)
        self._take_back(work)

    @property
    def host_count(self) -> int:
        """How many hosts read papers, as far as is known by now."""
        return sum(bool(host["resources"].get(READING)) for host in self._connection.hosts.values())

    def log_of(self, future: Future[Any]) -> str:
        """Return what the programs of a piece of work printed, once it is over."""
        work = self._works.get(future)
        return "" if work is None else work.log

    def close(self) -> None:
        """Stop everything and leave the scheduler."""
        for future in list(self._works):
            self.release(future)
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)
        self._disconnect()

    def _tend(self) -> None:
        """Give out, look after and take in, until `close`."""
        while not self._stop.wait(_TICK_S):
            with self._lock:
                works = [work for work in self._works.values() if not work.future.done()]
            if not works:
                continue
            try:
                if self._is_connected():
                    if self._connection.look():
                        self._take_back_from_lost_hosts(works)
                    for work in works:
                        self._look_after(work)
            except (OSError, CancelledError):
                self._disconnect()  # the network's word; the next round connects anew
            except Exception as error:  # what nobody foresaw ends the work, never hangs it
                for work in works:
                    self._end(work, error=error)
            away_s = self._connection.away_s()
            if away_s > LONG_S:
                self._tell_of_no_scheduler(works, is_over=away_s > self._patience_s)

    def _tell_of_no_scheduler(self, works: Sequence[Work], *, is_over: bool) -> None:
        url, trouble = self._connection.scheduler.url, self._connection.trouble
        for work in works:
            if is_over:
                reason = no_scheduler(url, self._patience_s, trouble)
                self._end(work, error=HostsLostError(reason))
            else:
                work.wait_for(waiting(trouble or no_answer(url)))

    def _is_connected(self) -> bool:
        if self._connection.is_up():
            return True
        self._disconnect()
        if self._connection.open():
            return True
        self._stop.wait(0.2)
        return False

    def _disconnect(self) -> None:
        if self._connection.close():
            for work in list(self._works.values()):
                if work.given is not None:
                    work.given = None
                    self._again(work, message("the connection to the scheduler broke"))

    def _look_after(self, work: Work) -> None:
        if work.given is None:
            self._give(work)
            return
        status = work.given.status
        if status == "pending":
            if not work.is_begun and time.monotonic() - work.given_at > LONG_S:
                wait_for_a_free_one(work, self._connection.hosts)
            return
        if status == "finished":
            self._take_in(work, work.given.result(timeout=60))
        elif status == "error":
            self._failed(work, work.given.exception(timeout=60))
        elif self._works.get(work.future) is work:  # cancelled, or lost, and not by us
            work.given = None
            self._again(work, message("the scheduler lost it"))

    def _give(self, work: Work) -> None:
        if work.tries >= MOST_TRIES:
            self._end(work, error=HostsLostError(too_often(work.tries)))
            return
        hosts = fit_for(work, self._connection.hosts)
        if not hosts:
            self._homeless(work)
            return
        work.code = code_version(work.kind)
        work.tries += 1
        work.attempts += 1
        work.homeless_since = None
        work.given_to = frozenset(hosts)
        work.given_at = time.monotonic()
        work.is_begun = False
        work.given = self._connection.give(
            f"assay-{work.id}-{work.attempts}",
            work.needs,
            hosts if work.unfit else None,
            perform,
            work.kind,
            work.code,
            self._connection.topic,
            work.id,
            work.function,
            work.args,
        )
        if self._works.get(work.future) is not work:  # released meanwhile
            self._take_back(work)

    def _homeless(self, work: Work) -> None:
        """No host could do the work: some can't, or there is none for now."""
        if (error := hopeless(work, self._connection.hosts)) is not None:
            self._end(work, error=error)
            return
        now = time.monotonic()
        work.homeless_since = work.homeless_since or now
        if now - work.homeless_since > LONG_S:
            work.wait_for(nobody_offers(work.needs, list(self._connection.hosts.values())))
        if now - work.homeless_since > self._patience_s:
            self._end(work, error=HostsLostError(no_host(work.needs, self._patience_s)))

    def _take_back_from_lost_hosts(self, works: Sequence[Work]) -> None:
        """What waits for hosts that are gone is to wait for others, or for none in vain."""
        for work in works:
            if work.given is None or work.future.done():
                continue
            fit = set(fit_for(work, self._connection.hosts))
            if not fit or (work.unfit and not fit & work.given_to):
                self._take_back(work)
                self._again(work, message("its host went away"))

    def _take_in(self, work: Work, ending: Mapping[str, Any]) -> None:
        was_on = work.host if work.is_begun else ""
        work.host, work.log = ending["host"], ending["log"]
        if "differs" in ending:
            work.given = None
            if was_on not in ("", work.host):  # the scheduler itself gave it to another
                self._again(work, message("{host} went away", host=was_on))
            if work.code == code_version(work.kind):
                work.tries -= 1
                note_unfit(work, self._connection.hosts, ending["differs"], has_other_code=True)
            # else this machine's own code has changed since: it is given out as it is now
        elif "died" in ending:
            self._end(work, error=WorkerDiedError(ending["died"]))
        elif "unable" in ending:
            work.given = None
            note_unfit(work, self._connection.hosts, ending["unable"], has_other_code=False)
            self._again(work, message("{host}: {why}", host=work.host, why=ending["unable"]))
        elif "raised" in ending:
            self._end(work, error=ending["raised"])
        elif "unwanted" in ending:
            work.given = None
            self._again(work, message("the scheduler took it away"))
        else:
            self._end(work, value=ending["value"])

    def _failed(self, work: Work, error: BaseException) -> None:
        from distributed.scheduler import KilledWorker

        if isinstance(error, KilledWorker):
            self._end(work, error=HostsLostError(too_often(error.allowed_failures + 1)))
        else:
            self._end(work, error=error)

    def _end(self, work: Work, *, value: Any = None, error: BaseException | None = None) -> None:
        if work.future.done():
            return
        if error is None:
            work.future.set_result(value)
        else:
            work.future.set_exception(error)
        self._take_back(work)

    def _take_back(self, work: Work) -> None:
        given, work.given = work.given, None
        if given is not None:
            with suppress(Exception):
                if not given.done():
                    given.cancel()
                given.release()

    def _again(self, work: Work, why: Message) -> None:
        self.retried += 1
        work.told = ""
        work.on_event(Event("retried", why))

    def _hear(self, said: Mapping[str, Any]) -> None:
        work = self._by_id.get(said["task"])
        if work is None:
            return
        if "began" in said:
            if work.is_begun:  # the scheduler itself gave it to another
                self._again(work, message("{host} went away", host=work.host))
            work.is_begun = True
            work.host = said["began"]
            work.on_event(Event("began", work.host))
        else:
            work.on_event(Event("progress", said["progress"]))
