"""Answers that are kept for as long as the catalog stands still, the newest to each question only.

Streamlit's own cache keeps those of the versions before as well: of a hundred thousand papers each
takes up to 60 MB, and every write makes a new version.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Kept:
    """The newest answers to at most so many questions; answers are shared, so never change one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._at_work: dict[Hashable, threading.Lock] = {}
        self._answers: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()

    def answer(self, question: Hashable, version: int, work: Callable[[], Answer]) -> Answer:
        """Return what `work` does, or did for this version; who asks meanwhile waits for it.

        Whatever `work` raises is raised, and nothing is kept.
        """
        with self._lock:
            turn = self._at_work.setdefault(question, threading.Lock())
        with turn:
            with self._lock:
                held = self._answers.get(question)
                if held is not None and held[0] == version:
                    self._answers.move_to_end(question)
                    found: Answer = held[1]
                    return found
                self._answers.pop(question, None)  # before the work: both need room
            made = work()
            with self._lock:
                self._answers[question] = version, made
                while len(self._answers) > self._most:
                    self._at_work.pop(self._answers.popitem(last=False)[0], None)
            return made
