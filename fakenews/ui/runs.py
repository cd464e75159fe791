"""Explanations under way, one per visitor: started, watched from a generator, cancelled from a button."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fakenews.explain.base import Cancelled
from fakenews.schema import Explanation

Progress = Callable[[float], None]
_PATIENCE = 0.25  # seconds between two looks at the queue


@dataclass(frozen=True, slots=True)
class Update:
    """What a watcher hears: the share done, the seconds left by extrapolation, and the result at the end."""

    share: float
    seconds_left: float | None
    explanation: Explanation | None = None


class Runs:
    """Cancellation flags by visitor; a new run of a visitor cancels the one before."""

    def __init__(self) -> None:
        self._flags: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def start(self, visitor: str) -> threading.Event:
        """Cancel the visitor's run, if any, and give the flag of a new one."""
        flag = threading.Event()
        with self._lock:
            self._flags.pop(visitor, threading.Event()).set()
            self._flags[visitor] = flag
        return flag

    def cancel(self, visitor: str) -> None:
        """Cancel the visitor's run, if any; it ends within one batch."""
        with self._lock:
            self._flags.pop(visitor, threading.Event()).set()

    def finish(self, visitor: str, flag: threading.Event) -> None:
        """Forget a run that ended by itself."""
        with self._lock:
            if self._flags.get(visitor) is flag:
                del self._flags[visitor]


def watch(explain: Callable[[Progress], Explanation], flag: threading.Event) -> Iterator[Update]:
    """Run `explain` in a thread and yield updates, about four a second, the last with the explanation.

    Raises
    ------
    Cancelled
        Once the flag is set; the thread stops at its next batch.
    Exception
        Whatever `explain` raised.
    """
    heard: queue.Queue[float | Explanation | BaseException] = queue.Queue()

    def progress(share: float) -> None:
        if flag.is_set():
            raise Cancelled
        heard.put(share)

    def work() -> None:
        try:
            heard.put(explain(progress))
        except BaseException as error:  # handed over to the watcher, which raises it
            heard.put(error)

    threading.Thread(target=work, daemon=True, name="explain").start()
    started = last = time.perf_counter()
    share = 0.0
    while True:
        if flag.is_set():
            raise Cancelled
        try:
            news = heard.get(timeout=_PATIENCE)
        except queue.Empty:
            news = share
        if isinstance(news, BaseException):
            raise news
        if isinstance(news, Explanation):
            yield Update(1.0, 0.0, news)
            return
        share = news
        now = time.perf_counter()
        if now - last >= _PATIENCE:
            last = now
            left = (now - started) * (1 - share) / share if share > 0.02 else None
            yield Update(share, left)
