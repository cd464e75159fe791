"""Watch long work from a generator, as the page does: it runs in a thread of its own, in its lane of the scheduler."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from fakenews.engine.scheduler import Lane, Scheduler
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled

Progress = Callable[[float], None]
Result = TypeVar("Result")
INTERVAL = 0.25  # seconds between two updates


@dataclass(frozen=True, slots=True)
class Update(Generic[Result]):
    """The share done, the seconds left by extrapolation, and a result whenever there is one."""

    share: float
    seconds_left: float | None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[Result]):
    result: Result


def watch(
    scheduler: Scheduler,
    work: Callable[[Progress], Iterator[Result]],
    token: Token,
    lane: Lane = Lane.EXPLANATION,
) -> Iterator[Update[Result]]:
    """Run `work` in a thread, once it has a place, and yield updates, about four a second and one with each result.

    Raises
    ------
    Cancelled
        Once the token is cancelled; the thread stops at its next report of progress.
    Exception
        Whatever `work` raised; `Overloaded` if there was no place for it.
    """
    events: queue.Queue[float | _Outcome[Result] | BaseException | None] = queue.Queue()

    def run() -> None:
        try:
            with scheduler.place(lane, token) as give_way:

                def progress(share: float) -> None:
                    give_way()
                    events.put(share)

                for result in work(progress):
                    events.put(_Outcome(result))
            events.put(None)
        except BaseException as error:  # handed over to the watcher, which raises it
            events.put(error)

    threading.Thread(target=run, daemon=True, name="work").start()
    started = last = time.perf_counter()
    share = 0.0
    while True:
        if token.cancelled:
            raise Cancelled
        try:
            event = events.get(timeout=INTERVAL)
        except queue.Empty:
            event = share
        if event is None:
            return
        if isinstance(event, BaseException):
            raise event
        now = time.perf_counter()
        if isinstance(event, float):
            share = event
            if now - last < INTERVAL:
                continue
        last = now
        left = (now - started) * (1 - share) / share if share > 0.02 else None
        yield Update(share, left, event.result if isinstance(event, _Outcome) else None)
