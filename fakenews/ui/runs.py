"""Long work under way, one piece per visitor: started, watched from a generator, cancelled from a button."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from fakenews.explain.base import Cancelled

Progress = Callable[[float], None]
Result = TypeVar("Result")
_PATIENCE = 0.25  # seconds between two looks at the queue


@dataclass(frozen=True, slots=True)
class Update(Generic[Result]):
    """What a watcher hears: the share done, the seconds left by extrapolation, and a result whenever there is one."""

    share: float
    seconds_left: float | None
    result: Result | None = None


class Runs:
    """Cancellation flags by visitor; a new run of a visitor cancels the one before, which then has no say any more."""

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
        """Cancel the visitor's run, if any; it ends within one batch, and may say so."""
        with self._lock:
            self._flags.get(visitor, threading.Event()).set()

    def leave(self, visitor: str) -> None:
        """Cancel the visitor's run, if any, as a new one would: nobody looks at it any more."""
        with self._lock:
            self._flags.pop(visitor, threading.Event()).set()

    def is_last(self, visitor: str, flag: threading.Event) -> bool:
        """Whether the run is still the visitor's own: neither finished, nor left, nor followed by another."""
        with self._lock:
            return self._flags.get(visitor) is flag

    def finish(self, visitor: str, flag: threading.Event) -> bool:
        """Forget a run that ended by itself; give whether it was still the visitor's own, as `is_last` does."""
        with self._lock:
            is_last = self._flags.get(visitor) is flag
            if is_last:
                del self._flags[visitor]
        return is_last


def watch(work: Callable[[Progress], Iterator[Result]], flag: threading.Event) -> Iterator[Update[Result]]:
    """Run `work` in a thread and yield updates, about four a second, and one with each result it gives.

    Raises
    ------
    Cancelled
        Once the flag is set; the thread stops at its next batch.
    Exception
        Whatever `work` raised.
    """
    heard: queue.Queue[float | _Given[Result] | BaseException | None] = queue.Queue()

    def progress(share: float) -> None:
        if flag.is_set():
            raise Cancelled
        heard.put(share)

    def run() -> None:
        try:
            for result in work(progress):
                heard.put(_Given(result))
            heard.put(None)
        except BaseException as error:  # handed over to the watcher, which raises it
            heard.put(error)

    threading.Thread(target=run, daemon=True, name="work").start()
    started = last = time.perf_counter()
    share = 0.0
    while True:
        if flag.is_set():
            raise Cancelled
        try:
            news = heard.get(timeout=_PATIENCE)
        except queue.Empty:
            news = share
        if news is None:
            return
        if isinstance(news, BaseException):
            raise news
        now = time.perf_counter()
        if isinstance(news, float):
            share = news
            if now - last < _PATIENCE:
                continue
        last = now
        left = (now - started) * (1 - share) / share if share > 0.02 else None
        yield Update(share, left, news.result if isinstance(news, _Given) else None)


@dataclass(frozen=True, slots=True)
class _Given(Generic[Result]):
    result: Result
